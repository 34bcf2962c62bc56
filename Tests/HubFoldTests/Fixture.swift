import EventFormat
import HubFold
import HubModel
import PluginABI

/// One case in a text file: a plan, then records, each with what has to follow from it on lines that begin with `=>`.
///
/// ```
/// date 2025-01-06
/// source tape recorded                     (recorded, simulated, finalize=2s)
/// pipeline demo from=tape bars=1s,1m symbols=ARCA:SPY,SIM:* price=mid kinds.tape=trade,quote
/// stream 1 tape ARCA:SPY                   (`-` for the symbol: the source's own; a fourth word: market centre)
///
/// trade 1 10:00:00.5 243.15 100            (options: @time = received, id=7, correction, backfilled, suspect)
/// quote 1 10:00:00.5 243.14 243.16
/// tick 1 10:00:00.5 243.15 volume=1000 oi=5
/// bar 1 10:00:00 1m 1 2 0.5 1.5 100        (open high low close volume; options: count= notional=)
/// clock 10:00:05
/// end 2 10:00:05
/// failover 2 10:00:05 demo tape live       (stream of the new source, pipeline, from, to; skipped=3)
/// gap 2 10:00:05 10:00:00 10:00:04 ARCA:*  (from, to or -, symbols)
/// => bar ARCA:SPY 1s 10:00:00 closed r0 trade o 243.15 h 243.15 l 243.15 c 243.15 v 100 n 24315 x 1 seq 3 of 2-2
/// ```
/// A record that is not taken shows as `=> standby` and so on, flags the host set as `=> late`.
struct Fixture {
    struct Fault: Error, CustomStringConvertible {
        var line: String
        var description: String { "cannot read the line '\(line)'" }
    }

    private var date = CivilDate(year: 2025, month: 1, day: 6)
    private var plan = FoldPlan(pipelines: [], sources: [])
    private var run: FoldRun?

    /// The file with the lines `=>` replaced by what came out.
    static func render(_ text: String) throws -> String {
        var fixture = Fixture()
        var out: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("=>") { continue }
            out.append(String(line))
            if line.isEmpty || line.hasPrefix("#") { continue }
            out += try fixture.line(String(line))
        }
        return out.joined(separator: "\n")
    }

    private mutating func line(_ line: String) throws -> [String] {
        var words = line.split(separator: " ").map(String.init)
        if let comment = words.firstIndex(where: { $0.hasPrefix("(") }) { words = Array(words[..<comment]) }
        let options = Dictionary(
            words.filter { $0.contains("=") }.map { word in
                let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts[1])
            }, uniquingKeysWith: { $1 })
        func list(_ key: String) -> [String] { (options[key] ?? "").split(separator: ",").map(String.init) }
        func word(_ index: Int) throws -> String {
            guard index < words.count else { throw Fault(line: line) }
            return words[index]
        }
        switch words[0] {
        case "date":
            guard let date = CivilDate(try word(1)) else { throw Fault(line: line) }
            self.date = date
            return []
        case "source":
            plan.sources.append(
                SourcePlan(
                    name: try word(1), recorded: words.contains("recorded"), simulated: words.contains("simulated"),
                    finalizeAfterNanoseconds: try ConfiguredDuration(options["finalize"] ?? "2s").nanosecondsOrMaximum))
            return []
        case "pipeline":
            let names = list("symbols")
            let prices: [String: BarPrice] = ["last": .last, "mid": .mid, "bid": .bid, "ask": .ask]
            plan.pipelines.append(
                PipelinePlan(
                    name: try word(1), sources: list("from"),
                    kindsBySource: list("from").map { source in
                        list("kinds.\(source)").reduce(0) { $0 | (EventKind(name: $1)?.bit ?? 0) }
                    },
                    instruments: try names.filter { !$0.contains("*") }.map { try Symbol($0) },
                    patterns: try names.filter { $0.contains("*") }.map { try SymbolPattern($0) },
                    bars: list("bars").compactMap { Interval($0) }, price: prices[options["price"] ?? "last"] ?? .last))
            return []
        default: break
        }
        let run = self.run ?? FoldRun(plan)
        self.run = run
        func number(_ index: Int) throws -> Double {
            let text = try word(index)
            if text == "-" { return .nan }
            guard let value = Double(text) else { throw Fault(line: line) }
            return value
        }
        func stream() throws -> UInt32 {
            guard let id = UInt32(try word(1)) else { throw Fault(line: line) }
            return id
        }
        let received = try words.first { $0.hasPrefix("@") }.map { try time(String($0.dropFirst())) }
        var flags = 0
        if words.contains("correction") { flags |= HUB_FLAG_CORRECTION }
        if words.contains("backfilled") { flags |= HUB_FLAG_BACKFILLED }
        if words.contains("suspect") { flags |= HUB_FLAG_SUSPECT }
        let bytes: [UInt8]
        switch words[0] {
        case "stream":
            let symbol = try word(3)
            bytes = Make.define(
                StreamDefinition(
                    id: try stream(), symbol: symbol == "-" ? "" : symbol, source: try word(2),
                    marketCentre: words.count > 4 ? words[4] : ""))
        case "trade":
            bytes = Make.trade(
                try stream(), try time(word(2)), try number(3), try number(4), received: received, flags: flags,
                id: options["id"].flatMap { UInt64($0) } ?? 0)
        case "quote":
            bytes = Make.quote(try stream(), try time(word(2)), try number(3), try number(4), received: received)
        case "tick":
            bytes = Make.tick(
                try stream(), try time(word(2)), last: try number(3),
                volume: options["volume"].flatMap { Double($0) } ?? .nan,
                openInterest: options["oi"].flatMap { Double($0) } ?? .nan, received: received)
        case "bar":
            guard let interval = Interval(try word(3)) else { throw Fault(line: line) }
            bytes = Make.bar(
                try stream(), try time(word(2)), interval: interval.rawValue, open: try number(4), high: try number(5),
                low: try number(6), close: try number(7), volume: try number(8),
                count: options["count"].flatMap { UInt64($0) } ?? 1,
                notional: options["notional"].flatMap { Double($0) } ?? .nan, received: received, flags: flags)
        case "clock": bytes = Make.clock(try time(word(1)))
        case "end": bytes = Make.control(HUB_CONTROL_END, stream: try stream(), try time(word(2)))
        case "failover":
            bytes = Make.failover(
                try stream(), try time(word(2)), pipeline: try word(3), from: try word(4), to: try word(5),
                skipped: options["skipped"].flatMap { UInt32($0) } ?? 0)
        case "gap":
            let isOver = try word(4) != "-"
            bytes = Make.gap(
                try stream(), try time(word(2)), state: isOver ? HUB_GAP_CLOSED : HUB_GAP_OPEN, from: try time(word(3)),
                to: isOver ? try time(word(4)) : 0, symbols: Array(words[5...]))
        default: throw Fault(line: line)
        }
        return describe(run.feed(bytes), given: flags)
    }

    private func time(_ text: String) throws -> Int64 {
        if text == "0" { return 0 }
        let full = text.contains("T") ? text : "\(date.text)T\(text)"
        return try TimeParameter.parse(full + "Z", now: 0)
    }

    private func describe(_ step: FoldRun.Step, given: Int) -> [String] {
        var lines: [String] = []
        if step.admission != .take { lines.append("=> \(step.admission)") }
        let names = [
            (HUB_FLAG_SUSPECT, "suspect"), (HUB_FLAG_LATE, "late"), (HUB_FLAG_UNTIMED, "untimed"),
        ]
        if step.admission == .take {
            for (flag, name) in names where Int(step.head.flags) & flag != 0 && given & flag == 0 {
                lines.append("=> \(name)")
            }
            if Int(step.head.kind) == HUB_BAR {
                let bar = step.record.withUnsafeBytes { $0.loadUnaligned(as: hub_bar.self) }
                if bar.revision > 0 { lines.append("=> taken as r\(bar.revision)") }
            }
        }
        return lines + step.bars.map(describe)
    }

    private func describe(_ bar: hub_bar) -> String {
        let definition = run?.fold.definitions.stream(bar.head.stream)
        let states = ["", "closed", "revised", "forming"]
        let bases = ["", "trade", "tick", "quote", "bar", "provider"]
        var text = "=> bar \(definition?.symbol ?? "?") \(Interval.text(ofSeconds: bar.interval)) "
        text += "\(clock(bar.head.ts_event)) \(states[Int(bar.state)]) r\(bar.revision) \(bases[Int(bar.built_from)])"
        text += " o \(short(bar.open)) h \(short(bar.high)) l \(short(bar.low)) c \(short(bar.close))"
        text += " v \(short(bar.volume))"
        if !bar.notional.isNaN { text += " n \(short(bar.notional))" }
        if !bar.open_interest.isNaN { text += " oi \(short(bar.open_interest))" }
        text +=
            " x \(bar.count) seq \(bar.head.seq) of \(bar.first_seq)-\(bar.last_seq) from \(definition?.source ?? "?")"
        if Int(bar.head.flags) & HUB_FLAG_SIMULATED != 0 { text += " simulated" }
        if Int(bar.head.flags) & HUB_FLAG_BACKFILLED != 0 { text += " backfilled" }
        return text
    }

    private func short(_ value: Double) -> String {
        Int64(exactly: value).map(String.init) ?? value.description
    }

    /// Time of day; with the date where it is another one.
    private func clock(_ time: Int64) -> String {
        let day = CivilDate.day(ofNanoseconds: time)
        let rest = time - day * CivilDate.nanosecondsPerDay
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let seconds = rest / 1_000_000_000
        let text = "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        return day == date.dayNumber ? text : "\(CivilDate(day: day).text)T\(text)"
    }
}
