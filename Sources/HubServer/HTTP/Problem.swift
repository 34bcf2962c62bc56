import EventFormat

/// An answer that says what went wrong: RFC 9457, as `objects.md`, section 7, has it.
public struct Problem: Error, Sendable {
    /// One thing that is wrong with the request.
    public struct Fault: Sendable, Hashable {
        /// Name of the parameter.
        public var parameter: String
        /// What was expected, or what to write instead.
        public var message: String

        public init(_ parameter: String, _ message: String) {
            self.parameter = parameter
            self.message = message
        }
    }

    public var code: ProblemCode
    /// What happened this time, for people.
    public var detail: String
    public var faults: [Fault] = []
    /// What may have been meant.
    public var candidates: [String] = []
    /// Providers that were tried or passed over, in this order.
    public var providers: [(provider: String, code: ProblemCode, detail: String)] = []
    public var retryAfterMilliseconds: Int64?
    /// The oldest position that can be read, with its time in nanoseconds; told with errors about cursors.
    public var earliest: (seq: UInt64, nanoseconds: Int64)?
    public var head: UInt64?
    /// A status other than the code's own: 426 for a stream that was not upgraded.
    public var otherStatus: Int?
    /// Header fields that belong to the answer: `Allow`, `Upgrade`.
    public var headers: [(name: String, value: String)] = []

    public init(_ code: ProblemCode, _ detail: String, faults: [Fault] = [], candidates: [String] = []) {
        self.code = code
        self.detail = detail
        self.faults = faults
        self.candidates = candidates
    }

    /// The HTTP status of the answer.
    public var status: Int { otherStatus ?? code.status ?? 400 }

    /// Writes the object.
    ///
    /// - Parameters:
    ///   - instance: path of the request.
    ///   - requestID: as in `X-Request-Id`.
    func write(to buffer: inout TextBuffer, instance: String, requestID: String) {
        buffer.beginObject()
        buffer.member("type", "/v1/errors#\(code.rawValue)")
        buffer.member("title", code.title)
        buffer.member("status", status)
        buffer.member("detail", detail)
        buffer.member("instance", instance)
        buffer.member("code", code.rawValue)
        buffer.member("retry", code.retry)
        buffer.member("retry_after_ms", ifPresent: retryAfterMilliseconds)
        buffer.member("request_id", requestID)
        if !faults.isEmpty {
            buffer.key("errors")
            buffer.beginArray()
            for fault in faults {
                buffer.beginObject()
                buffer.member("parameter", fault.parameter)
                buffer.member("message", fault.message)
                buffer.endObject()
            }
            buffer.endArray()
        }
        if !candidates.isEmpty { buffer.member("candidates", candidates) }
        if providers.count == 1 { buffer.member("provider", providers[0].provider) }
        if !providers.isEmpty {
            buffer.key("providers")
            buffer.beginArray()
            for one in providers {
                buffer.beginObject()
                buffer.member("provider", one.provider)
                buffer.member("code", one.code.rawValue)
                buffer.member("detail", one.detail)
                buffer.endObject()
            }
            buffer.endArray()
        }
        if let earliest {
            buffer.key("earliest")
            buffer.beginObject()
            buffer.member("seq", earliest.seq)
            buffer.member("time", time: earliest.nanoseconds, style: .microseconds)
            buffer.endObject()
        }
        if let head { buffer.member("head", head) }
        buffer.endObject()
    }
}
