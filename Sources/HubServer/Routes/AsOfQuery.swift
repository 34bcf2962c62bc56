import EventFormat
import HubJournal
import HubModel
import HubRuntime
import HubStore
import PluginABI

/// A search for the newest event in force at each of several times, for several instruments, however many times there are.
///
/// In force at a time is the event with the greatest `time` at or before it; of equal ones the one with the greatest `seq`. A
/// correction that takes a trade back is none.
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

    /// Market data is looked for by its time where it was compacted; what was not yet is gone through. Of other kinds there
    /// are few: values are found by the time of their bars, the rest are rows in the store.
    private func readEvents(_ slots: inout Slots) throws {
        let definitions = engine.definitions.snapshot()
        let wanted = targets.indices.filter { targets[$0].interval == nil && targets[$0].selector != nil }
        guard !wanted.isEmpty, slots.last < .max else { return }
        let streams = TargetStreams(wanted, targets, definitions)
        let selectors = wanted.compactMap { targets[$0].selector }
        let kinds = Words.kinds.map(\.kind).filter { kind in selectors.contains { $0.mayMatch(kind: UInt8(kind)) } }
        var filter = JournalFilter(
            streams: StreamSet(streams.all), kinds: KindSet(kinds.filter { Store.isPacked(UInt8($0)) }),
            toNanoseconds: slots.last + 1)
        if !filter.kinds.kinds.isEmpty { try readMarket(filter, streams, definitions, &slots) }
        if kinds.contains(HUB_VALUE) { try readValues(wanted, definitions, &slots) }
        filter.kinds = KindSet(kinds.filter { !Store.isPacked(UInt8($0)) && $0 != HUB_VALUE })
        guard !filter.kinds.kinds.isEmpty else { return }
        try engine.store.forEachRecord(after: 0, through: asOf, kinds: filter.kinds, streams: filter.streams) {
            take($0, streams, definitions, &slots)
            return true
        }
    }

    private func readMarket(
        _ filter: JournalFilter, _ streams: TargetStreams, _ definitions: DefinitionTable, _ slots: inout Slots
    ) throws {
        let history = History(engine)
        let stored = history.storedEnd(of: filter, through: asOf)
        var looked = 0
        try history.forEach(after: stored, through: asOf, matching: filter) { record in
            looked += 1
            if looked & 0xffff == 0, deadline.isOver { return false }
            if filter.kinds.contains(record.pointee.kind) { take(record, streams, definitions, &slots) }
            return true
        }
        try deadline.check()
        let search = TimeSearch(engine.store, through: stored, matching: filter)
        for target in targets.indices {
            guard let own = streams.byTarget[target] else { continue }
            // The closures are called by turns, never one within the other.
            try withUnsafeMutablePointer(to: &slots) { slots in
                try search.run(streams: own, times: slots.pointee.times) { number in
                    deadline.isOver ? nil : slots.pointee.newestTime(target, number)
                } take: {
                    take($0, streams, definitions, &slots.pointee)
                }
            }
            try deadline.check()
        }
    }

    /// Values are found by the time of their bars.
    private func readValues(_ wanted: [Int], _ definitions: DefinitionTable, _ slots: inout Slots) throws {
        let first = slots.times[0]
        for target in wanted {
            for definition in definitions.values
            where targets[target].selector?.matches(
                kind: UInt8(HUB_VALUE), interval: definition.interval, definition: definition.name) == true
            {
                try deadline.check()
                let ranges = [
                    SeriesRange(toNanoseconds: first + 1, through: asOf, limit: 1, takesNewest: true),
                    SeriesRange(
                        fromNanoseconds: first + 1, toNanoseconds: slots.last + 1, through: asOf, limit: 10_000_000),
                ]
                for range in ranges {
                    try engine.store.forEachValue(
                        symbol: targets[target].symbol.text, definition: definition.id, range
                    ) { value in
                        let record = RecordPointer(UnsafeRawPointer(value)).base
                        slots.take(record, EventTime.nanoseconds(record), target)
                    }
                }
            }
        }
    }

    private func take(
        _ record: UnsafePointer<hub_record>, _ streams: TargetStreams, _ definitions: DefinitionTable,
        _ slots: inout Slots
    ) {
        let time = EventTime.nanoseconds(record)
        guard time <= slots.last, let target = streams.target(of: record.pointee.stream),
            targets[target].selector?.matches(record, definitions: definitions) == true, !Self.takesBack(record)
        else { return }
        slots.take(record, time, target)
    }

    /// A trade that only takes another one back is no price.
    private static func takesBack(_ record: UnsafePointer<hub_record>) -> Bool {
        guard Int(record.pointee.kind) == HUB_TRADE, record.pointee.flags & UInt16(HUB_FLAG_CORRECTION) != 0 else {
            return false
        }
        return RecordPointer(record).asTrade.pointee.size == 0
    }

    /// Which streams are those of which target.
    private struct TargetStreams {
        private(set) var byTarget: [Int: [UInt32]] = [:]
        private(set) var all: [UInt32] = []
        private var targetOf: [Int32]

        init(_ wanted: [Int], _ targets: [Target], _ definitions: DefinitionTable) {
            targetOf = [Int32](repeating: -1, count: Int(definitions.nextStreamID))
            let bySymbol = Dictionary(
                wanted.map { (targets[$0].symbol.text, $0) }, uniquingKeysWith: { first, _ in first })
            for stream in definitions.streams {
                guard let target = bySymbol[stream.symbol] else { continue }
                targetOf[Int(stream.id)] = Int32(target)
                byTarget[target, default: []].append(stream.id)
                all.append(stream.id)
            }
        }

        func target(of stream: UInt32) -> Int? {
            guard Int(stream) < targetOf.count, targetOf[Int(stream)] >= 0 else { return nil }
            return Int(targetOf[Int(stream)])
        }
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

        /// Time of the newest event at or before the time with this number; `Int64.min`: none.
        func newestTime(_ target: Int, _ number: Int) -> Int64 {
            var slot = target * times.count + number
            while slot >= target * times.count {
                if !records[slot].isEmpty { return keys[slot].time }
                slot -= 1
            }
            return .min
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
