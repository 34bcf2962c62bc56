import EventFormat
import HubFold
import HubModel
import PluginABI
import Testing

/// The checks against a plain way to say the same: everything that came is kept in lists and looked through.
@Suite struct QualityPropertyTests {
    private struct Plain {
        struct Entry {
            var kind: Int
            var instrument: Int
            var time: Int64
            var received: Int64
            var price: Double
            var other: Double
            var id: UInt64
            var isLast: Bool
            var isSuspect = false
        }

        let quality: QualityPlan
        var entries: [Entry] = []
        /// Numbers of messages, by entry.
        var messages: [Int] = []
        private var message = 0
        private var last: [Int: Double] = [:]
        private var doubted: [Int: Double] = [:]
        private var newest: [Int: (time: Int64, behind: Int)] = [:]
        private var volumes: [Int: (volume: Double, below: Int)] = [:]

        init(_ quality: QualityPlan) { self.quality = quality }

        /// Whether it is suspect; takes it in.
        mutating func isSuspect(_ entry: Entry) -> Bool {
            if let before = entries.last, before.isLast || before.received != entry.received { message += 1 }
            var isSuspect = false
            // Trades and ticks share their price, quotes have their own.
            let price = entry.kind == HUB_QUOTE ? (entry.price + entry.other) / 2 : entry.price
            let slot = entry.instrument * 2 + (entry.kind == HUB_QUOTE ? 1 : 0)
            func isFar(_ from: Double?) -> Bool {
                guard let from else { return false }
                return abs(price - from) > quality.spikePercent / 100 * abs(from)
            }
            if quality.spikePercent > 0, isFar(last[slot]), doubted[slot] == nil || isFar(doubted[slot]) {
                isSuspect = true
            }
            let isCrossed = entry.kind == HUB_QUOTE && (entry.price > entry.other || entry.other < 0)
            if quality.crossed, entry.price < 0 || isCrossed { isSuspect = true }
            let order = entry.instrument * 10 + entry.kind
            let isBehind = newest[order].map { entry.time < $0.time } ?? false
            if quality.backwards, isBehind { isSuspect = true }
            if entry.kind == HUB_TICK, let mark = volumes[entry.instrument], entry.other < mark.volume,
                quality.volumeFalls
            {
                isSuspect = true
            }
            var isRepeated = false
            if entry.kind == HUB_TRADE {
                let trades = entries.indices.filter {
                    entries[$0].kind == HUB_TRADE && entries[$0].instrument == entry.instrument
                        && !(entries[$0].isSuspect && wasRepeated.contains($0))
                }
                for index in trades.suffix(128) {
                    let other = entries[index]
                    guard other.time == entry.time, other.price == entry.price, other.other == entry.other,
                        other.id == entry.id, entry.id != 0 || messages[index] != message
                    else { continue }
                    isRepeated = true
                }
                if quality.duplicates, isRepeated { isSuspect = true }
            }
            take(entry, slot, price, order, isBehind, isSuspect, isRepeated && entry.id != 0 && quality.duplicates)
            return isSuspect
        }

        private var wasRepeated: Set<Int> = []

        private mutating func take(
            _ entry: Entry, _ slot: Int, _ price: Double, _ order: Int, _ isBehind: Bool, _ isSuspect: Bool,
            _ isRepeated: Bool
        ) {
            var entry = entry
            entry.isSuspect = isSuspect
            if isRepeated { wasRepeated.insert(entries.count) }
            entries.append(entry)
            messages.append(message)
            if !isBehind {
                newest[order] = (entry.time, 0)
            } else if let mark = newest[order] {
                newest[order] = mark.behind + 1 >= 64 ? (entry.time, 0) : (mark.time, mark.behind + 1)
            }
            if entry.kind == HUB_TICK {
                let mark = volumes[entry.instrument] ?? (0, 0)
                volumes[entry.instrument] =
                    entry.other >= mark.volume || mark.below + 1 >= 8
                    ? (entry.other, 0) : (mark.volume, mark.below + 1)
            }
            if isRepeated { return }
            if !isSuspect {
                last[slot] = price
                doubted[slot] = nil
            } else if let from = last[slot], abs(price - from) > quality.band * abs(from) {
                doubted[slot] = price
            }
        }
    }

    @Test(
        "random trades, ticks and quotes with every defect are flagged as a plain way to say it flags them",
        arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func plain(seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededNumbers(seed: seed)
        let quality =
            [
                QualityPlan(), QualityPlan(spikePercent: 5), QualityPlan(duplicates: false),
                QualityPlan(spikePercent: 0, backwards: false),
            ][Int(seed) % 4]
        let run = FoldRun(
            FoldPlan(
                pipelines: [
                    PipelinePlan(
                        name: "p", sources: ["a"], instruments: [try Symbol("SIM:A"), try Symbol("SIM:B")], bars: [.m1],
                        quality: quality)
                ], sources: [SourcePlan(name: "a")]))
        run.feed([
            Make.define(StreamDefinition(id: 1, symbol: "", source: "a")),
            Make.define(StreamDefinition(id: 2, symbol: "SIM:A", source: "a")),
            Make.define(StreamDefinition(id: 3, symbol: "SIM:B", source: "a")),
        ])
        var plain = Plain(quality)
        var time = FoldTests.start
        var price = [100.0, 40.0]
        var volume = [1000.0, 1000.0]
        var id: UInt64 = 0
        var suspects = 0
        for number in 0..<6000 {
            time += Int64.random(in: 0..<3, using: &random) * 1_000_000
            let instrument = Int.random(in: 0..<2, using: &random)
            price[instrument] += Double(Int.random(in: -20...20, using: &random)) / 100
            var entry = Plain.Entry(
                kind: [HUB_TRADE, HUB_TRADE, HUB_TICK, HUB_QUOTE][Int.random(in: 0..<4, using: &random)],
                instrument: instrument, time: time, received: time + 1_000_000_000, price: price[instrument], other: 1,
                id: 0, isLast: random.chance(60))
            switch Int.random(in: 0..<40, using: &random) {
            case 0: entry.price *= random.chance(50) ? 1.5 : 0.5
            case 1: entry.price = -entry.price
            case 2: entry.time -= Int64.random(in: 0..<20_000_000, using: &random)
            case 3: price[instrument] *= random.chance(50) ? 1.3 : 0.75
            default: break
            }
            switch entry.kind {
            case HUB_TRADE:
                id += 1
                entry.id = random.chance(60) ? id : 0
                entry.other = Double(Int.random(in: 1...3, using: &random))
                if random.chance(10),
                    let before = plain.entries.suffix(300).filter({ $0.kind == HUB_TRADE }).randomElement(
                        using: &random)
                {
                    let received = entry.received
                    entry = before
                    entry.received = received
                }
            case HUB_TICK:
                volume[entry.instrument] += Double(Int.random(in: 0...5, using: &random))
                entry.other = volume[entry.instrument] - (random.chance(5) ? 20 : 0)
                if random.chance(1) { volume[entry.instrument] /= 2 }
            default: entry.other = entry.price + (random.chance(5) ? -1 : 1)
            }
            let bytes = record(entry)
            let step = run.feed(bytes)
            let isSuspect = Int(step.head.flags) & HUB_FLAG_SUSPECT != 0
            let expected = plain.isSuspect(entry)
            guard isSuspect == expected else {
                Issue.record("record \(number) of seed \(seed) is \(isSuspect ? "" : "not ")suspect: \(entry)")
                return
            }
            suspects += isSuspect ? 1 : 0
        }
        #expect(run.fold.counters.suspect == UInt64(suspects))
        #expect(suspects > 200)
    }

    private func record(_ entry: Plain.Entry) -> [UInt8] {
        let stream = UInt32(entry.instrument + 2)
        var bytes: [UInt8]
        switch entry.kind {
        case HUB_TRADE:
            bytes = Make.trade(
                stream, entry.time, entry.price, entry.other, received: entry.received, id: entry.id)
        case HUB_TICK:
            bytes = Make.tick(stream, entry.time, last: entry.price, volume: entry.other, received: entry.received)
        default: bytes = Make.quote(stream, entry.time, entry.price, entry.other, received: entry.received)
        }
        if entry.isLast { bytes[2] |= UInt8(HUB_FLAG_LAST_OF_MESSAGE) }
        return bytes
    }
}

extension QualityPlan {
    fileprivate var band: Double { spikePercent > 0 ? spikePercent / 100 : .infinity }
}
