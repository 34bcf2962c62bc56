import EventFormat
import HubJournal
import HubModel
import PluginABI

/// One indicator plugin behind a cursor over the journal: bars go in, in the order of the journal; values come out, each
/// naming the bar it was computed from.
///
/// What a value *is* depends on the journal alone: a series that is met for the first time since the start is brought up
/// to date from the bars stored before, in the order of their numbers, and what was journaled before the start is not
/// said again. Steps belong to one thread: its own, or the lockstep driver's; `peek` may come from any.
final class IndicatorRunner {
    /// A pipeline's wish: these instruments on these intervals.
    struct Wish: Sendable {
        var pipeline: String
        var intervals: [Interval]
    }

    /// What the runner needs to know about the world; closures, so that it can be tested alone.
    struct Surroundings {
        /// The pipeline that an instrument belongs to.
        var pipelineOfSymbol: (String) -> String?
        /// Calls `body` with each bar event of (symbol, interval) with a number below `before`, in their order.
        var earlierBars:
            (_ symbol: String, _ interval: Interval, _ before: UInt64, _ body: (UnsafePointer<hub_bar>) -> Void) -> Void
        /// The bar that the newest journaled value of (symbol, definition) names; 0 = there is none.
        var newestCause: (_ symbol: String, _ definition: UInt32) -> UInt64
        /// The dense number of a definition; it is journaled on the spot if it is new. nil = the journal has no room.
        var number: (ValueDefinition) -> UInt32?
    }

    private struct Series {
        var definition: Int
        var number: UInt32
        /// The bar's stream: a value's stream is the same.
        var stream: UInt32
        /// Values whose cause is not above this are in the journal already.
        var knownThrough: UInt64
        var interval: Interval
    }

    private struct Key: Hashable {
        var symbol: String
        var interval: UInt32
    }

    let name: String
    private let instance: IndicatorInstance
    private let wishes: [String: [Interval]]
    private let surroundings: Surroundings
    private var series: [Series] = []
    /// Series of an instrument and interval. Bars are rare next to ticks: a look-up each is fine here.
    private var seriesOf: [Key: [Int]] = [:]
    private var reader: JournalReader
    private var definitions: DefinitionTable
    private let shared: SharedDefinitions
    private var sharedVersion: Int
    private(set) var position: UInt64
    private(set) var failures: UInt64 = 0
    /// One call of the plugin at a time.
    private let access = FoldLock()

    init(
        name: String, instance: IndicatorInstance, wishes: [Wish], surroundings: Surroundings, journal: Journal,
        definitions: SharedDefinitions, after position: UInt64
    ) {
        self.name = name
        self.instance = instance
        self.wishes = Dictionary(wishes.map { ($0.pipeline, $0.intervals) }, uniquingKeysWith: { $0 + $1 })
        self.surroundings = surroundings
        self.position = position
        reader = journal.reader(after: position)
        shared = definitions
        sharedVersion = definitions.version
        self.definitions = definitions.snapshot()
    }

    /// Reads on to the end of the journal, at most `limit` bytes of it, and hands out the values computed, as records
    /// without number. Returns whether there is more to read.
    func step(limit: Int = 1 << 20, now: hub_now, emit: ([UInt8]) -> Void) -> Bool {
        access.withLock { stepAlone(limit: limit, now: now, emit: emit) }
    }

    private func stepAlone(limit: Int, now: hub_now, emit: ([UInt8]) -> Void) -> Bool {
        switch reader.next(maxBytes: limit) {
        case .caughtUp:
            return false
        case .hole(_, let before):
            position = before - 1
            return true
        case .records(let bytes, _, let last):
            var offset = 0
            while offset < bytes.count {
                let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                if record.pointee.kind == UInt8(HUB_BAR), record.pointee.flags & UInt16(HUB_FLAG_BACKFILLED) == 0 {
                    compute(UnsafeRawPointer(record).assumingMemoryBound(to: hub_bar.self), now: now, emit: emit)
                }
                offset += Int(record.pointee.lines) * Int(HUB_LINE)
            }
            position = last
            return true
        }
    }

    private func compute(_ bar: UnsafePointer<hub_bar>, now: hub_now, emit: ([UInt8]) -> Void) {
        let stream = bar.pointee.head.stream
        if definitions.stream(stream) == nil, shared.version != sharedVersion {
            sharedVersion = shared.version
            definitions = shared.snapshot()
        }
        guard let symbol = definitions.stream(stream)?.symbol, let interval = Interval(rawValue: bar.pointee.interval)
        else { return }
        let key = Key(symbol: symbol, interval: interval.rawValue)
        if seriesOf[key] == nil {
            seriesOf[key] = open(symbol: symbol, interval: interval, stream: stream, before: bar.pointee.head.seq)
        }
        guard let indices = seriesOf[key], !indices.isEmpty else { return }
        var wave: [hub_series_bar] = []
        for index in indices {
            series[index].stream = stream
            wave.append(hub_series_bar(series: UInt32(index + 1), reserved: 0, bar: bar))
        }
        let inherited = bar.pointee.head.flags & UInt16(HUB_FLAG_SIMULATED | HUB_FLAG_RECORDED)
        update(wave, now: now) { value in
            let known = self.series[Int(value.pointee.head.stream) - 1]
            if value.pointee.cause > known.knownThrough {
                emit(self.record(from: value, series: known, flags: inherited))
            }
        }
    }

    // MARK: Views

    /// A bar that is forming, and the number of the bar that closed before it (0: none did).
    struct Forming {
        var symbol: String
        var interval: Interval
        var bar: hub_bar
        var previous: UInt64
    }

    /// Values of forming bars, as they would be if these closed now: records without number. Any thread; changes nothing that
    /// a later value depends on.
    ///
    /// - Returns: `nil` if the bars before these were not computed yet, or the plugin was busy for that long.
    func peek(_ forming: [Forming], now: hub_now, withinNanoseconds limit: Int64) -> [UInt8]? {
        guard instance.peeks else { return [] }
        return access.withLock(withinNanoseconds: limit) {
            guard !forming.contains(where: { $0.previous > position }) else { return nil }
            return peekAlone(forming, now: now)
        } ?? nil
    }

    private func peekAlone(_ forming: [Forming], now: hub_now) -> [UInt8] {
        var values: [UInt8] = []
        for item in forming {
            let key = Key(symbol: item.symbol, interval: item.interval.rawValue)
            if seriesOf[key] == nil {
                // What is not read yet comes by and by, as always.
                seriesOf[key] = open(
                    symbol: item.symbol, interval: item.interval, stream: item.bar.head.stream, before: position + 1)
            }
            guard let indices = seriesOf[key], !indices.isEmpty else { continue }
            let inherited = item.bar.head.flags & UInt16(HUB_FLAG_SIMULATED | HUB_FLAG_RECORDED)
            withUnsafePointer(to: item.bar) { bar in
                let wave = indices.map { hub_series_bar(series: UInt32($0 + 1), reserved: 0, bar: bar) }
                do {
                    try instance.peek(wave, now: now) { value in
                        var known = self.series[Int(value.pointee.head.stream) - 1]
                        known.stream = item.bar.head.stream
                        var record = self.record(from: value, series: known, flags: inherited)
                        record.withUnsafeMutableBytes { space in
                            let head = space.baseAddress!.assumingMemoryBound(to: hub_record.self)
                            head.pointee.ts_recv = item.bar.head.ts_recv
                            head.pointee.seq = 0
                        }
                        values += record
                    }
                } catch {
                    self.failures += 1
                }
            }
        }
        return values
    }

    /// Opens a series under each definition that wants it and brings it up to date.
    private func open(symbol: String, interval: Interval, stream: UInt32, before: UInt64) -> [Int] {
        guard let pipeline = surroundings.pipelineOfSymbol(symbol), wishes[pipeline]?.contains(interval) == true else {
            return []
        }
        var opened: [Int] = []
        for (index, definition) in instance.definitions.enumerated() {
            if let only = definition.intervals, !only.contains(interval.rawValue) { continue }
            let wanted = ValueDefinition(
                id: 0, name: definition.name, interval: interval.rawValue, outputs: definition.outputs)
            guard let number = surroundings.number(wanted) else { continue }
            let identifier = UInt32(series.count + 1)
            do {
                try instance.open(series: identifier, definition: UInt32(index), interval: interval.rawValue)
            } catch {
                failures += 1
                continue
            }
            series.append(
                Series(
                    definition: index, number: number, stream: stream,
                    knownThrough: surroundings.newestCause(symbol, number), interval: interval))
            opened.append(series.count - 1)
        }
        guard !opened.isEmpty else { return [] }
        surroundings.earlierBars(symbol, interval, before) { bar in
            let wave = opened.map { hub_series_bar(series: UInt32($0 + 1), reserved: 0, bar: bar) }
            self.update(wave, now: hub_now()) { _ in }
        }
        return opened
    }

    private func update(_ wave: [hub_series_bar], now: hub_now, _ body: (UnsafePointer<hub_value>) -> Void) {
        do {
            try instance.update(wave, now: now, body)
        } catch {
            failures += 1
        }
    }

    private func record(from value: UnsafePointer<hub_value>, series known: Series, flags: UInt16) -> [UInt8] {
        let length = Int(value.pointee.head.lines) * Int(HUB_LINE)
        var bytes = [UInt8](UnsafeRawBufferPointer(start: value, count: length))
        bytes.withUnsafeMutableBytes { space in
            let record = space.baseAddress!.assumingMemoryBound(to: hub_value.self)
            record.pointee.head.stream = known.stream
            record.pointee.head.ts_event = record.pointee.bar_time
            record.pointee.head.flags = UInt16(HUB_FLAG_DERIVED) | flags
            record.pointee.definition = known.number
        }
        return bytes
    }
}
