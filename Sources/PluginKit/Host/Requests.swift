/// A WebSocket connection to be opened.
public struct WebSocketRequest: Sendable {
    /// `ws` or `wss`; its host is one of the descriptor's or the operator's.
    public var url: String
    public var headers: [(name: String, value: String)]
    /// Empty: none.
    public var subprotocol: String
    /// Own pings; 0 = none. The other side's are always answered.
    public var pingEveryMilliseconds: UInt32
    /// Dead without an answer to an own ping by then; 0 = answers are not waited for.
    public var pongWithinMilliseconds: UInt32
    /// Dead when no frame of any kind came for so long; 0 = never.
    public var idleAfterMilliseconds: UInt32
    /// 0 = 16 MiB.
    public var maximumMessageBytes: UInt32
    public var offersDeflate: Bool
    /// Whether this is the first step of a new attempt: it waits for the provider's backoff.
    public var beginsSession: Bool

    /// Makes one.
    public init(
        url: String, headers: [(name: String, value: String)] = [], subprotocol: String = "",
        pingEveryMilliseconds: UInt32 = 0, pongWithinMilliseconds: UInt32 = 0, idleAfterMilliseconds: UInt32 = 0,
        maximumMessageBytes: UInt32 = 0, offersDeflate: Bool = true, beginsSession: Bool = true
    ) {
        self.url = url
        self.headers = headers
        self.subprotocol = subprotocol
        self.pingEveryMilliseconds = pingEveryMilliseconds
        self.pongWithinMilliseconds = pongWithinMilliseconds
        self.idleAfterMilliseconds = idleAfterMilliseconds
        self.maximumMessageBytes = maximumMessageBytes
        self.offersDeflate = offersDeflate
        self.beginsSession = beginsSession
    }
}

/// An HTTP request to be sent.
public struct HTTPRequest: Sendable {
    public var url: String
    /// Empty: GET.
    public var method: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    /// One of the descriptor's; empty: none. The request waits for its budget, at most to its deadline.
    public var rateClass: String
    /// In units of the class; 0 = 1.
    public var cost: UInt32
    /// 0 = what the operator set.
    public var deadlineMilliseconds: UInt32
    /// May be sent again by the host after a broken connection; GET and HEAD are.
    public var isIdempotent: Bool
    public var followsRedirects: Bool
    /// Whether this is the first step of a new attempt to connect: it waits for the provider's backoff.
    public var beginsSession: Bool
    public var captures: [Capture]

    /// A text of a JSON answer that is a credential: the plugin sees a token in its place.
    public struct Capture: Sendable {
        /// JSON pointer into the body.
        public var pointer: String
        /// What ``Host/kept(_:)`` asks for.
        public var name: String
        /// When it ends; nil = not known.
        public var expiresNanoseconds: Int64?

        /// Makes one.
        public init(pointer: String, name: String, expiresNanoseconds: Int64? = nil) {
            self.pointer = pointer
            self.name = name
            self.expiresNanoseconds = expiresNanoseconds
        }
    }

    /// Makes one.
    public init(
        url: String, method: String = "", headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        rateClass: String = "", cost: UInt32 = 1, deadlineMilliseconds: UInt32 = 0, isIdempotent: Bool = false,
        followsRedirects: Bool = false, beginsSession: Bool = false, captures: [Capture] = []
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.rateClass = rateClass
        self.cost = cost
        self.deadlineMilliseconds = deadlineMilliseconds
        self.isIdempotent = isIdempotent
        self.followsRedirects = followsRedirects
        self.beginsSession = beginsSession
        self.captures = captures
    }
}

/// How ``Host/derive(_:_:)`` computes. Raw values are those of `hub/ext/secret.h`.
public enum Derivation: UInt32, Sendable {
    /// SHA-256 in hexadecimal, of all parts one behind the other.
    case sha256 = 1
    /// HMAC-SHA-256 in hexadecimal; the key is the first part, the message the rest.
    case hmacSHA256 = 2
    /// Base64 of `first:second`.
    case basic = 3
}
