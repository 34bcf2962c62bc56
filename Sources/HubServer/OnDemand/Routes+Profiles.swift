import EventFormat
import HubModel
import HubRuntime
import HummingbirdCore
import TableFormat

/// `/v1/profiles/{symbol}`, `/v1/sentiment/{symbol}`, `/v1/news`: what providers tell beside prices.
extension Routes {
    private static let newsColumns: [TableColumn] = [
        .init("id", .text), .init("time", .time), .init("headline", .text), .init("summary", .text),
        .init("url", .text), .init("image", .text), .init("publisher", .text), .init("symbols", .text),
        .init("source", .text),
    ]
    /// Of one request for news.
    private static let mostSymbols = 100

    func addProfiles(to table: inout RouteTable) {
        table.get("/v1/profiles/:symbol") { call in try await single(call, .profile, ProviderObject.profile) }
        table.get("/v1/sentiment/:symbol") { call in try await single(call, .sentiment, ProviderObject.sentiment) }
        table.get("/v1/news") { call in try await news(call) }
    }

    private func single(_ call: Call, _ kind: QueryKind, _ fields: [ProviderObject.Field]) async throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        let fresh = reader.flag("fresh") ?? false
        try reader.finish()
        let symbol = try known(call.part("symbol"), kind).text
        guard let desk = engine.queries else {
            throw Problem(QueryFailure(.unsupported, ""), subject: symbol)
        }
        let served: ServedAnswer
        do {
            served = try await desk.ask(Query(kind, symbols: [symbol]), fresh: fresh)
        } catch {
            throw Problem(error, subject: symbol)
        }
        guard let tree = try? SettingsTree(json: served.answer.json), tree.mapValue != nil else {
            throw Problem(
                .providerFailed, "\(served.answer.provider) answered about \(symbol) with something that is no object")
        }
        var text = TextBuffer(capacity: 1024)
        text.beginObject()
        text.member("symbol", symbol)
        if kind == .profile, tree["name"]?.textValue == nil { text.member("name", symbol) }
        ProviderObject.write(fields, of: tree, style, to: &text)
        let fetched = served.answer.fetchedNanoseconds
        if kind == .sentiment, tree["time"]?.integerValue == nil { text.member("time", time: fetched, style: style) }
        text.member("source", served.answer.provider)
        text.member("origin", "provider")
        text.member("fetched", time: fetched, style: style)
        text.member("age_ms", max(0, (engine.wallNanoseconds - fetched) / 1_000_000))
        text.endObject()
        return Reply.json(text)
    }

    private struct Story {
        var id: String
        var source: String
        var time: Int64
        var tree: SettingsTree
    }

    private func news(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols") ?? []
        let (from, to) = reader.range()
        let limit = Self.limit(&reader, most: 10_000)
        let fresh = reader.flag("fresh") ?? false
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let reply = ListReply(call: call, shape: shape, columns: Self.newsColumns, style: style)
        try reader.finish()
        let selection = try SymbolSelection(names, in: directories.current(), limit: Self.mostSymbols) {
            canAsk(.news, $0)
        }
        var meta = listMeta()
        meta.notFound = selection.notFound
        meta.failed = selection.failed
        guard let desk = engine.queries else { throw Problem(QueryFailure(.unsupported, ""), subject: "news") }
        let subjects: [String?] = names.isEmpty ? [nil] : selection.symbols.map(\.text)
        var stories: [Story] = []
        for (subject, outcome) in await outcomes(subjects, from: from, to: to, desk, fresh: fresh) {
            switch outcome {
            case .success(let served): stories += Self.stories(served.answer)
            case .failure(let failure):
                let problem = Problem(failure, subject: subject ?? "news")
                // A single thing that cannot be had is an error; of several the others are answered.
                if subjects.count == 1 { throw problem }
                meta.failed.append(.init(symbol: subject ?? "", code: problem.code, detail: problem.detail))
            }
        }
        var seen = Set<String>()
        stories = stories.filter { story in
            seen.insert("\(story.source) \(story.id)").inserted && (from.map { story.time >= $0 } ?? true)
                && (to.map { story.time < $0 } ?? true)
        }
        stories.sort { ($1.time, $0.source, $0.id) < ($0.time, $1.source, $1.id) }
        var text = TextBuffer(capacity: 4096)
        for story in stories.prefix(limit) {
            text.beginObject()
            ProviderObject.write(ProviderObject.news, of: story.tree, style, to: &text)
            text.member("source", story.source)
            text.endObject()
            if shape != .json {
                text.append(byte: 10)
                text.truncate(to: text.count)
            }
        }
        meta.count = min(limit, stories.count)
        meta.origin = "provider"
        return reply.make(rows: text, meta)
    }

    private func outcomes(
        _ subjects: [String?], from: Int64?, to: Int64?, _ desk: QueryDesk, fresh: Bool
    ) async -> [(String?, Result<ServedAnswer, QueryFailure>)] {
        // Whole minutes, so that those who ask with "an hour back" share an answer.
        let minute: Int64 = 60_000_000_000
        return await withTaskGroup(of: (Int, Result<ServedAnswer, QueryFailure>).self) { tasks in
            for (place, subject) in subjects.enumerated() {
                let query = Query(
                    .news, symbols: subject.map { [$0] } ?? [], from: (from ?? 0) / minute * minute,
                    to: ((to ?? 0) + minute - 1) / minute * minute)
                tasks.addTask { (place, await Self.outcome(query, desk, fresh: fresh)) }
            }
            var found: [(String?, Result<ServedAnswer, QueryFailure>)?] = Array(repeating: nil, count: subjects.count)
            for await (place, outcome) in tasks { found[place] = (subjects[place], outcome) }
            return found.compactMap { $0 }
        }
    }

    /// Apart from the task that calls it: with the typed error caught within the task, the optimised build crashed now and
    /// then on the place that the task gave back. Why is not established.
    @inline(never)
    private static func outcome(
        _ query: Query, _ desk: QueryDesk, fresh: Bool
    ) async -> Result<ServedAnswer, QueryFailure> {
        do {
            return .success(try await desk.ask(query, fresh: fresh))
        } catch {
            return .failure(error)
        }
    }

    private static func stories(_ answer: QueryAnswer) -> [Story] {
        guard let list = (try? SettingsTree(json: answer.json))?.listValue else { return [] }
        return list.compactMap { tree in
            guard let headline = tree["headline"]?.textValue, !headline.isEmpty,
                let time = tree["time"]?.integerValue
            else { return nil }
            let id = tree["id"]?.textValue ?? tree["id"]?.integerValue.map { String($0) } ?? headline
            return Story(id: id, source: answer.provider, time: time &* 1000, tree: tree)
        }
    }
}
