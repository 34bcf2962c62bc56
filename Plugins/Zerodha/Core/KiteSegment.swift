/// The low byte of an instrument token: which segment it belongs to.
enum KiteSegment {
    static let index: UInt32 = 9

    /// What integer prices of a token's segment are divided by.
    static func divisor(ofToken token: UInt32) -> Float {
        switch token & 0xff {
        case 3: 10_000_000  // CDS, currency derivatives of NSE
        case 6, 12: 10_000  // BCD, currency derivatives of BSE; NCO, commodities of NSE
        default: 100
        }
    }

    static func isIndex(token: UInt32) -> Bool { token & 0xff == index }
}
