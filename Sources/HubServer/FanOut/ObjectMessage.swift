import EventFormat
import NIOCore

/// Builds a message out of objects that are no events: `hello`, `live`, `heartbeat`, `snapshot` and their like, written as
/// JSON and put into the framing of the connection.
struct ObjectMessage: ~Copyable {
    private var framing = Framing.webSocket(.json, deflateBits: 0)
    private var text = TextBuffer(capacity: 1 << 16)
    private var packed = TextBuffer(capacity: 64)

    init() {}

    mutating func begin(_ framing: Framing) {
        self.framing = framing
        text.clear()
        if case .webSocket = framing { text.beginArray() }
    }

    /// Adds an object.
    ///
    /// - Parameters:
    ///   - type: its `type`.
    ///   - cursor: the position to resume from once it was read, if it is one.
    ///   - write: writes the object, braces included.
    mutating func add(type: String, cursor: String? = nil, _ write: (inout TextBuffer) -> Void) {
        switch framing {
        case .webSocket: write(&text)
        case .serverSentEvents:
            text.append("event: ")
            text.append(text: type)
            if let cursor {
                text.append("\nid: ")
                text.append(text: cursor)
            }
            text.append("\ndata: ")
            write(&text)
            text.append("\n\n")
            text.truncate(to: text.count)
        case .lines:
            write(&text)
            text.append(byte: UInt8(ascii: "\n"))
            text.truncate(to: text.count)
        }
    }

    /// The message, ready for the socket.
    mutating func end(_ sealer: FrameSealer) -> ByteBuffer {
        guard case .webSocket(let encoding, _) = framing else { return sealer.seal(text.bytes, framing, isText: true) }
        text.endArray()
        guard encoding == .msgpack else { return sealer.seal(text.bytes, framing, isText: true) }
        packed.clear()
        MessagePack.append(json: text.bytes, to: &packed)
        return sealer.seal(packed.bytes, framing, isText: false)
    }
}
