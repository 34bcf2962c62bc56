/// An operation of a stream that was refused: the object `error`.
struct StreamError: Error, Hashable, Sendable {
    /// One thing that is wrong with the message.
    struct Fault: Hashable, Sendable {
        /// JSON pointer into the message, `/symbols/0`.
        var pointer: String
        /// What was expected, or what to write instead.
        var message: String
    }

    /// The operation it answers, as far as that could be read.
    var id: OperationID?
    var code: ProblemCode
    /// What happened this time, for people.
    var message: String
    var faults: [Fault] = []
    /// What may have been meant.
    var candidates: [String] = []
    var retryAfterMilliseconds: Int64?

    init(
        _ code: ProblemCode, _ message: String, id: OperationID? = nil, faults: [Fault] = [], candidates: [String] = []
    ) {
        self.id = id
        self.code = code
        self.message = message
        self.faults = faults
        self.candidates = candidates
    }
}
