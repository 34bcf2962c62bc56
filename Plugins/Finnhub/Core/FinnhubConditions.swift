import JSONReading
import PluginKit

/// Finnhub's numbers of US trade conditions in the hub's words.
///
/// The numbers are those of the list that Finnhub's documentation of trades links to
/// (docs.google.com/spreadsheets/d/1PUxiSWPHSODbaTaoL2Vef6DgU-yFtlRGZf19oBb9Hp0), 1 "Regular" to 41 "Trade Through Exempt";
/// what a trade may set (last, high and low, volume) is as the consolidated tapes' specifications (CTS, UTP) say for their
/// letters of the same names. Those that change nothing and that the hub has no word for (2 acquisition, 4 bunched, 6
/// distribution, 13 and 14 rules 127 and 155, 23 split, 29 yellow flag) and those of which the list says nothing more (27,
/// 31, 38, 40, 41) are `other`.
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
        // Cap election: a price that another one set off.
        case 11: [.other, .notLast, .notHighLow]
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
