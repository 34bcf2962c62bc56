import EventFormat
import NIOCore
import PluginABI

/// One finished message with the events of one group, shared by all its clients.
struct Frame: Sendable {
    /// Header and payload, ready for the socket.
    var buffer: ByteBuffer
    /// Positions of the first and the last event in it.
    var first: UInt64
    var last: UInt64
    var events: Int
    /// When the first of them was received, nanoseconds since the Unix epoch.
    var firstReceived: Int64
    /// Streams and values that this message defines first, for readers of records.
    var introduced: [DefinedSet.Reference] = []
}

/// Gathers events and makes messages of them, in the framing of one group.
struct FrameBuilder: ~Copyable {
    /// No message is longer, header apart, unless a single event is.
    static let limit = 512 * 1024
    /// What stands around an event at most: `event:`, `id:` and `data:` of a server-sent one.
    private static let surroundings = 96

    let framing: Framing
    private let layout: EventLayout
    private let sealer: FrameSealer
    private let isPooled: Bool
    private var text = TextBuffer(capacity: 64)
    private(set) var events = 0
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var firstReceived: Int64 = 0
    /// What the readers of these messages have been told of. Records only.
    var defined = DefinedSet()
    /// What of it the message under construction tells.
    private(set) var introduced: [DefinedSet.Reference] = []

    /// - Parameter isPooled: whether every message is ended before anybody else builds one: then they share their room.
    init(_ framing: Framing, sealer: FrameSealer, isPooled: Bool = false) {
        self.framing = framing
        layout = EventLayout(framing)
        self.sealer = sealer
        self.isPooled = isPooled
    }

    var isEmpty: Bool { events == 0 }
    var byteCount: Int { text.count }

    /// Whether that many bytes more would make the message too long.
    func isFull(adding bytes: Int) -> Bool { events > 0 && text.count + bytes + Self.surroundings > Self.limit }

    /// Adds an event, encoded in the way of the group.
    @inline(__always)
    mutating func append(
        _ event: UnsafeRawBufferPointer, _ record: UnsafePointer<hub_record>, _ definitions: borrowing DefinitionTable
    ) {
        if events == 0 {
            begin()
            first = record.pointee.seq
            firstReceived = record.pointee.ts_recv
        }
        last = record.pointee.seq
        if case .array = layout {
            if events > 0 { text.append(byte: UInt8(ascii: ",")) }
            text.append(event)
        } else {
            appendOther(event, record, definitions)
        }
        events += 1
    }

    private mutating func begin() {
        if isPooled { swap(&text, &sealer.spare) }
        text.clear()
        switch layout {
        case .array: text.append(byte: UInt8(ascii: "["))
        case .packedArray: text.appendPlaceholder(MessagePack.maximumHeader)
        case .records, .serverSentEvents, .lines: break
        }
    }

    private mutating func appendOther(
        _ event: UnsafeRawBufferPointer, _ record: UnsafePointer<hub_record>, _ definitions: borrowing DefinitionTable
    ) {
        switch layout {
        case .array, .packedArray: text.append(event)
        case .records:
            introduce(for: RecordPointer(record), definitions)
            text.append(event)
        case .serverSentEvents:
            text.append("event: ")
            text.append(EventWords.kind(Int(record.pointee.kind)))
            text.append("\nid: ")
            text.append(sealer.cursorPrefix)
            text.append(record.pointee.seq)
            text.append("\ndata: ")
            text.append(event)
            text.append("\n\n")
        case .lines:
            text.append(event)
            text.append(byte: UInt8(ascii: "\n"))
        }
    }

    /// Ends the message and begins a new one.
    mutating func cut() -> Frame {
        var payload = text.bytes
        switch layout {
        case .array:
            text.append(byte: UInt8(ascii: "]"))
            payload = text.bytes
        case .packedArray:
            var length = 0
            let count = events
            text.overwrite(0..<MessagePack.maximumHeader) {
                length = MessagePack.arrayHeader(count: count, endingAt: $0 + MessagePack.maximumHeader)
            }
            payload = UnsafeRawBufferPointer(rebasing: text.bytes[(MessagePack.maximumHeader - length)...])
        case .records, .serverSentEvents, .lines: break
        }
        var frame = Frame(
            buffer: sealer.seal(payload, framing, isText: layout == .array), first: first, last: last, events: events,
            firstReceived: firstReceived)
        frame.introduced = introduced
        clear()
        return frame
    }

    /// Forgets what was gathered.
    mutating func clear() {
        if isPooled, text.capacity > sealer.spare.capacity { swap(&text, &sealer.spare) }
        text.clear()
        events = 0
        introduced.removeAll()
    }

    // MARK: Definitions

    /// Puts the definitions in front that a record needs and that were not told yet.
    @inline(__always)
    private mutating func introduce(for record: RecordPointer, _ definitions: borrowing DefinitionTable) {
        if record.kind == HUB_DEFINE { return note(record) }
        if record.stream != 0, !defined.contains(stream: record.stream) {
            introduce(.stream(record.stream), definitions)
        }
        if record.kind == HUB_VALUE, RecordShape.isWellFormed(record.base) {
            let id = record.asValue.pointee.definition
            if !defined.contains(value: id) { introduce(.value(id), definitions) }
        }
    }

    /// A definition that is an event of its own tells of itself.
    private mutating func note(_ record: RecordPointer) {
        if let stream = StreamDefinition(record.base) {
            if !defined.contains(stream: stream.id) { tell(.stream(stream.id)) }
        } else if let value = ValueDefinition(record.base), !defined.contains(value: value.id) {
            tell(.value(value.id))
        }
    }

    private mutating func tell(_ reference: DefinedSet.Reference) {
        defined.insert(reference)
        introduced.append(reference)
    }

    /// Adds a definition as a segment of the journal has it at its head: without `seq`, so that it is no event.
    private mutating func introduce(_ reference: DefinedSet.Reference, _ definitions: borrowing DefinitionTable) {
        switch reference {
        case .stream(let id):
            guard let definition = definitions.stream(id) else { return }
            let bytes = DefineRecord.lines(definition) * Int(HUB_LINE)
            text.withRoom(bytes) { out in
                DefineRecord.write(definition, to: out)
                return bytes
            }
        case .value(let id):
            guard let definition = definitions.value(id) else { return }
            let bytes = DefineRecord.lines(definition) * Int(HUB_LINE)
            text.withRoom(bytes) { out in
                DefineRecord.write(definition, to: out)
                return bytes
            }
        }
        tell(reference)
    }

    /// Messages with the definitions of all that others have been told of and the readers of this builder have not.
    mutating func catchUp(with other: DefinedSet, _ definitions: borrowing DefinitionTable) -> [ByteBuffer] {
        let missing = other.subtracting(defined)
        guard !missing.isEmpty else { return [] }
        var messages: [ByteBuffer] = []
        begin()
        for reference in missing {
            introduce(reference, definitions)
            if text.count > Self.limit / 2 {
                messages.append(sealer.seal(text.bytes, framing, isText: false))
                text.clear()
            }
        }
        if !text.isEmpty { messages.append(sealer.seal(text.bytes, framing, isText: false)) }
        clear()
        return messages
    }
}

/// The words of `event:`, without a look-up.
private enum EventWords {
    static func kind(_ kind: Int) -> StaticString {
        switch kind {
        case HUB_TRADE: "trade"
        case HUB_QUOTE: "quote"
        case HUB_TICK: "tick"
        case HUB_BOOK: "book"
        case HUB_BAR: "bar"
        case HUB_VALUE: "value"
        case HUB_GREEKS: "greeks"
        case HUB_SIGNAL: "signal"
        case HUB_STATUS: "status"
        case HUB_GAP: "gap"
        case HUB_CONTROL: "control"
        case HUB_DEFINE: "define"
        default: "unknown"
        }
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
