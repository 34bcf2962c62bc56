import EventFormat
import HubJournal
import HubModel
import HummingbirdCore
import PluginABI
import TableFormat

/// `/v1/quality/gaps` and `/v1/quality/coverage`: what is missing, and what is there.
extension Routes {
    private static let mostQualityRows = 10_000

    func addQuality(to table: inout RouteTable) {
        table.get("/v1/quality/gaps") { call in try await qualityGaps(call) }
        table.get("/v1/quality/coverage") { call in try await coverage(call) }
    }

    private func qualityGaps(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols") ?? ["*"]
        let source = reader.text("source")
        let (from, to) = reader.range()
        let state = reader.choice("state", ["open", "closed"])
        let limit = Self.limit(&reader, most: Self.mostQualityRows)
        let style = reader.timeStyle()
        let knownAt = asOf(&reader)
        let (token, binding) = pageToken(&reader, call)
        try reader.finish()
        let past = try knownAt.map(known)
        let selection = try SymbolSelection(names, in: directories.current(), limit: 1_000_000)
        let asOf = token?.asOf ?? past?.seq ?? engine.journal.head
        let start = token.map(\.from) ?? from
        let end = token.map(\.to) ?? to
        var meta = ListMeta(epoch: token?.epoch ?? engine.journal.epoch, seq: asOf)
        meta.notFound = selection.notFound
        meta.failed = selection.failed
        meta.holes = past?.holes ?? []
        let gaps = QualityGaps(engine: engine, patterns: selection.patterns)
        let after = token?.place.first.map { UInt64(bitPattern: $0) }
        return try await blocking { [meta] in
            var meta = meta
            let definitions = engine.definitions.snapshot()
            var found = try gaps.all(through: asOf).filter { gap in
                gap.touches(from: start, to: end)
                    && (source == nil || definitions.sourceName(ofStream: gap.gap.head.stream) == source)
                    && (state == nil || gap.isOpen == (state == "open"))
            }
            if let after {
                found.removeAll { $0.seq <= after }
            } else if start == nil {
                found = found.suffix(limit)
            }
            var encoder = EventEncoder(timeStyle: style)
            var text = TextBuffer(capacity: 4096)
            text.beginObject()
            text.key("data")
            text.beginArray()
            for gap in found.prefix(limit) {
                gap.bytes.withUnsafeBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    encoder.encode(RecordPointer(base).base, definitions: definitions, into: &text)
                }
            }
            text.endArray()
            meta.count = min(found.count, limit)
            if found.count > limit {
                let place = Int64(bitPattern: found[limit - 1].seq)
                meta.next = PageToken(epoch: meta.epoch, asOf: asOf, from: start, to: end, place: [place])
                    .text(binding: binding)
            }
            meta.write(to: &text)
            text.endObject()
            return Reply.json(text)
        }
    }

    private func coverage(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols") ?? ["*"]
        let selector = reader.selector("types") ?? .events
        let (from, to) = reader.range()
        let limit = Self.limit(&reader, most: Self.mostQualityRows)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let reply = ListReply(call: call, shape: shape, columns: CoverageText.columns, style: style)
        let (token, binding) = pageToken(&reader, call)
        try reader.finish()
        if let token { return try page(reply, after: token, binding: binding, limit: limit, origin: nil) }
        let selection = try SymbolSelection(names, in: directories.current(), limit: 100_000)
        let market = engine.marketCalendars
        let (calendars, asOf) = engine.withFold { fold, seq in
            (selection.symbols.map { market.calendar(of: $0.venue, base: fold.calendar(of: $0.text)?.name) }, seq)
        }
        try await published(asOf)
        let deadline = Deadline(after: settings.requestNanoseconds)
        let symbols = selection.symbols
        let patterns = selection.patterns
        var walk = WalkCache.Walk(
            text: [], ends: [], notFound: selection.notFound, failed: selection.failed, isSimulated: false)
        let (rows, ends) = try await blocking {
            let kinds = Words.kinds.map(\.kind).filter { selector.mayMatch(kind: UInt8($0)) }
            let found = try History(engine).coverage(
                of: symbols, kinds: KindSet(kinds), from: from, to: to, through: asOf, deadline: deadline)
            let gaps = try QualityGaps(engine: engine, patterns: patterns).all(through: asOf)
            let calendars = Dictionary(zip(symbols.map(\.text), calendars), uniquingKeysWith: { first, _ in first })
            let streams = Dictionary(grouping: engine.definitions.snapshot().streams, by: \.symbol)
                .mapValues { StreamSet($0.map(\.id)) }
            var text = TextBuffer(capacity: 4096)
            var ends: [Int] = []
            for row in found
            where selector.matches(
                kind: UInt8(row.kind), interval: row.interval, definition: row.name ?? "")
            {
                try deadline.check()
                let writer = CoverageText(
                    row: row, calendar: calendars[row.symbol] ?? .always, from: from, to: to, style: style)
                writer.write(isComplete: isComplete(writer, gaps, streams[row.symbol] ?? StreamSet([])), to: &text)
                ends.append(text.count)
                text.truncate(to: text.count)
            }
            return (text.array, ends)
        }
        walk.text = rows
        walk.ends = ends
        if ends.count > limit { walks.keep(walk, binding: binding, asOf: asOf, now: engine.wallNanoseconds) }
        return self.rows(
            reply, of: walk, from: 0, limit: limit, asOf: asOf, epoch: engine.journal.epoch, binding: binding,
            origin: nil)
    }

    /// Whether neither a gap of a source lies in the range of a row nor anything that the store has no more.
    private func isComplete(_ row: CoverageText, _ gaps: [QualityGaps.Found], _ streams: StreamSet) -> Bool {
        let range = row.range
        let isTouched = gaps.contains {
            $0.touches(from: range.from, to: range.to) && $0.isMissing(row.row.symbol, kind: row.row.kind)
        }
        guard !isTouched else { return false }
        let journaled = engine.journal.earliest.seq
        var filter = JournalFilter(
            streams: streams, kinds: KindSet([row.row.kind]), fromNanoseconds: range.from, toNanoseconds: range.to)
        // Where no beginning was asked for, the row begins with what is left: only what is missing further on counts. Segments overlap
        // in time by as much as events come late.
        if row.from == nil { filter.fromNanoseconds = range.from.addingReportingOverflow(5_000_000_000).partialValue }
        return engine.store.holes(after: 0, through: journaled - 1, matching: filter).isEmpty
    }
}

/// One row of `/v1/quality/coverage`.
struct CoverageText {
    let row: Coverage
    let calendar: TradingCalendar
    /// What was asked for, nanoseconds.
    let from: Int64?
    let to: Int64?
    let style: TimeStyle

    /// What was asked for; where nothing was, from the first event to behind the last.
    var range: (from: Int64, to: Int64) { (from ?? row.first, to ?? end) }

    private var interval: Interval? { Interval(rawValue: row.interval) }

    /// Behind the last event: asking for the row's range gives what it counts.
    private var end: Int64 {
        if row.interval != 0, interval != nil {
            return Interval.end(ofBarOpening: row.last, seconds: row.interval)
        }
        return TimeText.cut(row.last, by: 1000) * 1000 + 1000
    }

    /// Bars that the calendar has between the first and the last one.
    private var expected: Int? {
        guard row.kind == HUB_BAR, let interval else { return nil }
        let clock = SessionClock(calendar: calendar, session: .all)
        var count = 0
        var newest: Int64?
        for date in clock.date(
            of: row.first, interval)...max(
                clock.date(of: row.first, interval), clock.date(of: row.last, interval) + (interval > .d1 ? 30 : 0))
        {
            for open in clock.opens(on: date, interval) where open >= row.first && open <= row.last && open != newest {
                count += 1
                newest = open
            }
        }
        return count
    }

    static let columns: [TableColumn] = [
        .init("symbol", .text), .init("type", .text), .init("interval", .text), .init("name", .text),
        .init("from", .time),
        .init("to", .time), .init("count", .integer), .init("expected", .integer), .init("complete", .flag),
    ]

    func write(isComplete: Bool, to text: inout TextBuffer) {
        text.beginObject()
        text.member("symbol", row.symbol)
        text.member("type", Words.kind(row.kind) ?? "unknown")
        if row.interval != 0 { text.member("interval", Interval.text(ofSeconds: row.interval)) }
        text.member("name", ifPresent: row.name)
        text.member("from", time: row.first, style: style)
        text.member("to", time: end, style: style)
        text.member("count", row.count)
        if let expected { text.member("expected", expected) }
        text.member("complete", isComplete)
        text.endObject()
    }
}
