internal import EventFormat

/// An object that the server sends on a stream beside events. It is written by `write`, keys in one fixed order.
enum StreamObject: Hashable, Sendable {
    case hello(Hello)
    case subscribed(Subscribed)
    case unsubscribed(id: OperationID?, seq: UInt64)
    case filter(id: OperationID?, symbols: [String], types: [String], count: Int)
    case pong(id: OperationID?, nanoseconds: Int64)
    case hole(StreamHole)
    case live(seq: UInt64, cursor: String, nanoseconds: Int64)
    case end(seq: UInt64, cursor: String)
    case replay(Replay)
    case lag(Lag)
    case conflated(Conflated)
    case heartbeat(Heartbeat)
    case error(StreamError)
    case bye(Bye)

    struct Hello: Hashable, Sendable {
        var version: String
        var epoch: String
        var head: UInt64
        var earliestSeq: UInt64
        var earliestNanoseconds: Int64
        var nanoseconds: Int64
        var heartbeatMilliseconds: Int64
        var durability: String
        var encoding: String
        var connection: String
        var limits: StreamLimits
    }

    struct Subscribed: Hashable, Sendable {
        var id: OperationID?
        var after: UInt64
        var cursor: String
        var head: UInt64
        var count: Int
        var matched: [SubscriptionPlan.Matched]
        var notFound: [String]
        var denied: [String]
        var pending: [String]
    }

    struct Lag: Hashable, Sendable {
        var seq: UInt64
        var head: UInt64
        var behind: UInt64
        var behindMilliseconds: Int64
        var onSlow: SubscribeRequest.SlowPolicy
    }

    struct Replay: Hashable, Sendable {
        enum State: String, Sendable {
            case playing, paused, ended
        }

        var id: OperationID?
        var state: State
        var speed: Double
        var seq: UInt64
        /// How far the replay is in time.
        var nanoseconds: Int64
    }

    /// What a client that was too slow is not given, or a part of it: one message holds so many items only.
    struct Conflated: Hashable, Sendable {
        /// An instrument and a type of which events were left out.
        struct Item: Hashable, Sendable {
            var symbol: String
            /// The word of the kind.
            var type: String
            var dropped: UInt64
            var firstSeq: UInt64
            var lastSeq: UInt64
            /// The one that was kept.
            var keptSeq: UInt64
        }

        /// The range of positions that this stands for.
        var firstSeq: UInt64
        var lastSeq: UInt64
        /// Sum over the items.
        var dropped: UInt64
        var items: [Item]
    }

    struct Heartbeat: Hashable, Sendable {
        /// A provider's health as a reader sees it.
        struct Source: Hashable, Sendable {
            var name: String
            /// A word of `control`.
            var state: String
            /// Since its last event; `nil` if it never sent one.
            var ageMilliseconds: Int64?
        }

        var nanoseconds: Int64
        var head: UInt64
        var position: UInt64
        var cursor: String
        var sent: UInt64
        var sources: [Source]
    }

    struct Bye: Hashable, Sendable {
        var code: ProblemCode
        /// WebSocket code that follows.
        var closeCode: UInt16
        var message: String
        var retryAfterMilliseconds: Int64?
        /// Everything up to here was sent.
        var cursor: String
    }

    /// The word in `type`.
    var type: String {
        switch self {
        case .hello: "hello"
        case .subscribed: "subscribed"
        case .unsubscribed: "unsubscribed"
        case .filter: "filter"
        case .pong: "pong"
        case .hole: "hole"
        case .live: "live"
        case .end: "end"
        case .replay: "replay"
        case .lag: "lag"
        case .conflated: "conflated"
        case .heartbeat: "heartbeat"
        case .error: "error"
        case .bye: "bye"
        }
    }

    /// The position to resume from once this object was read: the `id` of a server-sent event. Of `live` only; events
    /// have their own.
    var resumeCursor: String? {
        if case .live(_, let cursor, _) = self { cursor } else { nil }
    }
}
