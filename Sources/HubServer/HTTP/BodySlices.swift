import EventFormat
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOPosix

/// A body that is made piece by piece while it is sent: each piece on a thread that may block, the next one only when the
/// client has taken what came before.
struct BodySlices: Sendable {
    /// The next piece, `nil` behind the last. Called by one thread at a time.
    let next: @Sendable () throws -> ByteBuffer?

    /// - Parameters:
    ///   - contentLength: if it is known.
    ///   - trace: told the time that pieces take; `nil` where that says nothing, since there may be any number of them.
    func body(contentLength: Int? = nil, pool: NIOThreadPool, trace: RequestTrace?) -> ResponseBody {
        let next = next
        trace?.beginBody()
        return ResponseBody(contentLength: contentLength) { writer in
            while true {
                let slice = try await pool.runIfActive {
                    let started = ContinuousClock.now
                    defer { trace?.addBody(RequestTrace.nanoseconds(since: started)) }
                    return try next()
                }
                guard let slice else { break }
                // An empty piece of a chunked body would be its end.
                if slice.readableBytes > 0 { try await writer.write(slice) }
            }
            try await writer.finish(nil)
        }
    }
}

extension ByteBuffer {
    /// A copy of a text.
    init(_ text: borrowing TextBuffer) { self.init(bytes: text.bytes) }
}
