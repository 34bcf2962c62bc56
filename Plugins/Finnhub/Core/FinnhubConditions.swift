import JSONReading
import PluginKit

/// Finnhub's numbers of US trade conditions in the hub's words.
enum FinnhubConditions {
    /// The bits of one code.
    @inline(__always)
    static func bits(_ code: JSONText) -> TradeConditions {
        var number = 0
        guard code.count > 0, code.count < 4 else { return .other }
        for index in 0..<code.count {
            let digit = code.start[index] &- 48
            guard digit < 10 else { return .other }
            number = number * 10 + Int(digit)
        }
        return bits(number)
    }

    /// The bits of one code.
    static func bits(_ code: Int) -> TradeConditions {
        switch code {
        // Regular; executed automatically.
        case 1, 7: []
        case 3: [.averagePrice, .notLast, .notHighLow]
        // Cash, price variation, next day, seller: settled or priced unlike the market.
        case 5, 10, 17, 22: [.other, .notLast, .notHighLow]
        case 8: .sweep
        case 9, 30: [.outOfSequence, .notLast]
        case 12: [.oddLot, .notLast, .notHighLow]
        case 15: .outOfSequence
        // Official prices repeat trades that were told before.
        case 16, 39: [.auctionClose, .notLast, .notHighLow, .notVolume]
        case 20: [.auctionOpen, .notLast, .notHighLow, .notVolume]
        case 18, 19, 33, 34: .auctionOpen
        case 35, 36: .auctionClose
        // Prior reference price, derivatively priced.
        case 21, 32: [.other, .notLast]
        case 24: .extendedHours
        case 25: [.extendedHours, .outOfSequence, .notLast, .notHighLow]
        case 26, 37: [.contingent, .notLast, .notHighLow]
        case 28: .cross
        default: .other
        }
    }
}
