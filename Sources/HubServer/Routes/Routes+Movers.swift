import EventFormat
import HubFold
import HubModel
import HummingbirdCore
import TableFormat

/// `/v1/movers`: what rose, fell and was traded most today, out of the last values.
extension Routes {
    private static let mostMovers = 10_000

    func addMovers(to table: inout RouteTable) {
        table.get("/v1/movers") { call in try await movers(call) }
    }

    private func movers(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let by = reader.choice("by", Ranking.allCases.map(\.rawValue)).flatMap(Ranking.init) ?? .gainers
        let venue = reader.text("venue")
        let limit = Self.limit(&reader, most: Self.mostMovers)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let reply = ListReply(
            call: call, shape: shape, columns: EventColumns.quote + [.init("rank", .integer)], style: style)
        let (token, binding) = pageToken(&reader, call)
        try reader.finish()
        if let token { return try page(reply, after: token, binding: binding, limit: limit) }
        // All in one visit, so that the ranks are of one moment.
        let (found, asOf) = engine.withFold { fold, seq in
            let found = fold.symbols.indices.compactMap { index -> (value: LastValue, isDelivering: Bool)? in
                guard venue == nil || fold.symbols[index].hasPrefix("\(venue ?? ""):") else { return nil }
                let value = fold.lastValue(at: index)
                return value.newest == nil ? nil : (value, SourceHealth.isDelivering(value.source, fold))
            }
            return (found, seq)
        }
        let calendars = engine.marketCalendars
        let ranked = by.ranked(found.map(\.value))
        let now = engine.wallNanoseconds
        var walk = WalkCache.Walk(text: [], ends: [], notFound: [], failed: [], isSimulated: false)
        var text = TextBuffer(capacity: 4096)
        for place in ranked {
            let (value, isDelivering) = found[place]
            let isWritten = QuoteText.write(
                value, phase: phases.phase(of: value, calendars, at: now), isDelivering: isDelivering, now: now,
                style: style, rank: walk.ends.count + 1, to: &text)
            guard isWritten else { continue }
            walk.ends.append(text.count)
            walk.isSimulated = walk.isSimulated || value.isSimulated
            text.truncate(to: text.count)
        }
        try await published(asOf)
        walk.text = text.array
        if walk.ends.count > limit { walks.keep(walk, binding: binding, asOf: asOf, now: now) }
        return rows(
            reply, of: walk, from: 0, limit: limit, asOf: asOf, epoch: engine.journal.epoch, binding: binding,
            origin: "live")
    }
}

/// What a list of movers goes by.
enum Ranking: String, CaseIterable {
    /// Those that rose, most percent first.
    case gainers
    /// Those that fell, most percent first.
    case losers
    /// Those with volume, most first.
    case active

    /// Places of the values that belong into the list, in its order; equal ones by symbol.
    func ranked(_ values: [LastValue]) -> [Int] {
        var keyed: [(key: Double, place: Int)] = []
        for (place, value) in values.enumerated() {
            guard let figures = QuoteFigures(value) else { continue }
            switch self {
            case .gainers: if let change = figures.changePercent, change > 0 { keyed.append((-change, place)) }
            case .losers: if let change = figures.changePercent, change < 0 { keyed.append((change, place)) }
            case .active: if let volume = figures.volume, volume > 0 { keyed.append((-volume, place)) }
            }
        }
        return keyed.sorted { ($0.key, values[$0.place].symbol) < ($1.key, values[$1.place].symbol) }.map(\.place)
    }
}
