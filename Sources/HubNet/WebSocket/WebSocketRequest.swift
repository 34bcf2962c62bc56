/// A WebSocket to open.
public struct WebSocketRequest: Sendable {
    /// Pings that the client sends by itself. Those of the server are answered always.
    public enum Pings: Hashable, Sendable {
        case none
        /// One each `milliseconds`; when no pong comes within `pongWithin` milliseconds, the connection counts as dead.
        /// 0 = pongs are not waited for.
        case every(milliseconds: Int, pongWithin: Int)
    }

    /// `ws` or `wss`; path and query are sent as they are.
    public var url: String
    public var headers: [HTTPHeader]
    /// In order of preference.
    public var subprotocols: [String]
    public var pings: Pings
    /// Nothing received for so long: the connection counts as dead. `nil` = it may be silent for ever.
    public var idleMilliseconds: Int?
    /// From the name to the end of the handshake.
    public var connectTimeoutMilliseconds: Int
    /// Greatest length of a message, unpacked.
    public var maximumMessageBytes: Int
    /// How much may wait to be sent.
    public var maximumQueuedBytes: Int
    /// Whether to offer permessage-deflate.
    public var offersDeflate: Bool
    public var proxy: ProxySettings
    public var trust: Trust

    public init(
        url: String, headers: [HTTPHeader] = [], subprotocols: [String] = [], pings: Pings = .none,
        idleMilliseconds: Int? = nil, connectTimeoutMilliseconds: Int = 10_000,
        maximumMessageBytes: Int = 16 << 20, maximumQueuedBytes: Int = 1 << 20, offersDeflate: Bool = true,
        proxy: ProxySettings = .environment, trust: Trust = .system
    ) {
        self.url = url
        self.headers = headers
        self.subprotocols = subprotocols
        self.pings = pings
        self.idleMilliseconds = idleMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.maximumMessageBytes = maximumMessageBytes
        self.maximumQueuedBytes = maximumQueuedBytes
        self.offersDeflate = offersDeflate
        self.proxy = proxy
        self.trust = trust
    }
}

/// A server answered an upgrade with something other than 101.
public struct WebSocketRefusal: Sendable {
    public var status: Int
    public var headers: [HTTPHeader]
    /// As sent, 64 KiB at most.
    public var body: [UInt8]

    public init(status: Int, headers: [HTTPHeader], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// How a WebSocket ended.
public struct WebSocketEnd: Hashable, Sendable {
    /// As RFC 6455, section 7.4.1: of the close frame, this side's or the other's; 1005 = it came without; 1006 = there
    /// was none.
    public var code: UInt16
    /// The server's, or words of this side.
    public var reason: String
    /// What went wrong; `nil` where a side closed in order.
    public var failure: NetworkFailure.Kind?
    /// Whether it was open before.
    public var wasOpen: Bool

    public init(code: UInt16, reason: String, failure: NetworkFailure.Kind?, wasOpen: Bool) {
        self.code = code
        self.reason = reason
        self.failure = failure
        self.wasOpen = wasOpen
    }
}

/// Who hears of a WebSocket. All calls come on the network's thread, which must not be kept: one at a time for one
/// connection, `opened` first, and at the end exactly one of `refused` and `closed`.
public protocol WebSocketReceiver: AnyObject, Sendable {
    /// It stands; sending may begin, in this call already.
    func opened(_ connection: WebSocketConnection, headers: [HTTPHeader], subprotocol: String?)
    /// A whole message. The bytes die when the call returns.
    func received(_ bytes: UnsafeRawBufferPointer, isText: Bool)
    /// The end.
    func refused(_ refusal: WebSocketRefusal)
    /// The end.
    func closed(_ end: WebSocketEnd)
}
