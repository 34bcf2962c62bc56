import EventFormat
import NIOCore

/// One finished WebSocket message with the events of one group, shared by all its clients.
struct Frame: Sendable {
    /// Header and payload, ready for the socket.
    var buffer: ByteBuffer
    /// Positions of the first and the last event in it.
    var first: UInt64
    var last: UInt64
    var events: Int
    /// When the first of them was received, nanoseconds since the Unix epoch.
    var firstReceived: Int64
}

/// Gathers the text of events and makes WebSocket messages of them: JSON arrays, unmasked, in one piece.
struct FrameBuilder: ~Copyable {
    /// No message is longer, header apart, unless a single event is.
    static let limit = 512 * 1024

    private var text = TextBuffer(capacity: 4096)
    private(set) var events = 0
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var firstReceived: Int64 = 0

    var isEmpty: Bool { events == 0 }
    var byteCount: Int { text.count }

    /// Whether that many bytes more would make the message too long.
    func isFull(adding bytes: Int) -> Bool { events > 0 && text.count + bytes + 2 > Self.limit }

    @inline(__always)
    mutating func append(_ event: UnsafeRawBufferPointer, seq: UInt64, received: Int64) {
        if events == 0 {
            first = seq
            firstReceived = received
            text.append(byte: UInt8(ascii: "["))
        } else {
            text.append(byte: UInt8(ascii: ","))
        }
        last = seq
        events += 1
        text.append(event)
    }

    /// Ends the message and begins a new one.
    mutating func cut() -> Frame {
        text.append(byte: UInt8(ascii: "]"))
        let frame = Frame(
            buffer: WebSocketText.frame(text.bytes), first: first, last: last, events: events,
            firstReceived: firstReceived)
        text.clear()
        events = 0
        return frame
    }

    /// Forgets what was gathered.
    mutating func clear() {
        text.clear()
        events = 0
    }
}

/// WebSocket frames as a server writes them, RFC 6455, section 5.2: final, unmasked.
enum WebSocketText {
    static func frame(_ payload: UnsafeRawBufferPointer) -> ByteBuffer {
        frame(payload, opcode: 0x1)
    }

    static func frame(_ payload: UnsafeRawBufferPointer, opcode: UInt8) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: payload.count + 10)
        buffer.writeInteger(0x80 | opcode)
        switch payload.count {
        case 0...125: buffer.writeInteger(UInt8(payload.count))
        case 126...65535:
            buffer.writeInteger(UInt8(126))
            buffer.writeInteger(UInt16(payload.count))
        default:
            buffer.writeInteger(UInt8(127))
            buffer.writeInteger(UInt64(payload.count))
        }
        buffer.writeBytes(payload)
        return buffer
    }

    /// A close frame with its code and no reason.
    static func close(_ code: UInt16) -> ByteBuffer {
        withUnsafeBytes(of: code.bigEndian) { frame($0, opcode: 0x8) }
    }
}
