/// Something that crossed the boundary between the host and a provider's plugin and decides what the plugin makes: its
/// inputs, in order, and what the host answered when the plugin called it.
public enum CaptureInput: Sendable, Equatable {
    /// An instance was made and started. The text is a JSON object: plugin, version, settings without secrets.
    case start(setup: String)
    case want([CaptureWant])
    case opened(connection: UInt32)
    case message(connection: UInt32, isText: Bool, bytes: [UInt8])
    case closed(connection: UInt32, code: UInt32, reason: String)
    case refused(connection: UInt32, CaptureAnswer)
    case answered(request: UInt64, CaptureAnswer)
    case timer(UInt32)
    case query(CaptureQuery)
    case cancelQuery(UInt64)
    case refreshListings
    /// A login came back: the names of what the browser brought, never the values.
    case login(names: [String], redirect: String)
    case stop
    /// What the host answered during the input before it.
    case reply(CaptureReply)
    /// So much is missing here: the recorder could not keep up, or the disk was full.
    case lost(frames: UInt64, bytes: UInt64)
}

/// One wanted instrument; kinds 0 = no longer.
public struct CaptureWant: Sendable, Equatable {
    public var symbol: String
    public var kinds: UInt32

    public init(symbol: String, kinds: UInt32) {
        self.symbol = symbol
        self.kinds = kinds
    }
}

/// An HTTP answer as the plugin saw it, less what is nobody's business.
public struct CaptureAnswer: Sendable, Equatable {
    /// 0 = there was none, and `failure` says why.
    public var httpStatus: UInt32
    public var failure: Int32
    public var headers: [Header]
    public var body: [UInt8]
    /// The answer to a login: of its body only the places of the credentials are here, with nothing in them.
    public var isWithheld: Bool

    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(
        httpStatus: UInt32, failure: Int32 = 0, headers: [Header] = [], body: [UInt8] = [], isWithheld: Bool = false
    ) {
        self.httpStatus = httpStatus
        self.failure = failure
        self.headers = headers
        self.body = body
        self.isWithheld = isWithheld
    }
}

/// A question that the host asked.
public struct CaptureQuery: Sendable, Equatable {
    public var id: UInt64
    public var kind: UInt32
    public var symbols: [String] = []
    public var text = ""
    public var interval: UInt32 = 0
    public var limit: UInt32 = 0
    public var from: Int64 = 0
    public var to: Int64 = 0
    public var next = ""
    public var deadline: Int64 = 0

    public init(id: UInt64, kind: UInt32) {
        self.id = id
        self.kind = kind
    }
}

/// What the host answered to one call of the plugin.
public struct CaptureReply: Sendable, Equatable {
    public enum Call: UInt8, Sendable {
        /// Opening a connection; the key is its number and the address without its query.
        case connect = 1
        /// Sending on one; kept only where it did not work.
        case send = 2
        /// A request; the key is its number, its method and the address without its query.
        case request = 3
        /// Whether a login is kept under a name; `number` is when it ends. Never the login itself.
        case kept = 4
        /// A text that outlived an earlier process.
        case stored = 5
        /// An instrument that the plugin discovered; status 0 = it was turned away.
        case define = 6
    }

    public var call: Call
    public var key: String
    public var status: Int32
    public var number: Int64
    public var bytes: [UInt8]

    public init(_ call: Call, _ key: String, status: Int32 = 0, number: Int64 = 0, bytes: [UInt8] = []) {
        self.call = call
        self.key = key
        self.status = status
        self.number = number
        self.bytes = bytes
    }
}

/// One input with its place and the time that the plugin was told with it.
public struct CaptureFrame: Sendable, Equatable {
    /// Which of a session's files it stands in. What makes up the state of a plugin is little and is kept as long as its
    /// session runs; what streams through it goes when it is too old.
    public enum Lane: String, Sendable, CaseIterable {
        case state, stream
    }

    /// Dense within a session, over both lanes: a number that is not there is a frame that was lost or has gone.
    public var ordinal: UInt64
    public var lane: Lane
    /// Nanoseconds since the Unix epoch: when the bytes arrived, or the host called.
    public var wallNanoseconds: Int64
    public var monotonicNanoseconds: Int64
    public var input: CaptureInput

    public init(
        ordinal: UInt64, lane: Lane, wallNanoseconds: Int64, monotonicNanoseconds: Int64, input: CaptureInput
    ) {
        self.ordinal = ordinal
        self.lane = lane
        self.wallNanoseconds = wallNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
        self.input = input
    }

    /// About what it weighs while it waits and in the file.
    public var weight: Int {
        switch input {
        case .message(_, _, let bytes): 64 + bytes.count
        case .answered(_, let answer), .refused(_, let answer): 512 + answer.body.count
        case .reply(let reply): 96 + reply.bytes.count
        case .want(let wants): 64 + 32 * wants.count
        case .start(let setup): 64 + setup.utf8.count
        default: 128
        }
    }
}
