/// Why something did not come about, with words for a person. The words name hosts, never queries or headers.
public struct NetworkFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// What was asked for cannot be asked: an address or a header that is none.
        case request
        /// The name has no address.
        case dns
        /// Nobody there, or the connection was lost.
        case connect
        /// The proxy refused or cannot be used.
        case proxy
        /// No trust, or no common language.
        case tls
        /// Too late.
        case timeout
        /// The answer is longer than it may be.
        case tooLarge = "too_large"
        /// Somebody here no longer wanted it.
        case cancelled
        /// The other side broke the rules.
        case `protocol`
        /// Too much at once here: a bound was reached.
        case overload
        /// A rate budget or the vendor does not allow it before its deadline.
        case rateLimited = "rate_limited"
        /// The circuit breaker is open.
        case breaker
    }

    public let kind: Kind
    public let message: String
    /// When it may work again, monotonic nanoseconds, where that is known.
    public let retryAtNanoseconds: Int64?

    public init(_ kind: Kind, _ message: String, retryAtNanoseconds: Int64? = nil) {
        self.kind = kind
        self.message = message
        self.retryAtNanoseconds = retryAtNanoseconds
    }

    public var description: String { "\(kind.rawValue): \(message)" }
}
