import EventFormat
import HubModel
import HubRuntime
import HummingbirdCore
import PluginABI
import TableFormat

/// `/v1/events` and `/v1/trades/{symbol}`: events as they are in the journal, by `seq`.
extension Routes {
    private static let mostEvents = 50_000

    func addEvents(to table: inout RouteTable) {
        table.get("/v1/events") { call in try await events(call) }
        table.get("/v1/trades/:symbol") { call in try await trades(call) }
    }

    /// What the two routes read alike.
    private struct Range {
        var from: Int64?
        var to: Int64?
        var after: UInt64?
        var before: UInt64?
        var limit: Int
        var style: TimeStyle
        var shape: TableShape
        var token: PageToken?
        var binding: UInt64
        var knownAt: KnownAt?
    }

    private func range(_ reader: inout ParameterReader, _ call: Call) throws(Problem) -> Range {
        let (from, to) = reader.range()
        let after = reader.position("after")
        let before = reader.position("before")
        if let after, let before, after > before { reader.fault(.badRange, "after", "is beyond before") }
        let limit = Self.limit(&reader, most: Self.mostEvents)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let knownAt = asOf(&reader)
        let (token, binding) = pageToken(&reader, call)
        return Range(
            from: from, to: to, after: after, before: before, limit: limit, style: style, shape: shape,
            token: token, binding: binding, knownAt: knownAt)
    }

    private func events(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols")
        let selector = reader.selector("types") ?? .events
        if selector.wantsSummary { reader.fault(.badParameter, "types", "summary is no event; /v1/quotes has it") }
        let range = try range(&reader, call)
        try reader.finish()
        let selection = try SymbolSelection(names ?? ["*"], in: directories.current(), limit: 1_000_000)
        let filter = SubscriptionFilter(patterns: selection.patterns, selector: selector)
        let columns = try EventColumns.columns(of: selector, shape: range.shape)
        // A gap has no place in a table of another type.
        let reply = ListReply(call: call, shape: range.shape, columns: columns, style: range.style)
        return try await answer(reply, range, filter, includesGaps: columns.isEmpty) { meta in
            meta.notFound = selection.notFound
            meta.failed = selection.failed
        }
    }

    private func trades(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let range = try range(&reader, call)
        try reader.finish()
        let symbol = try directories.current().one(call.part("symbol"))
        var selector = EventSelector()
        selector.add(.trade)
        let filter = SubscriptionFilter(patterns: [SymbolPattern(symbol)], selector: selector)
        let columns = try EventColumns.columns(of: selector, shape: range.shape)
        let reply = ListReply(call: call, shape: range.shape, columns: columns, style: range.style)
        return try await answer(reply, range, filter, includesGaps: false) { $0.symbol = symbol.text }
    }

    private func answer(
        _ reply: ListReply, _ range: Range, _ filter: SubscriptionFilter, includesGaps: Bool,
        _ complete: @escaping @Sendable (inout ListMeta) -> Void
    ) async throws -> Response {
        // A later page shows the state of the first, with the times that were resolved then.
        let token = range.token
        let journal = engine.journal
        let past = try range.knownAt.map(known)
        let asOf = token?.asOf ?? past?.seq ?? journal.head
        guard asOf <= journal.head else {
            throw Problem(
                .badCursor, "the page token is of another journal", faults: [.init("cursor", "is not of here")])
        }
        let from = token.map(\.from) ?? range.from
        let to = token.map(\.to) ?? range.to
        let place = token?.place.first.map { UInt64(bitPattern: $0) }
        let query = EventQuery(
            engine: engine, filter: filter, includesGaps: includesGaps, from: from, to: to,
            after: place ?? range.after ?? 0, before: range.before ?? .max, asOf: asOf, limit: range.limit,
            deadline: Deadline(after: settings.requestNanoseconds))
        let isForward = token != nil || from != nil || range.after != nil
        let epoch = token?.epoch ?? journal.epoch
        return try await blocking {
            var page = EventQuery.Page()
            page.isLines = range.shape != .json
            let started = ContinuousClock.now
            try query.run(newest: !isForward, style: range.style, into: &page)
            reply.call.trace.add("store", RequestTrace.nanoseconds(since: started))
            var meta = ListMeta(epoch: epoch, seq: asOf)
            meta.count = page.count
            if isForward, let last = page.moreAfter {
                let next = PageToken(epoch: epoch, asOf: asOf, from: from, to: to, place: [Int64(bitPattern: last)])
                meta.next = next.text(binding: range.binding)
            }
            meta.isSimulated = page.isSimulated
            meta.holes = (past?.holes ?? []) + page.holes
            let start = from ?? (page.count > 0 ? page.earliest : nil)
            let end = to ?? (page.count > 0 ? page.latest + 1 : nil)
            meta.gaps = try GapFinder(engine: engine, patterns: filter.entries.map(\.pattern), style: range.style)
                .gaps(from: start, to: end, through: asOf)
            complete(&meta)
            return reply.make(rows: page.text, meta)
        }
    }
}
