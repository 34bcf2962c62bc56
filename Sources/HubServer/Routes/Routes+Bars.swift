import EventFormat
import HubFold
import HubModel
import HubRuntime
import HubStore
import HummingbirdCore
import NIOCore
import PluginABI
import TableFormat

/// `/v1/bars` and `/v1/bars/{symbol}`.
extension Routes {
    private static let mostBars = 100_000
    /// Of one answer for several instruments: a day of minutes of 600 of them.
    private static let mostRows = 250_000

    func addBars(to table: inout RouteTable) {
        table.get("/v1/bars/:symbol") { call in
            try await bars(call, names: nil)
        }
        table.get("/v1/bars") { call in
            var reader = parameters(call)
            guard let names = reader.list("symbols"), !names.isEmpty else {
                throw Problem(
                    .badParameter, "symbols: is missing: symbols and globs, such as NSE:TCS,SIM:*",
                    faults: [.init("symbols", "is missing")])
            }
            return try await bars(call, names: names)
        }
    }

    private struct Wanted: Sendable {
        var interval: Interval
        var from: Int64?
        var to: Int64?
        var limit: Int
        var showsForming: Bool
        var style: TimeStyle
        var shape: TableShape
        var token: PageToken?
        var binding: UInt64
        var fills: Bool
        /// `nil`: what the pipeline says.
        var session: BarSession?
        var knownAt: KnownAt?
    }

    private func wanted(_ call: Call, takesSymbols: Bool) throws -> Wanted {
        var reader = parameters(call)
        if takesSymbols { _ = reader.list("symbols") }
        let interval = reader.interval("interval") ?? .m1
        let (from, to) = reader.range()
        let limit = Self.limit(&reader, most: takesSymbols ? Self.mostRows : Self.mostBars)
        let showsForming = reader.flag("forming") ?? true
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let (token, binding) = pageToken(&reader, call)
        let fills = reader.choice("fill", ["none", "previous"]) == "previous"
        let session = reader.choice("session", ["all", "regular"]).flatMap(BarSession.init)
        let knownAt = asOf(&reader)
        try reader.finish()
        return Wanted(
            interval: interval, from: token.map(\.from) ?? from, to: token.map(\.to) ?? to, limit: limit,
            showsForming: showsForming, style: style, shape: shape, token: token, binding: binding, fills: fills,
            session: session, knownAt: knownAt)
    }

    private func bars(_ call: Call, names: [String]?) async throws -> Response {
        let wanted = try wanted(call, takesSymbols: names != nil)
        let past = try wanted.knownAt.map(known)
        let directory = directories.current()
        var symbols: [Symbol]
        var notFound: [String] = []
        var failed: [ListMeta.Failure] = []
        if let names {
            let selection = try SymbolSelection(names, in: directory, limit: 10_000) { canAsk(.bars, $0) }
            symbols = selection.symbols
            notFound = selection.notFound
            failed = selection.failed
        } else {
            symbols = [try known(call.part("symbol"), .bars)]
        }
        var queries: [ShapedBars] = []
        let (states, seq) = engine.withFold { fold, seq in
            (symbols.map { State($0, fold, wanted.interval, engine) }, seq)
        }
        let asOf = wanted.token?.asOf ?? past?.seq ?? seq
        guard asOf <= seq else {
            throw Problem(
                .badCursor, "the page token is of another journal", faults: [.init("cursor", "is not of here")])
        }
        let asked = try await askedBars(
            states.map { .init(symbol: $0.symbol, keeps: $0.source != nil, calendar: $0.calendar) }, wanted.interval,
            from: wanted.from, to: wanted.to, limit: wanted.limit, isPast: wanted.knownAt != nil)
        for (state, asked) in zip(states, asked) {
            if let problem = asked?.problem {
                if names == nil, state.source == nil { throw problem }
                failed.append(.init(symbol: state.symbol.text, code: problem.code, detail: problem.detail))
                if state.source == nil { continue }
            }
            guard let source = state.source ?? asked.map({ _ in wanted.interval }) else {
                if names == nil { throw notAvailable(state, wanted.interval) }
                let problem = notAvailable(state, wanted.interval)
                failed.append(.init(symbol: state.symbol.text, code: problem.code, detail: problem.detail))
                continue
            }
            // The running bar is known now; on later pages of a walk it belongs to another moment.
            let forming = wanted.showsForming && asOf == seq ? state.forming : nil
            var query = BarQuery(
                engine: engine, symbol: state.symbol, interval: wanted.interval, source: source,
                calendar: state.calendar, from: wanted.from, to: wanted.to, asOf: asOf, forming: forming,
                watermark: asOf == seq ? state.watermark : nil)
            query.showsForming = wanted.showsForming
            query.asked = asked?.rows ?? []
            queries.append(
                ShapedBars(
                    query: query, session: wanted.session ?? state.session, fills: wanted.fills,
                    smaller: state.smaller(wanted.interval, showsForming: forming != nil), now: engine.wallNanoseconds))
        }
        try await published(asOf)
        let plan = queries
        var base = ListMeta(
            epoch: wanted.token?.epoch ?? engine.journal.epoch, seq: asOf, notFound: notFound, failed: failed)
        base.holes = past?.holes ?? []
        let isSingle = names == nil
        return try await blocking { [base] in try answer(call, plan, wanted, base, isSingle: isSingle) }
    }

    /// What the fold knows of one instrument's bars.
    struct State: Sendable {
        var symbol: Symbol
        var source: Interval?
        var kept: [Interval]
        var calendar: TradingCalendar
        var forming: hub_bar?
        var watermark: Int64?
        var session: BarSession
        /// Open bars of all intervals that are kept.
        var open: [Interval: hub_bar] = [:]

        init(_ symbol: Symbol, _ fold: Fold, _ interval: Interval, _ engine: any EngineAccess) {
            self.symbol = symbol
            calendar = engine.marketCalendars.calendar(
                of: symbol.venue, base: fold.calendar(of: symbol.text)?.name)
            var kept = Set(fold.instrument(symbol.text)?.intervals.compactMap { Interval(rawValue: $0) } ?? [])
            let pipeline = engine.configuration.pipelines.first { $0.takes(symbol) }
            if let pipeline { kept.formUnion(pipeline.bars) }
            session = pipeline?.session ?? .all
            self.kept = kept.sorted()
            source = kept.contains(interval) ? interval : BarRollup.sources(of: interval).first(where: kept.contains)
            for interval in kept { open[interval] = fold.formingBar(of: symbol.text, interval: interval.rawValue) }
            forming = source.flatMap { open[$0] }
            watermark = fold.activeSource(of: symbol.text).flatMap { fold.source($0)?.watermark }
        }

        /// Bars that are kept and tell which part of a larger one belongs to the regular session.
        func smaller(_ interval: Interval, showsForming: Bool) -> ShapedBars.Smaller {
            let clock = SessionClock(calendar: calendar, session: .regular)
            func part(_ interval: Interval) -> ShapedBars.Part {
                .init(interval: interval, forming: showsForming ? open[interval] : nil)
            }
            let fine = kept.last {
                !$0.isDateBased && clock.isAligned($0) && ($0 < interval)
                    && (interval.isDateBased || interval.seconds % $0.seconds == 0)
            }
            let days = interval > .d1 ? kept.last { $0 <= .d1 } : nil
            return .init(fine: fine.map(part), days: days.map(part))
        }
    }

    func notAvailable(_ state: State, _ interval: Interval) -> Problem {
        let possible = Interval.allCases.filter { wanted in
            state.kept.contains(wanted) || BarRollup.sources(of: wanted).contains(where: state.kept.contains)
        }
        let list = possible.map(\.text).joined(separator: ", ")
        return Problem(
            .intervalNotAvailable,
            possible.isEmpty
                ? "no bars are kept of \(state.symbol)"
                : "\(interval.text) bars of \(state.symbol) are neither kept nor computable; there are \(list)",
            faults: [.init("interval", possible.isEmpty ? "no bars are kept" : "expected one of \(list)")],
            candidates: possible.map(\.text))
    }

    private func answer(
        _ call: Call, _ queries: [ShapedBars], _ wanted: Wanted, _ base: ListMeta, isSingle: Bool
    ) throws -> Response {
        let started = ContinuousClock.now
        let deadline = Deadline(after: settings.requestNanoseconds)
        try History(engine).wait(for: base.seq)
        let isForward = wanted.from != nil
        if !isForward, queries.count * wanted.limit > Self.mostRows, queries.count > 1 {
            throw Problem(
                .badParameter,
                "limit: \(queries.count) instruments with \(wanted.limit) bars each are more than \(Self.mostRows)",
                faults: [.init("limit", "expected at most \(Self.mostRows / queries.count) for so many instruments")])
        }
        var table = BarTable(
            interval: wanted.interval, style: wanted.style, shape: wanted.shape, showsSymbol: !isSingle)
        var meta = base
        var first = Int(wanted.token?.place.first ?? 0)
        var start = wanted.token.flatMap { $0.place.count > 1 ? $0.place[1] : nil }
        if first < 0 || first > queries.count { first = queries.count }
        // Plain bars of several instruments are found by one query.
        let isPlain = queries.count > 1 && queries.allSatisfy(\.isPlain)
        var found: [[BarRow]]?
        var foundFrom = 0
        walk: for index in first..<queries.count {
            try deadline.check()
            let room = wanted.limit - (isForward ? table.rows.count : 0)
            var query = start.map { queries[index].beginning(at: $0) } ?? queries[index]
            if isPlain, start == nil {
                // Behind the rows that were read at once, should some of them have turned out not to count.
                if found.map({ index - foundFrom >= $0.count }) ?? true {
                    found = try rows(queries[index...], wanted, meta.seq, limit: room + 1, total: room + 1)
                    foundFrom = index
                }
                query.query.found = found?[index - foundFrom]
            }
            start = nil
            let rows = try query.rows(limit: room, newest: !isForward)
            let shown = isForward ? min(rows.count, room) : rows.count
            if shown > 0 {
                if table.rows.isEmpty, shown == rows.count {
                    table.rows = rows
                } else {
                    table.rows.append(contentsOf: rows[..<shown])
                }
                table.groups.append(.init(symbol: query.query.symbol.text, end: table.rows.count))
            }
            if shown < rows.count {
                let token = PageToken(
                    epoch: meta.epoch, asOf: meta.seq, from: wanted.from, to: wanted.to,
                    place: [Int64(index), rows[shown].time])
                meta.next = token.text(binding: wanted.binding)
                break walk
            }
        }
        let summary = table.summary()
        meta.isSimulated = meta.isSimulated || summary.isSimulated
        meta.count = table.rows.count
        let from = wanted.from ?? (meta.count > 0 ? summary.earliest : nil)
        let to = wanted.to ?? (meta.count > 0 ? summary.latest + wanted.interval.nanoseconds : nil)
        meta.gaps = try GapFinder(
            engine: engine, patterns: queries.map { SymbolPattern($0.query.symbol) }, style: wanted.style
        ).gaps(from: from, to: to, through: meta.seq)
        let isAsked = queries.contains { !$0.query.asked.isEmpty }
        // Rows that a provider was asked for have no place in the journal.
        meta.origin = !isAsked ? "stored" : table.rows.allSatisfy { $0.origin == 0 } ? "provider" : nil
        meta.interval = wanted.interval.text
        let sessions = Set(queries.map(\.session))
        meta.session = sessions.count == 1 ? sessions.first?.rawValue : nil
        if isSingle { meta.symbol = queries.first?.query.symbol.text }
        call.trace.add("store", RequestTrace.nanoseconds(since: started))
        return reply(call, table, summary.tag, meta)
    }

    /// Rows of several instruments at once.
    ///
    /// - Parameter total: with `from`, more rows are of no use.
    private func rows(
        _ queries: ArraySlice<ShapedBars>, _ wanted: Wanted, _ asOf: UInt64, limit: Int, total: Int
    ) throws -> [[BarRow]] {
        let range = SeriesRange(
            fromNanoseconds: wanted.from, toNanoseconds: wanted.to, through: asOf, limit: limit,
            takesNewest: wanted.from == nil)
        return try History(engine).rows(
            of: queries.map(\.query.symbol), interval: wanted.interval, range,
            total: wanted.from == nil ? .max : total)
    }

    private func reply(_ call: Call, _ table: BarTable, _ tag: ContentTag, _ meta: ListMeta) -> Response {
        let list = ListReply(call: call, shape: table.shape, columns: [], style: table.style)
        var tag = tag
        let fields = list.fields(meta, &tag)
        if let unchanged = list.unchanged(fields) { return unchanged }
        var end = TextBuffer(capacity: 1024)
        end.append("]")
        end.wroteValue()
        meta.write(to: &end)
        end.endObject()
        return Response(status: .ok, headers: fields, body: table.body(end: ByteBuffer(end), call, pool: pool))
    }
}
