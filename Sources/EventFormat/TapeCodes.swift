import PluginABI

/// Codes of the US consolidated tape as words of the hub: what recorded files and their readers share.
public enum TapeCodes {
    /// The venue of a participant's letter (CTA and UTP participant codes); other codes are venues already.
    public static func venue(_ code: String) -> String {
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

    /// `HUB_CONDITION_…` bits from the bit mask that QuantConnect's Lean gives its sample data (`TradeConditionFlags`, after
    /// AlgoSeek's).
    ///
    /// Bit 0 is a regular trade, and bit 29 says that a sweep or cross was exempt from the trade-through rule, which is
    /// no condition of its own. Official opening and closing prices repeat a trade, so they count for nothing. Bits the
    /// hub has no word for are *other*.
    @inlinable
    public static func conditions(_ mask: UInt64) -> UInt32 {
        mask & ~silent == 0 ? 0 : translated(mask & ~silent)
    }

    @usableFromInline static let silent: UInt64 = 1 << 0 | 1 << 29

    @usableFromInline
    static func translated(_ mask: UInt64) -> UInt32 {
        let official = HUB_CONDITION_NOT_LAST | HUB_CONDITION_NOT_HIGH_LOW | HUB_CONDITION_NOT_VOLUME
        var conditions = 0
        var rest = mask
        while rest != 0 {
            let bit = rest.trailingZeroBitCount
            rest &= rest - 1
            switch bit {
            case 5: conditions |= HUB_CONDITION_SWEEP
            case 6, 8: conditions |= HUB_CONDITION_AUCTION_OPEN
            case 7: conditions |= HUB_CONDITION_AUCTION_CLOSE
            case 10, 13: conditions |= HUB_CONDITION_EXTENDED_HOURS
            case 14: conditions |= HUB_CONDITION_OUT_OF_SEQUENCE
            case 18: conditions |= HUB_CONDITION_CONTINGENT
            case 20: conditions |= HUB_CONDITION_AVERAGE_PRICE
            case 21: conditions |= HUB_CONDITION_CROSS
            case 24: conditions |= HUB_CONDITION_AUCTION_CLOSE | official
            case 26: conditions |= HUB_CONDITION_AUCTION_OPEN | official
            case 31: conditions |= HUB_CONDITION_ODD_LOT
            default: conditions |= HUB_CONDITION_OTHER
            }
        }
        return UInt32(conditions)
    }
}
