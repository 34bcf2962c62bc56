import PluginKit

/// Codes of the US consolidated tape as words of the hub.
enum TapeCodes {
    /// The venue of a participant's letter (CTA and UTP participant codes); other codes are venues already.
    static func venue(_ code: String) -> String {
        switch code {
        case "A": "AMEX"
        case "B": "BX"
        case "C": "NSX"
        case "D": "FINRA"
        case "H": "MIAX"
        case "I": "ISE"
        case "J": "EDGA"
        case "K": "EDGX"
        case "L": "LTSE"
        case "M": "CHX"
        case "N": "NYSE"
        case "P": "ARCA"
        case "Q", "T": "NASDAQ"
        case "U": "MEMX"
        case "V": "IEX"
        case "W": "CBOE"
        case "X": "PHLX"
        case "Y": "BYX"
        case "Z": "BATS"
        default: code
        }
    }

    /// Conditions of a trade from the bit mask that QuantConnect's Lean gives its sample data
    /// (`TradeConditionFlags`, after AlgoSeek's).
    ///
    /// Bit 0 is a regular trade, and bit 29 says that a sweep or cross was exempt from the trade-through rule, which is
    /// no condition of its own. Official opening and closing prices repeat a trade, so they count for nothing. Bits the
    /// hub has no word for are ``TradeConditions/other``.
    @inline(__always)
    static func conditions(_ mask: UInt64) -> TradeConditions {
        mask & ~silent == 0 ? [] : translated(mask & ~silent)
    }

    private static let silent: UInt64 = 1 << 0 | 1 << 29

    private static func translated(_ mask: UInt64) -> TradeConditions {
        var conditions: TradeConditions = []
        var rest = mask
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest - 1
            switch bit {
            case 5: conditions.insert(.sweep)
            case 6, 8: conditions.insert(.auctionOpen)
            case 7: conditions.insert(.auctionClose)
            case 10, 13: conditions.insert(.extendedHours)
            case 14: conditions.insert(.outOfSequence)
            case 18: conditions.insert(.contingent)
            case 20: conditions.insert(.averagePrice)
            case 21: conditions.insert(.cross)
            case 24: conditions.formUnion([.auctionClose, .notLast, .notHighLow, .notVolume])
            case 26: conditions.formUnion([.auctionOpen, .notLast, .notHighLow, .notVolume])
            case 31: conditions.insert(.oddLot)
            default: conditions.insert(.other)
            }
        }
        return conditions
    }
}
