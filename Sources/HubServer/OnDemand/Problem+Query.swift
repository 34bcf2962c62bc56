import HubRuntime

extension ProblemCode {
    /// The word for a kind of no.
    init(_ reason: QueryFailure.Reason) {
        self =
            switch reason {
            case .notFound: .unknownSymbol
            case .noData: .noData
            case .unsupported: .unsupported
            case .plan: .planRequired
            case .limited: .providerLimited
            case .authNeeded: .authNeeded
            case .timeout: .providerTimeout
            case .failed: .providerFailed
            }
    }
}

extension Problem {
    /// What nobody could answer, with what each provider said.
    ///
    /// - Parameter subject: what was asked for.
    init(_ failure: QueryFailure, subject: String) {
        let code = ProblemCode(failure.reason)
        let what =
            switch failure.reason {
            case .notFound: "no provider knows \(subject)"
            case .noData: "\(subject) is known, and there is nothing of it"
            case .unsupported: "no provider here offers this for \(subject)"
            case .plan: "the plan with the vendor does not include this for \(subject)"
            case .limited: "the budget with the vendor is spent; \(subject) cannot be asked for now"
            case .authNeeded: "the provider waits for a login; \(subject) cannot be asked for now"
            case .timeout: "no provider answered about \(subject) in time"
            case .failed: "asking for \(subject) failed"
            }
        self.init(code, failure.attempts.isEmpty ? what : "\(what) (\(failure.detail))")
        retryAfterMilliseconds = failure.retryAfterMilliseconds.map(Int64.init)
        providers = failure.attempts.map { ($0.provider, ProblemCode($0.reason), $0.detail) }
    }
}
