import EventFormat
import NIOCore

/// Turns finished payloads into what is written to sockets: WebSocket frames, compressed where that was agreed on, and
/// chunks of HTTP.
///
/// One for each event loop: what it needs to work with is there once, however many connections there are.
final class FrameSealer {
    /// A message shorter than this costs more to compress than it saves.
    private static let leastDeflated = 160

    /// `EPOCH.`, what the `id:` of every event begins with.
    let cursorPrefix: [UInt8]
    /// Room for whoever builds frames now and then: a connection that reads alone keeps none of its own.
    var spare = TextBuffer(capacity: 1 << 16)
    /// By the size of their window.
    private var deflaters: [Int: Deflater] = [:]

    init(epoch: String) {
        cursorPrefix = Array("\(epoch).".utf8)
    }

    /// What a framing makes of a payload.
    ///
    /// - Parameter isText: whether a WebSocket tells it as text.
    func seal(_ payload: UnsafeRawBufferPointer, _ framing: Framing, isText: Bool) -> ByteBuffer {
        switch framing {
        case .webSocket(_, let bits):
            let opcode: UInt8 = isText ? 0x1 : 0x2
            guard bits > 0, payload.count >= Self.leastDeflated, let deflated = deflater(bits)?.deflate(payload),
                deflated.count < payload.count
            else { return WebSocketText.frame(payload, opcode: opcode) }
            // RSV1 says that it is compressed: RFC 7692, section 6.
            return WebSocketText.frame(deflated, opcode: 0x40 | opcode)
        case .serverSentEvents(let isChunked), .lines(let isChunked):
            guard isChunked else { return ByteBuffer(bytes: payload) }
            var buffer = ByteBufferAllocator().buffer(capacity: payload.count + 20)
            buffer.writeString(String(payload.count, radix: 16))
            buffer.writeStaticString("\r\n")
            buffer.writeBytes(payload)
            buffer.writeStaticString("\r\n")
            return buffer
        }
    }

    private func deflater(_ bits: Int) -> Deflater? {
        if let deflater = deflaters[bits] { return deflater }
        let deflater = Deflater(windowBits: bits)
        deflaters[bits] = deflater
        return deflater
    }
}

extension Framing {
    /// The last bytes of a connection: a close frame with its code, or the chunk that ends a body.
    func ending(_ code: UInt16) -> ByteBuffer {
        switch self {
        case .webSocket: WebSocketText.close(code)
        case .serverSentEvents(isChunked: true), .lines(isChunked: true): ByteBuffer(staticString: "0\r\n\r\n")
        case .serverSentEvents, .lines: ByteBuffer()
        }
    }
}
