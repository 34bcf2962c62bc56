import EventFormat
import HTTPTypes
import HummingbirdCore
import NIOCore

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id")!
    /// The cursor at which a list holds, where the body has no `meta`.
    static let asOf = HTTPField.Name("X-As-Of")!
    /// Positions of holes, `AFTER-BEFORE`, where the body has no `meta`.
    static let holes = HTTPField.Name("X-Holes")!
    static let serverTiming = HTTPField.Name("Server-Timing")!
    static let link = HTTPField.Name("Link")!
}

/// Makes responses out of text written by hand.
enum Reply {
    private static let jsonFields: HTTPFields = [.contentType: "application/json"]
    private static let problemFields: HTTPFields = [.contentType: "application/problem+json"]

    static func json(_ text: borrowing TextBuffer) -> Response {
        Response(status: .ok, headers: jsonFields, body: .init(byteBuffer: ByteBuffer(bytes: text.bytes)))
    }

    static func text(_ text: borrowing TextBuffer, type: String) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(bytes: text.bytes)))
    }

    static func json(_ text: borrowing TextBuffer, status: HTTPResponse.Status) -> Response {
        Response(status: status, headers: jsonFields, body: .init(byteBuffer: ByteBuffer(bytes: text.bytes)))
    }

    static func problem(_ problem: Problem, instance: String, requestID: String) -> Response {
        var text = TextBuffer(capacity: 1024)
        problem.write(to: &text, instance: instance, requestID: requestID)
        var fields = problemFields
        for header in problem.headers {
            if let name = HTTPField.Name(header.name) { fields[name] = header.value }
        }
        if let milliseconds = problem.retryAfterMilliseconds {
            fields[.retryAfter] = String((milliseconds + 999) / 1000)
        }
        return Response(
            status: HTTPResponse.Status(code: problem.status), headers: fields,
            body: .init(byteBuffer: ByteBuffer(bytes: text.bytes)))
    }
}
