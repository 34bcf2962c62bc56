/// One request of a provider.
public struct HTTPRequest: Sendable {
    public var method: String
    /// `http` or `https`; path and query are sent as they are.
    public var url: String
    public var headers: [HTTPHeader]
    public var body: [UInt8]?
    /// From now to the last byte of the answer, all redirects included.
    public var timeoutMilliseconds: Int
    /// For name, connection and TLS.
    public var connectTimeoutMilliseconds: Int
    /// Whether to go where 301, 302, 303, 307 and 308 point. Headers but `Accept`, `Accept-Language` and `User-Agent` go
    /// to another origin never, nor does a body.
    public var followsRedirects: Bool
    /// Greatest length of the answer's body, unpacked.
    public var maximumBodyBytes: Int
    public var proxy: ProxySettings
    public var trust: Trust

    public init(
        _ method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8]? = nil,
        timeoutMilliseconds: Int = 10_000, connectTimeoutMilliseconds: Int = 10_000, followsRedirects: Bool = false,
        maximumBodyBytes: Int = 64 << 20, proxy: ProxySettings = .environment, trust: Trust = .system
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeoutMilliseconds = timeoutMilliseconds
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.followsRedirects = followsRedirects
        self.maximumBodyBytes = maximumBodyBytes
        self.proxy = proxy
        self.trust = trust
    }
}

/// An answer, whatever its status.
public struct HTTPResponse: Sendable {
    public var status: Int
    /// Of the last answer, in its order.
    public var headers: [HTTPHeader]
    /// Unpacked.
    public var body: [UInt8]
    /// 10, 11, 20, 30.
    public var version: Int
    /// From the first byte sent to the last received, redirects included.
    public var latencyNanoseconds: Int64
    /// Whether it went over a connection that stood already.
    public var reusedConnection: Bool
    /// How many redirects were followed.
    public var redirects: Int
}

public typealias HTTPResult = Result<HTTPResponse, NetworkFailure>

/// A request on its way.
public protocol HTTPCall: AnyObject, Sendable {
    /// No longer wanted: it ends with `cancelled`, unless it ended before. Any thread.
    func cancel()
}
