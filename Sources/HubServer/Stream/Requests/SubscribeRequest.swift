internal import HubModel

/// A subscription as a client wrote it, read and checked as far as that goes without knowing the instruments.
struct SubscribeRequest: Hashable, Sendable {
    /// What happens to a client that falls behind.
    enum SlowPolicy: String, CaseIterable, Sendable {
        /// It is served from the journal until it has caught up.
        case catchUp = "catch_up"
        /// Of what it missed it is given the newest record of each instrument and conflatable type, and all of the rest.
        case conflate
        /// It is told goodbye, with a cursor.
        case disconnect
    }

    /// What belongs to a connection and is chosen by its first `subscribe`. A later one may repeat it, not change it.
    struct Options: Hashable, Sendable {
        var snapshot = false
        var onSlow = SlowPolicy.catchUp
        /// Words of `exclude`, in their order.
        var exclude: [String] = []
        /// `HUB_FLAG_…` bits of those words.
        var excludedFlags: UInt16 = 0
        /// Where a bounded replay ends; `nil` = it goes on live.
        var end: StreamEnd?
        /// Of a replay: 0 = as fast as possible, 1 = as it happened, 10 = ten times as fast.
        var speed = 0.0
        /// Whether views of bars and values that are forming are sent.
        var forming = false
        /// Between two views of one series, at least.
        var everyMilliseconds = Options.leastEveryMilliseconds

        static let leastEveryMilliseconds = 250
    }

    var id: OperationID?
    /// Symbols, names or globs, as written.
    var symbols: [String]
    /// As written; `nil` = every event but `control` and `define`.
    var types: [String]?
    var selector: EventSelector
    /// `nil` where the client said nothing.
    var from: StreamStart?
    /// Options that were given.
    var given: Options
    /// Names of the options that were given.
    var givenNames: Set<String> = []
}

/// `unsubscribe`: what to leave out from now on. Without symbols and types: everything.
struct UnsubscribeRequest: Hashable, Sendable {
    var id: OperationID?
    /// `nil` = all.
    var symbols: [String]?
    /// `nil` = all.
    var selector: EventSelector?
}
