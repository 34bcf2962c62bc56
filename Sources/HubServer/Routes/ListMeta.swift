import EventFormat

/// `meta` of a list, as `objects.md`, section 5, has it.
struct ListMeta {
    /// A symbol that could not be answered.
    struct Failure {
        var symbol: String
        var code: ProblemCode
        var detail: String
    }

    var count = 0
    var next: String?
    var epoch: String
    /// The position at which the answer holds.
    var seq: UInt64
    var notFound: [String] = []
    var failed: [Failure] = []
    /// `gap` objects that touch the range, each a JSON value.
    var gaps: [[UInt8]] = []
    var holes: [StreamHole] = []
    var isSimulated = false
    var origin: String?
    var symbol: String?
    var interval: String?
    var session: String?

    /// Writes the member and ends the list: `,"meta":{…}}`.
    func write(to buffer: inout TextBuffer) {
        buffer.key("meta")
        buffer.beginObject()
        buffer.member("count", count)
        buffer.member("next", ifPresent: next)
        buffer.member("as_of", "\(epoch).\(seq)")
        buffer.member("epoch", epoch)
        buffer.member("seq", seq)
        buffer.member("not_found", notFound)
        buffer.key("failed")
        buffer.beginArray()
        for failure in failed {
            buffer.beginObject()
            buffer.member("symbol", failure.symbol)
            buffer.member("code", failure.code.rawValue)
            buffer.member("detail", failure.detail)
            buffer.endObject()
        }
        buffer.endArray()
        buffer.key("gaps")
        buffer.beginArray()
        for gap in gaps { gap.withUnsafeBytes { buffer.element(raw: $0) } }
        buffer.endArray()
        buffer.key("holes")
        buffer.beginArray()
        for hole in holes { StreamObject.hole(hole).write(into: &buffer, style: .microseconds) }
        buffer.endArray()
        if isSimulated { buffer.member("simulated", true) }
        buffer.member("origin", ifPresent: origin)
        buffer.member("symbol", ifPresent: symbol)
        buffer.member("interval", ifPresent: interval)
        buffer.member("session", ifPresent: session)
        buffer.endObject()
    }
}
