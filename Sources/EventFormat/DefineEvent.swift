import PluginABI

/// Writes `define` events. They tell of their own texts, since the table may not have learnt them yet.
struct DefineEvent {
    private let pointer: RecordPointer
    private let style: TimeStyle

    init(_ pointer: RecordPointer, _ style: TimeStyle) {
        self.pointer = pointer
        self.style = style
    }

    func write(_ buffer: inout TextBuffer) {
        let stream = StreamDefinition(pointer.base)
        buffer.append("{\"type\":\"define\"")
        buffer.wroteValue()
        buffer.member("seq", pointer.seq)
        if let stream, !stream.isSource { buffer.member("symbol", stream.symbol) }
        let time = pointer.eventNanoseconds != 0 ? pointer.eventNanoseconds : pointer.receivedNanoseconds
        buffer.member("time", time: time, style: style)
        buffer.member("received", time: pointer.receivedNanoseconds, style: style)
        buffer.member("source", stream?.source ?? "hub")
        if pointer.flags & UInt16(HUB_FLAG_SIMULATED) != 0 || stream?.simulated == true {
            buffer.member("simulated", true)
        }
        if pointer.flags & Words.toldFlags != 0 {
            buffer.member("flags", Words.flags.filter { pointer.flags & $0.bit != 0 }.map(\.word))
        }
        if let stream {
            buffer.member("what", "stream")
            buffer.member("stream", UInt64(stream.id))
            buffer.member("venue", ifPresent: given(stream.marketCentre))
            buffer.member("instrument_type", ifPresent: stream.instrumentTypeText)
            buffer.member("currency", ifPresent: given(stream.currency))
            buffer.member("tick_size", ifPresent: stream.tickSize)
            buffer.member("lot_size", ifPresent: stream.lotSize)
            buffer.member("calendar", ifPresent: given(stream.calendar))
        } else if let value = ValueDefinition(pointer.base) {
            buffer.member("what", "value")
            buffer.member("definition", UInt64(value.id))
            buffer.member("name", value.name)
            buffer.member("interval", Interval.text(ofSeconds: value.interval))
            buffer.member("outputs", value.outputs)
        } else {
            buffer.member("what", "other")
        }
        buffer.endObject()
    }

    private func given(_ text: String) -> String? { text.isEmpty ? nil : text }
}
