import EventFormat
import HubJournal
import HubModel
import HubRuntime
import PluginABI

/// A search for the newest event in force at each of several times, for several instruments: one pass over the events, however
/// many times there are.
///
/// In force at a time is the event with the greatest `time` at or before it; of equal ones the one with the greatest `seq`.
/// Takes its time: not for an event loop.
struct AsOfQuery: Sendable {
    /// What is asked of one instrument.
    struct Target: Sendable {
        var symbol: Symbol
        /// `nil`: there is nothing of it.
        var selector: EventSelector?
        /// Bars of this interval alone.
        var interval: Interval?
    }

    let engine: any EngineAccess
    let targets: [Target]
    /// Nanoseconds, in any order. One that is a whole microsecond means all of it: what clients see of times is cut to that.
    let times: [Int64]
    /// Nothing behind this position counts.
    let asOf: UInt64
    let deadline: Deadline

    /// The records in force, by target and time: at `target * times.count + time`, empty where there is none.
    func run() throws -> [[UInt8]] {
        let ends = times.map { $0 % 1000 == 0 && $0 < .max - 1000 ? $0 + 999 : $0 }
        let order = ends.indices.sorted { ends[$0] < ends[$1] }
        let sorted = order.map { ends[$0] }
        var slots = Slots(times: sorted, targets: targets.count)
        try History(engine).wait(for: min(asOf, engine.journal.head))
        for (index, target) in targets.enumerated() {
            guard let interval = target.interval else { continue }
            try deadline.check()
            try readBars(index, target.symbol, interval, &slots)
        }
        try readEvents(&slots)
        slots.carry()
        var result = [[UInt8]](repeating: [], count: targets.count * times.count)
        for target in targets.indices {
            for (place, original) in order.enumerated() {
                result[target * times.count + original] = slots.records[target * times.count + place]
            }
        }
        return result
    }

    /// Bars are found by their time.
    private func readBars(_ target: Int, _ symbol: Symbol, _ interval: Interval, _ slots: inout Slots) throws {
        let history = History(engine)
        let first = slots.times[0]
        let older = try history.bars(
            of: symbol, interval: interval, from: nil, to: first.addingReportingOverflow(1).partialValue,
            through: asOf, limit: 1, newest: true)
        var newer: [hub_bar] = []
        if slots.last > first {
            newer = try history.bars(
                of: symbol, interval: interval, from: first + 1, to: slots.last &+ 1, through: asOf,
                limit: 10_000_000, newest: false)
        }
        for bar in older + newer {
            withUnsafePointer(to: bar) { pointer in
                slots.take(RecordPointer(UnsafeRawPointer(pointer)).base, bar.head.ts_event, target)
            }
        }
    }

    /// The day before the first time goes first: what is found there is newer than anything before, whenever it was
    /// received. Only for what is not found all of the past is gone through.
    private func readEvents(_ slots: inout Slots) throws {
        let definitions = engine.definitions.snapshot()
        let wanted = targets.indices.filter { targets[$0].interval == nil && targets[$0].selector != nil }
        guard !wanted.isEmpty, let first = slots.times.first else { return }
        let day: Int64 = 86_400_000_000_000
        let near = first > .min + day ? first - day : .min
        try pass(wanted, from: near, to: slots.last, definitions, &slots)
        let missing = wanted.filter { slots.records[$0 * slots.times.count].isEmpty }
        guard !missing.isEmpty, near > .min else { return }
        try pass(missing, from: .min, to: near - 1, definitions, &slots)
    }

    private func pass(
        _ wanted: [Int], from: Int64, to: Int64, _ definitions: DefinitionTable, _ slots: inout Slots
    ) throws {
        var targetOf = [Int32](repeating: -1, count: Int(definitions.nextStreamID))
        let bySymbol = Dictionary(wanted.map { (targets[$0].symbol.text, $0) }, uniquingKeysWith: { first, _ in first })
        var streams: [UInt32] = []
        for stream in definitions.streams {
            guard let target = bySymbol[stream.symbol] else { continue }
            targetOf[Int(stream.id)] = Int32(target)
            streams.append(stream.id)
        }
        let selectors = wanted.compactMap { targets[$0].selector }
        let kinds = Words.kinds.map(\.kind).filter { kind in selectors.contains { $0.mayMatch(kind: UInt8(kind)) } }
        // The time of a value is its bar's, which no index knows.
        let knowsTime = !kinds.contains(HUB_VALUE)
        let filter = JournalFilter(
            streams: StreamSet(streams), kinds: KindSet(kinds), fromNanoseconds: knowsTime ? from : nil,
            toNanoseconds: knowsTime && to < .max ? to + 1 : nil)
        var looked = 0
        try History(engine).forEach(through: asOf, matching: filter) { record in
            looked += 1
            if looked & 0xffff == 0, deadline.isOver { return false }
            let time = EventTime.nanoseconds(record)
            guard time >= from, time <= to else { return true }
            let target = Int(targetOf[Int(record.pointee.stream)])
            guard target >= 0, targets[target].selector?.matches(record, definitions: definitions) == true else {
                return true
            }
            slots.take(record, time, target)
            return true
        }
        try deadline.check()
    }

    /// The newest event between each time and the one before, by target.
    struct Slots {
        /// Ascending.
        let times: [Int64]
        var records: [[UInt8]]
        private var keys: [(time: Int64, seq: UInt64)]
        private var guess = 0

        init(times: [Int64], targets: Int) {
            self.times = times
            records = Array(repeating: [], count: times.count * targets)
            keys = Array(repeating: (.min, 0), count: times.count * targets)
        }

        var last: Int64 { times.last ?? .min }

        mutating func take(_ record: UnsafePointer<hub_record>, _ time: Int64, _ target: Int) {
            guard time <= last else { return }
            let slot = target * times.count + place(of: time)
            let seq = record.pointee.seq
            if !records[slot].isEmpty, (keys[slot].time, keys[slot].seq) > (time, seq) { return }
            keys[slot] = (time, seq)
            let bytes = RecordPointer(record).bytes
            if records[slot].count == bytes.count {
                records[slot].withUnsafeMutableBytes { $0.copyMemory(from: bytes) }
            } else {
                records[slot] = Array(bytes)
            }
        }

        /// The first time that is not before this one. Events come nearly in order: mostly it is the place of the last one.
        private mutating func place(of time: Int64) -> Int {
            if times[guess] >= time, guess == 0 || times[guess - 1] < time { return guess }
            var low = 0
            var high = times.count
            while low < high {
                let middle = (low + high) / 2
                if times[middle] < time { low = middle + 1 } else { high = middle }
            }
            guess = low
            return low
        }

        /// What is in force goes on being so until something newer comes.
        mutating func carry() {
            guard !times.isEmpty else { return }
            for slot in records.indices where slot % times.count != 0 && records[slot].isEmpty {
                records[slot] = records[slot - 1]
            }
        }
    }
}
