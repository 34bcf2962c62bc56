import EventFormat
import HubFold
import HubModel
import HubRuntime
import HummingbirdCore
import PluginABI
import TableFormat

/// `/v1/quotes` and `/v1/quotes/{symbol}`: the latest state.
extension Routes {
    private static let mostQuotes = 10_000

    func addQuotes(to table: inout RouteTable) {
        table.get("/v1/quotes/:symbol") { call in try await quote(call) }
        table.get("/v1/quotes") { call in try await quotes(call) }
    }

    private func quote(_ call: Call) async throws -> Response {
        var style = TimeStyle.microseconds
        var fresh = false
        if call.request.uri.string.utf8.contains(UInt8(ascii: "?")) {
            var reader = parameters(call)
            style = reader.timeStyle()
            fresh = reader.flag("fresh") ?? false
            try reader.finish()
        }
        let symbol = try known(call.part("symbol"), .quotes).text
        let found = engine.withFold { fold, _ in value(symbol, fold) }
        if fresh || !isStreamed(found?.value, symbol), let desk = engine.queries, desk.canAsk(.quotes, symbol: symbol) {
            return try await Reply.json(asked(symbol, desk, fresh: fresh, style))
        }
        guard let found, let newest = found.value.newest else { throw noData(symbol) }
        if engine.journal.head < newest.seq { try await published(newest.seq) }
        var text = TextBuffer(capacity: 1024)
        guard write(found, style, to: &text) else { throw noData(symbol) }
        return Reply.json(text)
    }

    private func noData(_ symbol: String) -> Problem {
        Problem(.noData, "\(symbol) is known, and there is no price of it yet")
    }

    private typealias Found = (value: LastValue, isDelivering: Bool)

    private func value(_ symbol: String, _ fold: Fold) -> Found? {
        guard let value = fold.lastValue(of: symbol) else { return nil }
        return (value, SourceHealth.isDelivering(value.source, fold))
    }

    private func write(_ found: Found, _ style: TimeStyle, to text: inout TextBuffer) -> Bool {
        let now = engine.wallNanoseconds
        return QuoteText.write(
            found.value, phase: phases.phase(of: found.value, engine.marketCalendars, at: now),
            isDelivering: found.isDelivering,
            now: now, style: style, to: &text)
    }

    private func quotes(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols")
        let fresh = reader.flag("fresh") ?? false
        let limit = Self.limit(&reader, most: Self.mostQuotes)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let reply = ListReply(call: call, shape: shape, columns: EventColumns.quote, style: style)
        let (token, binding) = pageToken(&reader, call)
        if names == nil {
            reader.fault(.badParameter, "symbols", "is missing: symbols and globs, such as NSE:TCS,SIM:*")
        }
        try reader.finish()
        if let token { return try page(reply, after: token, binding: binding, limit: limit) }

        let selection = try SymbolSelection(names ?? [], in: directories.current(), limit: Self.mostQuotes) {
            canAsk(.quotes, $0)
        }
        var walk = WalkCache.Walk(
            text: [], ends: [], notFound: selection.notFound, failed: selection.failed, isSimulated: false)
        var text = TextBuffer(capacity: 4096)
        // All in one go, so that the answer is of one moment.
        let (found, asOf) = engine.withFold { fold, seq in (selection.symbols.map { value($0.text, fold) }, seq) }
        // Instruments that were named and that nobody streams are asked for, together.
        let wanted = zip(selection.symbols, found).compactMap { symbol, found -> String? in
            guard selection.named.contains(symbol.text), fresh || !isStreamed(found?.value, symbol.text) else {
                return nil
            }
            return canAsk(.quotes, symbol.text) ? symbol.text : nil
        }
        let answers = try await asked(wanted, fresh: fresh)
        if !wanted.isEmpty {
            walk.origin =
                wanted.count == zip(selection.symbols, found).filter { answers[$0.text] != nil || $1 != nil }.count
                ? "provider" : nil
        }
        for (symbol, found) in zip(selection.symbols, found) {
            if let answer = answers[symbol.text] {
                switch answer {
                case .failure(let problem) where problem.code == .unknownSymbol: walk.notFound.append(symbol.text)
                case .failure(let problem):
                    walk.failed.append(.init(symbol: symbol.text, code: problem.code, detail: problem.detail))
                case .success(let answer):
                    guard write(answer, style, to: &text) else { continue }
                    walk.ends.append(text.count)
                    walk.isSimulated = walk.isSimulated || answer.value.isSimulated
                    text.truncate(to: text.count)
                }
            } else if let found, write(found, style, to: &text) {
                walk.ends.append(text.count)
                walk.isSimulated = walk.isSimulated || found.value.isSimulated
                // Rows are put together later, with commas between them.
                text.truncate(to: text.count)
            } else if selection.named.contains(symbol.text) {
                walk.failed.append(.init(symbol: symbol.text, code: .noData, detail: "there is no price of it yet"))
            }
        }
        try await published(asOf)
        walk.text = text.array
        if walk.ends.count > limit { walks.keep(walk, binding: binding, asOf: asOf, now: engine.wallNanoseconds) }
        return rows(
            reply, of: walk, from: 0, limit: limit, asOf: asOf, epoch: engine.journal.epoch, binding: binding,
            origin: walk.origin)
    }

    /// A later page of a walk whose rows were kept.
    func page(
        _ reply: ListReply, after token: PageToken, binding: UInt64, limit: Int, origin: String? = "live"
    ) throws -> Response {
        guard let first = token.place.first, let walk = walks.find(binding: binding, asOf: token.asOf),
            first >= 0, first <= walk.ends.count
        else {
            throw Problem(
                .badCursor, "the list that this page is of is not kept any more; begin again without cursor",
                faults: [.init("cursor", "is too old")])
        }
        return rows(
            reply, of: walk, from: Int(first), limit: limit, asOf: token.asOf, epoch: token.epoch, binding: binding,
            origin: origin == nil ? nil : walk.origin)
    }

    /// Rows of a walk as a list.
    func rows(
        _ reply: ListReply, of walk: WalkCache.Walk, from first: Int, limit: Int, asOf: UInt64, epoch: String,
        binding: UInt64,
        origin: String?
    ) -> Response {
        let end = min(walk.ends.count, first + limit)
        var text = TextBuffer(capacity: 4096)
        walk.text.withUnsafeBytes { bytes in
            for row in first..<end {
                let start = row == 0 ? 0 : walk.ends[row - 1]
                let object = UnsafeRawBufferPointer(rebasing: bytes[start..<walk.ends[row]])
                if reply.shape == .json {
                    text.element(raw: object)
                } else {
                    text.append(object)
                    text.append(byte: 10)
                }
            }
        }
        var meta = ListMeta(epoch: epoch, seq: asOf)
        meta.count = end - first
        if end < walk.ends.count {
            meta.next = PageToken(epoch: epoch, asOf: asOf, place: [Int64(end)]).text(binding: binding)
        }
        meta.notFound = walk.notFound
        meta.failed = walk.failed
        meta.isSimulated = walk.isSimulated
        meta.origin = origin
        return reply.make(rows: text, meta)
    }
}
