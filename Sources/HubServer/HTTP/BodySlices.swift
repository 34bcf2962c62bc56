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
    ///   - readsAhead: whether a piece is made while the one before is sent: there are two at a time then.
    ///   - trace: told the time that pieces take; `nil` where that says nothing, since there may be any number of them.
    func body(
        contentLength: Int? = nil, readsAhead: Bool = false, pool: NIOThreadPool, trace: RequestTrace?
    ) -> ResponseBody {
        let next = next
        let make: @Sendable () async throws -> ByteBuffer? = {
            try await pool.runIfActive {
                let started = ContinuousClock.now
                defer { trace?.addBody(RequestTrace.nanoseconds(since: started)) }
                return try next()
            }
        }
        trace?.beginBody()
        return ResponseBody(contentLength: contentLength) { writer in
            var slice = try await make()
            while let current = slice {
                // One after the other: who makes pieces is not asked for two at once.
                let ahead = readsAhead ? Task { try await make() } : nil
                // An empty piece of a chunked body would be its end.
                if current.readableBytes > 0 { try await writer.write(current) }
                if let ahead { slice = try await ahead.value } else { slice = try await make() }
            }
            try await writer.finish(nil)
        }
    }
}

extension ByteBuffer {
    /// A copy of a text.
    init(_ text: borrowing TextBuffer) { self.init(bytes: text.bytes) }
}
