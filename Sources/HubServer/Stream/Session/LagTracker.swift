/// Decides when a connection is told that it is behind: at 10,000 matching events or one second after `live`, at each
/// doubling of either, and once when it has caught up.
struct LagTracker: Sendable {
    static let firstEvents: UInt64 = 10_000
    static let firstMilliseconds: Int64 = 1000

    /// 0 = not behind; else 1 more than the number of doublings told.
    private var toldLevel = 0

    /// Whether the client was told that it is behind and not yet that it is no more.
    var isBehind: Bool { toldLevel > 0 }

    /// Takes the present distance; answers whether to tell it.
    ///
    /// - Parameters:
    ///   - events: matching events not yet sent.
    ///   - milliseconds: age of the oldest of them.
    mutating func update(events: UInt64, milliseconds: Int64) -> Bool {
        if events == 0 {
            defer { toldLevel = 0 }
            return toldLevel > 0
        }
        let level = max(
            Self.level(events / Self.firstEvents), Self.level(UInt64(max(0, milliseconds / Self.firstMilliseconds))))
        guard level > toldLevel else { return false }
        toldLevel = level
        return true
    }

    /// 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7 …
    private static func level(_ quotient: UInt64) -> Int { 64 - quotient.leadingZeroBitCount }
}
