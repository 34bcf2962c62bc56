public import PluginABI

/// Writes what follows the head of events that carry text: signal, status, gap, control.
struct TextEvent: ~Copyable {
    private let pointer: RecordPointer
    private let style: TimeStyle
    /// Venue of the record's own symbol, for a status that does not repeat it.
    private let venue: String

    init(_ pointer: RecordPointer, _ definitions: borrowing DefinitionTable, _ style: TimeStyle) {
        self.pointer = pointer
        self.style = style
        venue = pointer.kind == HUB_STATUS ? definitions.stream(pointer.stream)?.venue ?? "" : ""
    }

    /// Writes the members after `flags` and the closing brace.
    func write(_ buffer: inout TextBuffer) {
        buffer.wroteValue()
        switch pointer.kind {
        case HUB_SIGNAL: writeSignal(&buffer)
        case HUB_STATUS: writeStatus(&buffer)
        case HUB_GAP: writeGap(&buffer)
        default: writeControl(&buffer)
        }
        buffer.endObject()
    }

    private func writeSignal(_ buffer: inout TextBuffer) {
        let signal = pointer.asSignal.pointee
        let texts = RecordText.read(pointer.base, after: 48, count: 2)
        buffer.member("kind", ifPresent: Words.signal(signal.signal))
        buffer.member("name", texts[0])
        buffer.member("direction", ifPresent: Words.direction(signal.direction))
        buffer.member("strength", ifPresent: signal.strength)
        if signal.interval != 0 { buffer.member("interval", Interval.text(ofSeconds: signal.interval)) }
        buffer.member("text", ifPresent: given(texts[1]))
    }

    private func writeStatus(_ buffer: inout TextBuffer) {
        let status = pointer.asStatus.pointee
        let texts = RecordText.read(pointer.base, after: 64, count: 2)
        buffer.member("venue", texts[0].isEmpty ? venue : texts[0])
        buffer.member("phase", ifPresent: Words.phase(status.phase))
        if status.halted <= 1 { buffer.member("halted", status.halted == 1) }
        buffer.member("reason", ifPresent: given(texts[1]))
        buffer.member("lower_limit", ifPresent: status.lower_limit)
        buffer.member("upper_limit", ifPresent: status.upper_limit)
        buffer.member("next_phase", ifPresent: Words.phase(status.next_phase))
        if status.next_time != 0 { buffer.member("next_time", time: status.next_time, style: style) }
    }

    private func writeGap(_ buffer: inout TextBuffer) {
        let gap = pointer.asGap.pointee
        buffer.member("gap_id", "g-\(gap.opened_by != 0 ? gap.opened_by : pointer.seq)")
        buffer.member("state", Int(gap.state) == HUB_GAP_CLOSED ? "closed" : "open")
        buffer.member("reason", ifPresent: Words.gapReason(gap.reason))
        buffer.member("symbols", GapText.symbols(pointer.base))
        buffer.member("types", GapText.types(gap.types))
        buffer.member("from", time: gap.from, style: style)
        if gap.to != 0 { buffer.member("to", time: gap.to, style: style) } else { buffer.memberNull("to") }
        buffer.member("repair", ifPresent: Words.repair(gap.repair))
    }

    private func writeControl(_ buffer: inout TextBuffer) {
        buffer.member("what", Words.control(pointer.what) ?? "other")
        switch pointer.what {
        case HUB_CONTROL_POSITION:
            buffer.key("data")
            hex(pointer.raw + 40, 24, &buffer)
        case HUB_CONTROL_CONFIGURATION:
            buffer.key("digest")
            hex(pointer.raw + 40, 32, &buffer)
        default:
            let control = pointer.asControl.pointee
            let texts = RecordText.read(pointer.base, after: 48, count: 4)
            buffer.member("state", ifPresent: Words.state(control.state))
            buffer.member("previous", ifPresent: Words.state(control.previous))
            buffer.member("pipeline", ifPresent: given(texts[0]))
            buffer.member("from", ifPresent: given(texts[1]))
            buffer.member("to", ifPresent: given(texts[2]))
            if control.last_seq != 0 { buffer.member("last_seq", control.last_seq) }
            buffer.member("reason", ifPresent: given(texts[3]))
        }
    }

    private func hex(_ start: UnsafeRawPointer, _ count: Int, _ buffer: inout TextBuffer) {
        buffer.append(byte: UInt8(ascii: "\""))
        buffer.append(hex: UnsafeRawBufferPointer(start: start, count: count))
        buffer.append(byte: UInt8(ascii: "\""))
        buffer.wroteValue()
    }

    private func given(_ text: String) -> String? { text.isEmpty ? nil : text }
}

/// What a gap record says is missing.
public enum GapText {
    /// The symbols and globs of a gap record.
    public static func symbols(_ record: UnsafePointer<hub_record>) -> [String] {
        let text = RecordText.read(record, after: 64, count: 1)[0]
        return text.split(separator: "\n").map(String.init)
    }

    /// The words of `types`, bits `1 << kind`.
    public static func types(_ bits: UInt32) -> [String] {
        Words.kinds.filter { $0.kind < 32 && bits & (1 << UInt32($0.kind)) != 0 }.map(\.word)
    }
}
