import PluginKit

/// From where a replay goes on.
struct ReplayPosition: Equatable {
    /// Rows of this pass that are done, over all files.
    var rows: UInt64
    /// Passes that are done.
    var pass: UInt32
    /// Days each pass is shifted by; 0 while the first is running.
    var daysInPass: UInt32
    /// Of the rows of this pass that are done: tells whether the files are still the same.
    var digest: UInt64
    /// The wall time at which a row of time 0 would have been played at this pace; 0 = nothing was paced yet.
    var playedFrom: Int64

    init(rows: UInt64 = 0, pass: UInt32 = 0, daysInPass: UInt32 = 0, digest: UInt64 = 0, playedFrom: Int64 = 0) {
        self.rows = rows
        self.pass = pass
        self.daysInPass = daysInPass
        self.digest = digest
        self.playedFrom = playedFrom
    }

    // Rows take 40 bits (a million million), passes and days 24 each: a position has 24 bytes for all of it.
    private static let small: UInt64 = 1 << 24 - 1

    init(_ position: Position) {
        rows = position.first >> 24
        pass = UInt32(position.first & Self.small)
        digest = position.second >> 24
        daysInPass = UInt32(position.second & Self.small)
        playedFrom = Int64(bitPattern: position.third)
    }

    var packed: Position {
        Position(
            rows << 24 | UInt64(pass) & Self.small, shortDigest << 24 | UInt64(daysInPass) & Self.small,
            UInt64(bitPattern: playedFrom))
    }

    /// As much of the digest as a position holds.
    var shortDigest: UInt64 { digest & (1 << 40 - 1) }

    /// Whether the same rows of the same files are done.
    func isSamePlace(as other: ReplayPosition) -> Bool {
        (rows, pass, daysInPass, shortDigest) == (other.rows, other.pass, other.daysInPass, other.shortDigest)
    }

    /// Takes a row into account.
    @inline(__always)
    mutating func add(_ row: borrowing Row) {
        rows &+= 1
        digest = (digest ^ UInt64(bitPattern: row.time) ^ row.values.0.bitPattern.byteSwapped) &* 0x9E37_79B9_7F4A_7C15
        digest ^= digest >> 29
    }
}
