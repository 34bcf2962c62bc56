import EventFormat
import HubFold
import HubModel
import PluginABI

/// One thing that views show one after the other: the bar of an interval, a value, the summary of an instrument.
struct ViewSeries: Hashable, Sendable {
    var symbol: String
    /// `HUB_BAR`, `HUB_VALUE`; 0 = the summary.
    var kind: UInt8
    /// Interval of a bar in seconds, number of a value's definition.
    var detail: UInt32

    /// The word in `type`.
    var type: String {
        switch Int(kind) {
        case HUB_BAR: "bar"
        case HUB_VALUE: "value"
        default: "summary"
        }
    }
}

/// Views as text.
struct ViewBatch: Sendable {
    struct Piece: Sendable {
        var series: ViewSeries
        /// Equal as long as nothing but times and positions differ.
        var fingerprint: Int
        /// In `text`.
        var range: Range<Int>
    }

    /// It shows all that changed behind this position.
    var base: UInt64
    /// Nothing in it is newer than this position.
    var asOf: UInt64
    var pieces: [Piece] = []
    var text: [UInt8] = []
    /// Phases that summaries in it told, by calendar.
    var phases: [String: TradingCalendar.Phase] = [:]
}

/// Computes and writes the views of one group. Used by one thread at a time, though not always by the same.
final class ViewRenderer: @unchecked Sendable {
    private let services: StreamServices
    private let phases: PhaseCache
    private let style: TimeStyle
    private var compiled: CompiledFilter
    private var encoder: EventEncoder
    private var text = TextBuffer(capacity: 4096)
    private var batch = ViewBatch(base: 0, asOf: 0)

    init(filter: SubscriptionFilter, style: TimeStyle, services: StreamServices, phases: PhaseCache) {
        self.services = services
        self.phases = phases
        self.style = style
        compiled = CompiledFilter(filter, definitions: services.definitions())
        encoder = EventEncoder(timeStyle: style)
    }

    /// Blocks: not for an event loop.
    func render(_ wishes: [ViewWish], base: UInt64) -> ViewBatch {
        let reading = services.readViews(wishes)
        let definitions = services.definitions()
        compiled.update(definitions)
        batch = ViewBatch(base: base, asOf: reading.asOf)
        text.clear()
        for state in reading.states {
            for bar in state.bars { add(bar, state, definitions) }
            if let value = state.value { add(value, state) }
        }
        reading.values.withUnsafeBytes { bytes in
            _ = RecordChunk.forEach(bytes) { record in
                if Int(record.pointee.kind) == HUB_VALUE { add(value: record, reading.asOf, definitions) }
                return true
            }
        }
        batch.text = text.array
        return batch
    }

    private func add(_ bar: hub_bar, _ state: ViewReading.State, _ definitions: DefinitionTable) {
        var plain = bar
        plain.head.seq = 0
        plain.head.ts_recv = 0
        plain.last_seq = 0
        withUnsafeBytes(of: bar) { bytes in
            guard let base = bytes.baseAddress else { return }
            let record = base.assumingMemoryBound(to: hub_record.self)
            guard compiled.matches(record) else { return }
            let start = text.count
            encoder.encodeView(record, asOf: state.asOf, definitions: definitions, into: &text)
            let series = ViewSeries(symbol: state.symbol, kind: UInt8(HUB_BAR), detail: bar.interval)
            note(series, start, fingerprint: withUnsafeBytes(of: plain, fingerprint))
        }
    }

    private func add(value record: UnsafePointer<hub_record>, _ asOf: UInt64, _ definitions: DefinitionTable) {
        guard compiled.matches(record), let symbol = definitions.stream(record.pointee.stream)?.symbol else { return }
        let start = text.count
        encoder.encodeView(record, asOf: asOf, definitions: definitions, into: &text)
        let count = Int(record.pointee.lines) * Int(HUB_LINE)
        var plain = Array(UnsafeRawBufferPointer(start: record, count: count))
        plain.withUnsafeMutableBytes { bytes in
            guard let head = bytes.baseAddress?.assumingMemoryBound(to: hub_value.self) else { return }
            head.pointee.head.seq = 0
            head.pointee.head.ts_recv = 0
            head.pointee.cause = 0
        }
        let definition = RecordPointer(record).asValue.pointee.definition
        note(
            ViewSeries(symbol: symbol, kind: UInt8(HUB_VALUE), detail: definition), start,
            fingerprint: plain.withUnsafeBytes(fingerprint))
    }

    private func add(_ value: LastValue, _ state: ViewReading.State) {
        let now = services.clock()
        let phase = phases.phase(of: value, services.calendars, at: now)
        let start = text.count
        guard
            QuoteText.write(
                value, phase: phase, isDelivering: state.isDelivering, now: now, style: style, summaryAsOf: state.asOf,
                to: &text)
        else { return }
        batch.phases[PhaseCache.key(value, services.calendars)] = phase
        var hasher = Hasher()
        for head in [value.trade?.head, value.tick?.head, value.quote?.head] { hasher.combine(head?.seq) }
        hasher.combine(value.day)
        hasher.combine(value.previousClose)
        hasher.combine(phase)
        hasher.combine(state.isDelivering)
        note(ViewSeries(symbol: state.symbol, kind: 0, detail: 0), start, fingerprint: hasher.finalize())
    }

    private func note(_ series: ViewSeries, _ start: Int, fingerprint: Int) {
        batch.pieces.append(.init(series: series, fingerprint: fingerprint, range: start..<text.count))
        // Pieces are put together later, with commas between them.
        text.truncate(to: text.count)
    }

    private func fingerprint(_ bytes: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return hasher.finalize()
    }
}
