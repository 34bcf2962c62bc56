import EventFormat
import HubModel
import HummingbirdCore
import PluginABI

/// `/v1/asof`: what was in force at each of several times.
extension Routes {
    private static let mostTimes = 10_000
    private static let mostRows = 100_000

    func addAsOf(to table: inout RouteTable) {
        table.get("/v1/asof") { call in try await asOf(call) }
    }

    private func asOf(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let name = reader.text("symbol")
        let names = reader.list("symbols")
        if (name == nil) == (names == nil || names?.isEmpty == true) {
            reader.fault(.badParameter, "symbol", "give either symbol, one instrument, or symbols, several and globs")
        }
        let times = instants(&reader)
        let type = reader.text("type")
        let selector = type.flatMap { kind(named: $0, &reader) }
        let style = reader.timeStyle()
        let knownAt = asOf(&reader)
        try reader.finish()
        let past = try knownAt.map(known)
        let directory = directories.current()
        var selection: SymbolSelection?
        var symbols: [Symbol] = []
        if let name {
            symbols = [try directory.one(name)]
        } else if let names {
            let found = try SymbolSelection(names, in: directory, limit: 10_000)
            symbols = found.symbols
            selection = found
        }
        guard symbols.count * times.count <= Self.mostRows else {
            throw Problem(
                .badParameter,
                "times: \(symbols.count) instruments at \(times.count) times are more than \(Self.mostRows) rows",
                faults: [.init("times", "expected at most \(Self.mostRows / symbols.count) for so many instruments")])
        }
        let interval = type.flatMap { $0.hasPrefix("bar:") ? Interval(String($0.dropFirst(4))) : nil }
        let (targets, seq) = engine.withFold { fold, seq in
            let targets = symbols.map { symbol in
                AsOfQuery.Target(
                    symbol: symbol, selector: selector ?? Self.price(fold.instrument(symbol.text)?.kinds ?? 0),
                    interval: interval)
            }
            return (targets, seq)
        }
        let asOf = past?.seq ?? seq
        try await published(asOf)
        let query = AsOfQuery(
            engine: engine, targets: targets, times: times, asOf: asOf,
            deadline: Deadline(after: settings.requestNanoseconds))
        var meta = ListMeta(epoch: engine.journal.epoch, seq: asOf)
        meta.notFound = selection?.notFound ?? []
        meta.failed = selection?.failed ?? []
        meta.holes = past?.holes ?? []
        meta.symbol = selection == nil ? symbols.first?.text : nil
        return try await blocking { [meta] in try answer(query, meta, style: style) }
    }

    private func answer(_ query: AsOfQuery, _ base: ListMeta, style: TimeStyle) throws -> Response {
        var meta = base
        let records = query.times.isEmpty ? [] : try query.run()
        let definitions = engine.definitions.snapshot()
        var encoder = EventEncoder(timeStyle: style)
        var text = TextBuffer(capacity: 1 << 14)
        text.beginObject()
        text.key("data")
        text.beginArray()
        var lacks: Set<String> = []
        for (number, target) in query.targets.enumerated() {
            for (place, time) in query.times.enumerated() {
                text.beginObject()
                if meta.symbol == nil { text.member("symbol", target.symbol.text) }
                text.member("at", time: time, style: style)
                let record = records[number * query.times.count + place]
                if record.isEmpty {
                    text.memberNull("event")
                    if let selector = target.selector { lacks.formUnion(HistoryKinds.lost(of: selector)) }
                } else {
                    text.key("event")
                    record.withUnsafeBytes { bytes in
                        guard let base = bytes.baseAddress else { return }
                        let record = RecordPointer(base)
                        encoder.encode(record.base, definitions: definitions, into: &text)
                        if record.flags & UInt16(HUB_FLAG_SIMULATED) != 0 { meta.isSimulated = true }
                    }
                }
                text.endObject()
                meta.count += 1
            }
        }
        text.endArray()
        let earliest = engine.journal.earliest.seq
        if !lacks.isEmpty, earliest > 1 {
            let types = Words.kinds.map(\.word).filter(lacks.contains)
            meta.holes.append(StreamHole(after: 0, before: earliest, reason: .retention, types: types))
        }
        meta.gaps = try GapFinder(
            engine: engine, patterns: query.targets.map { SymbolPattern($0.symbol) }, style: style
        ).gaps(from: query.times.min(), to: query.times.max().map { $0 &+ 1 }, through: meta.seq)
        meta.write(to: &text)
        text.endObject()
        return Reply.json(text)
    }

    private func instants(_ reader: inout ParameterReader) -> [Int64] {
        guard let texts = reader.list("times"), !texts.isEmpty else {
            reader.fault(
                .badParameter, "times", "is missing: times with commas between them, each as from= takes it")
            return []
        }
        guard texts.count <= Self.mostTimes else {
            reader.fault(.badParameter, "times", "expected at most \(Self.mostTimes) times, found \(texts.count)")
            return []
        }
        var times: [Int64] = []
        times.reserveCapacity(texts.count)
        var wrong = 0
        for text in texts {
            do {
                times.append(try TimeParameter.parse(text, now: reader.now))
            } catch {
                wrong += 1
                if wrong <= 10 { reader.fault(.badTime, "times", error.description) }
            }
        }
        return times
    }

    private func kind(named type: String, _ reader: inout ParameterReader) -> EventSelector? {
        var selector = EventSelector()
        do {
            try selector.add(type)
        } catch {
            reader.fault(.badParameter, "type", error.description)
            return nil
        }
        if selector.isEverything || selector.wantsSummary {
            reader.fault(.badParameter, "type", "expected one kind of event such as trade or bar:1m, found '\(type)'")
        }
        return selector
    }

    /// What tells the price where nothing is said: the trade, else the tick, else the quote, whichever there is.
    private static func price(_ kinds: UInt32) -> EventSelector? {
        for kind in [EventKind.trade, .tick, .quote] where kinds >> UInt32(kind.rawValue) & 1 != 0 {
            var selector = EventSelector()
            selector.add(kind)
            return selector
        }
        return nil
    }
}
