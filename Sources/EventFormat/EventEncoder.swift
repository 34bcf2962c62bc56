public import PluginABI

/// Writes records as JSON event objects: compact, keys in one fixed order, so that an event has the same bytes
/// wherever it is seen.
///
/// One encoder for each thread: it keeps rendered pieces of streams and definitions, so that an ordinary event costs
/// no lookup by text and no allocation. Two encoders with the same `timeStyle` write the same bytes.
public struct EventEncoder: ~Copyable {
    public let timeStyle: TimeStyle
    var fragments = FragmentCache()

    public init(timeStyle: TimeStyle = .microseconds) {
        self.timeStyle = timeStyle
    }

    /// Appends the event object of a record.
    ///
    /// With the buffer's comma rules: an event after another value in an array gets its comma. Fields whose number is
    /// not given are left out, or `null` where the object says so. A stream or value that `definitions` does not know
    /// is named `unknown`.
    public mutating func encode(
        _ record: UnsafePointer<hub_record>, definitions: borrowing DefinitionTable, into buffer: inout TextBuffer
    ) {
        buffer.separate()
        write(record, definitions, .event, &buffer)
        buffer.wroteValue()
    }

    /// Appends a view of a bar or value that is still forming: `as_of`, the last `seq` used, stands in place of `seq`.
    public mutating func encodeView(
        _ record: UnsafePointer<hub_record>, asOf: UInt64, definitions: borrowing DefinitionTable,
        into buffer: inout TextBuffer
    ) {
        buffer.separate()
        write(record, definitions, .view(asOf: asOf), &buffer)
        buffer.wroteValue()
    }

    /// An event of the journal, or a view on what is not finished.
    enum Role {
        case event
        case view(asOf: UInt64)

        var isView: Bool {
            if case .view = self { true } else { false }
        }
    }

    @inline(__always)
    private mutating func write(
        _ record: UnsafePointer<hub_record>, _ definitions: borrowing DefinitionTable, _ role: Role,
        _ buffer: inout TextBuffer
    ) {
        let pointer = RecordPointer(record)
        let stream = fragments.stream(pointer.stream, definitions)
        let room = 1024 + stream.totalLength
        switch pointer.kind {
        case HUB_TRADE:
            buffer.withRoom(room) { writeTrade(pointer, stream, $0) }
        case HUB_QUOTE:
            buffer.withRoom(room) { writeQuote(pointer, stream, $0) }
        default:
            writeOther(pointer, stream, definitions, role, room, &buffer)
        }
    }

    @inline(never)
    private mutating func writeOther(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ definitions: borrowing DefinitionTable,
        _ role: Role, _ room: Int, _ buffer: inout TextBuffer
    ) {
        guard RecordShape.isWellFormed(pointer.base) else {
            return buffer.withRoom(room) { writeUnknown(pointer, stream, $0) }
        }
        switch pointer.kind {
        case HUB_TICK:
            buffer.withRoom(room) { writeTick(pointer, stream, $0) }
        case HUB_BOOK:
            let book = pointer.asBook.pointee
            let levels = (Int(book.bids) + Int(book.asks)) * 96
            buffer.withRoom(room + levels) { writeBook(pointer, stream, $0) }
        case HUB_BAR:
            buffer.withRoom(room) { writeBar(pointer, stream, role, $0) }
        case HUB_VALUE:
            let value = fragments.value(pointer.asValue.pointee.definition, definitions)
            buffer.withRoom(room + value.totalLength + 28 * 48) { writeValue(pointer, stream, value, role, $0) }
        case HUB_GREEKS:
            buffer.withRoom(room) { writeGreeks(pointer, stream, $0) }
        case HUB_SIGNAL, HUB_STATUS, HUB_GAP, HUB_CONTROL:
            buffer.withRoom(room) { out in
                var cursor = ByteCursor(at: out, style: timeStyle)
                writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
                return cursor.at - out
            }
            TextEvent(pointer, definitions, timeStyle).write(&buffer)
        case HUB_DEFINE:
            DefineEvent(pointer, timeStyle).write(&buffer)
        default:
            buffer.withRoom(room) { writeUnknown(pointer, stream, $0) }
        }
    }

    // MARK: Head

    /// `{"type":…` to `flags`; at most 400 bytes and the stream's pieces.
    @inline(__always)
    func writeHead(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ time: Int64, _ cursor: inout ByteCursor,
        _ role: Role = .event
    ) {
        switch pointer.kind {
        case HUB_TRADE: cursor.put("{\"type\":\"trade\"")
        case HUB_QUOTE: cursor.put("{\"type\":\"quote\"")
        case HUB_TICK: cursor.put("{\"type\":\"tick\"")
        case HUB_BOOK: cursor.put("{\"type\":\"book\"")
        case HUB_BAR: cursor.put("{\"type\":\"bar\"")
        case HUB_VALUE: cursor.put("{\"type\":\"value\"")
        case HUB_GREEKS: cursor.put("{\"type\":\"greeks\"")
        case HUB_SIGNAL: cursor.put("{\"type\":\"signal\"")
        case HUB_STATUS: cursor.put("{\"type\":\"status\"")
        case HUB_GAP: cursor.put("{\"type\":\"gap\"")
        case HUB_CONTROL: cursor.put("{\"type\":\"control\"")
        case HUB_DEFINE: cursor.put("{\"type\":\"define\"")
        default: cursor.put("{\"type\":\"unknown\"")
        }
        switch role {
        case .event:
            cursor.put(",\"seq\":")
            cursor.put(pointer.seq)
        case .view(let asOf):
            cursor.put(",\"as_of\":")
            cursor.put(asOf)
        }
        let pieces = fragments.bytes + stream.start
        cursor.put(pieces, stream.symbolLength)
        // A record that was never stamped has no time of its own.
        cursor.put(time: time != 0 ? time : pointer.receivedNanoseconds)
        cursor.put(",\"received\":")
        cursor.put(time: pointer.receivedNanoseconds)
        cursor.put(pieces + stream.symbolLength, stream.sourceLength)
        if pointer.flags & ~UInt16(HUB_FLAG_LAST_OF_MESSAGE | HUB_FLAG_DERIVED) != 0 {
            if pointer.flags & UInt16(HUB_FLAG_SIMULATED) != 0 { cursor.put(",\"simulated\":true") }
            cursor.put(flags: pointer.flags)
        }
    }

    @inline(__always)
    func writeVenue(_ stream: FragmentCache.Stream, _ cursor: inout ByteCursor) {
        guard stream.venueLength > 0 else { return }
        cursor.put(fragments.bytes + stream.start + stream.symbolLength + stream.sourceLength, stream.venueLength)
    }

    /// A kind of a later version, or a record that lies about its size: only the head is told.
    private func writeUnknown(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        cursor.put(",\"kind\":")
        cursor.put(UInt64(pointer.kind))
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }
}
