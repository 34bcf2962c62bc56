/// What a session must know of the hub at one moment. The owner makes one for each call that needs it.
struct StreamFacts: Sendable {
    /// A life of the journal.
    struct Epoch: Hashable, Sendable {
        /// Sixteen hexadecimal digits.
        var name: String
        /// Last position that is known to have survived; `nil` for the current epoch.
        var last: UInt64?
    }

    /// The hub's clock, nanoseconds since the Unix epoch.
    var nowNanoseconds: Int64
    /// All epochs, the current one last.
    var epochs: [Epoch]
    /// Last published position; 0 = the journal is empty.
    var head: UInt64
    /// Oldest position that can be read.
    var earliest: (seq: UInt64, nanoseconds: Int64)

    /// The current epoch's name.
    var epoch: String { epochs.last?.name ?? "" }

    /// A position as clients write it.
    func cursor(_ seq: UInt64) -> String { "\(epoch).\(seq)" }
}

/// What stays the same as long as a connection lives.
struct StreamSettings: Sendable {
    /// The hub's version.
    var version: String
    /// `process` or `fsync`.
    var durability: String
    var heartbeatMilliseconds: Int64 = 5000
    /// `json`.
    var encoding = "json"
    /// Name of the connection, `c-51`.
    var connection: String
    var limits = StreamLimits()
}

/// What one connection may do.
struct StreamLimits: Hashable, Sendable {
    /// Symbols and globs in all.
    var symbols = 10_000
    /// Globs among them: each is tried on every new instrument.
    var globs = 1000
    /// Bytes of a client's message.
    var messageBytes = StreamOperation.maximumBytes
    var operationsPerSecond = 50
    /// Bytes of a server's message.
    var batchBytes = 512 * 1024
}
