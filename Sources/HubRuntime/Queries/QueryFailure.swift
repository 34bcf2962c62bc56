import PluginABI

/// Why a provider, or a whole chain of them, did not answer.
public struct QueryFailure: Error, Sendable, Hashable {
    /// What kind of no it is. They are different answers to a client.
    public enum Reason: Sendable, Hashable {
        /// The thing does not exist.
        case notFound
        /// It exists, and there is nothing of it.
        case noData
        /// Nobody offers it.
        case unsupported
        /// The vendor's plan does not include it.
        case plan
        /// The vendor's budget is spent, or it said that we ask too often.
        case limited
        /// It waits for a login.
        case authNeeded
        case timeout
        /// It failed, or its requests are stopped after failures in a row.
        case failed
    }

    /// One provider that was tried or passed over.
    public struct Attempt: Sendable, Hashable {
        public var provider: String
        public var reason: Reason
        public var detail: String

        public init(provider: String, reason: Reason, detail: String) {
            self.provider = provider
            self.reason = reason
            self.detail = detail
        }
    }

    public var reason: Reason
    /// For people.
    public var detail: String
    public var retryAfterMilliseconds: Int?
    /// The providers of the chain, in the order in which they were tried.
    public var attempts: [Attempt]

    public init(_ reason: Reason, _ detail: String, retryAfterMilliseconds: Int? = nil, attempts: [Attempt] = []) {
        self.reason = reason
        self.detail = detail
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.attempts = attempts
    }

    /// Whether it will be the same for a while: such answers are kept too.
    var isLasting: Bool {
        switch reason {
        case .notFound, .noData, .unsupported, .plan: true
        case .limited, .authNeeded, .timeout, .failed: false
        }
    }

    /// What a chain as a whole answers. One that might know better was not reached: then it is not said that a thing does
    /// not exist.
    static func chain(_ attempts: [Attempt], retryAfter: Int?, what: String) -> QueryFailure {
        guard !attempts.isEmpty else {
            return QueryFailure(.unsupported, "no provider here offers \(what)")
        }
        let reasons = Set(attempts.map(\.reason))
        let order: [Reason] = [.failed, .timeout, .limited, .authNeeded, .noData, .notFound, .plan, .unsupported]
        let worst = order.first { reasons.contains($0) } ?? .failed
        let said = attempts.map { "\($0.provider): \($0.detail)" }.joined(separator: "; ")
        return QueryFailure(
            worst, said, retryAfterMilliseconds: retryAfter, attempts: attempts)
    }
}

extension QueryFailure.Reason {
    /// What a status of the ABI means for a query.
    init(status: hub_status) {
        switch Int(status) {
        case HUB_NOT_FOUND: self = .notFound
        case HUB_UNSUPPORTED: self = .unsupported
        case HUB_ENTITLEMENT: self = .plan
        case HUB_RATE_LIMIT: self = .limited
        case HUB_AUTH: self = .authNeeded
        case HUB_TIMEOUT: self = .timeout
        default: self = .failed
        }
    }

    /// Whether another try at once may help.
    var isWorthATry: Bool { self == .failed || self == .timeout }
}
