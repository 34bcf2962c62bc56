import EventFormat
import HTTPTypes
import HubModel
import HubRuntime
import HummingbirdCore
import NIOCore

/// `/v1/backfills`: history is fetched from a provider and journaled.
extension Routes {
    func addBackfills(to table: inout RouteTable) {
        table.post("/v1/backfills") { call in try await postBackfill(call) }
        table.get("/v1/backfills") { call in try backfills(call) }
        table.get("/v1/backfills/:id") { call in try backfill(call) }
    }

    private static let mostSymbolsOfBackfill = 1000

    private func desk() throws(Problem) -> BackfillDesk {
        guard let desk = engine.backfills else {
            throw Problem(.unsupported, "this hub fetches no history: its clock is virtual")
        }
        return desk
    }

    private func backfill(_ call: Call) throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        try reader.finish()
        let id = try call.part("id")
        guard let job = try desk().job(id) else {
            throw Problem(.notFound, "there is no backfill '\(id)'", candidates: try desk().jobs.suffix(5).map(\.id))
        }
        var text = TextBuffer(capacity: 512)
        write(job, style, to: &text)
        return Reply.json(text)
    }

    private func backfills(_ call: Call) throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        try reader.finish()
        let jobs = try desk().jobs
        var text = TextBuffer(capacity: 4096)
        text.beginObject()
        text.key("data")
        text.beginArray()
        for job in jobs.reversed() { write(job, style, to: &text) }
        text.endArray()
        var meta = listMeta()
        meta.count = jobs.count
        meta.write(to: &text)
        text.endObject()
        return Reply.json(text)
    }

    private func postBackfill(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let style = reader.timeStyle()
        try reader.finish()
        let body: ByteBuffer
        do {
            body = try await call.request.body.collect(upTo: settings.bodyBytes)
        } catch is NIOTooManyBytesError {
            throw Problem(.requestTooLarge, "the body is larger than \(settings.bodyBytes) bytes")
        }
        let wish = try wish(body)
        let job = try desk().submit(
            symbols: wish.symbols, interval: wish.interval, from: wish.from, to: wish.to, provider: wish.provider)
        guard let job else { throw Problem(.overloaded, "too many backfills wait already; wait for some to end") }
        var text = TextBuffer(capacity: 512)
        write(job, style, to: &text)
        var response = Reply.json(text, status: .accepted)
        response.headers[.location] = "/v1/backfills/\(job.id)"
        return response
    }

    private struct Wish {
        var symbols: [String] = []
        var interval = Interval.m1
        var from: Int64 = 0
        var to: Int64 = 0
        var provider: String?
    }

    /// Reads a request; everything that is wrong with it is told at once.
    private func wish(_ body: ByteBuffer) throws(Problem) -> Wish {
        let tree: SettingsTree
        do {
            tree = try SettingsTree(json: body.readableBytesView)
        } catch {
            throw Problem(.badParameter, "the body is \(error)")
        }
        guard let entries = tree.mapValue else {
            throw Problem(
                .badParameter, "expected an object with symbols, interval and from, found \(tree.kindInWords)")
        }
        var wish = Wish()
        var faults: [(ProblemCode, Problem.Fault)] = []
        func fault(_ code: ProblemCode, _ name: String, _ message: String) {
            faults.append((code, .init(name, message)))
        }
        let known = ["symbols", "interval", "from", "to", "provider"]
        for (key, _) in entries where !known.contains(key) {
            fault(.badParameter, key, "unknown; the members are \(known.joined(separator: ", "))")
        }
        let names = tree["symbols"]?.listValue?.compactMap(\.textValue) ?? tree["symbols"]?.textValue.map { [$0] } ?? []
        if names.isEmpty { fault(.badParameter, "symbols", "is missing: a list of symbols such as [\"NSE:TCS\"]") }
        if names.count > Self.mostSymbolsOfBackfill {
            fault(.tooManySymbols, "symbols", "expected at most \(Self.mostSymbolsOfBackfill), found \(names.count)")
        }
        for name in names {
            do throws(Problem) {
                wish.symbols.append(try self.known(name, .bars).text)
            } catch {
                fault(error.code, "symbols", error.detail)
            }
        }
        if let text = tree["interval"]?.textValue {
            if let interval = Interval(text) {
                wish.interval = interval
            } else {
                fault(
                    .badInterval, "interval", "expected one of \(Interval.allCases.map(\.text).joined(separator: " "))")
            }
        }
        let now = engine.wallNanoseconds
        func time(_ name: String) -> Int64? {
            guard let value = tree[name] else { return nil }
            guard let text = value.textValue ?? value.integerValue.map({ String($0) }) else {
                fault(.badTime, name, "expected a time, found \(value.kindInWords)")
                return nil
            }
            do {
                return try TimeParameter.parse(text, now: now)
            } catch {
                fault(.badTime, name, error.description)
                return nil
            }
        }
        wish.to = min(now, time("to") ?? now)
        if tree["from"] == nil { fault(.badParameter, "from", "is missing: a time such as \"-30d\"") }
        wish.from = time("from") ?? wish.to
        if wish.from > wish.to { fault(.badRange, "from", "is after to") }
        if let name = tree["provider"]?.textValue {
            wish.provider = name
            if engine.configuration.provider(name) == nil {
                let names = engine.configuration.providers.map(\.name).joined(separator: ", ")
                fault(.badParameter, "provider", "expected one of \(names), found '\(name)'")
            }
        }
        if faults.isEmpty {
            for symbol in wish.symbols {
                let able = engine.queries?.providers(.bars, symbol: symbol) ?? []
                if able.isEmpty || wish.provider.map({ !able.contains($0) }) ?? false {
                    throw Problem(
                        .unsupported,
                        "\(wish.provider ?? "no provider here") does not offer history of \(symbol)", candidates: able)
                }
            }
        }
        guard let first = faults.first else { return wish }
        throw Problem(first.0, "\(first.1.parameter): \(first.1.message)", faults: faults.map(\.1))
    }

    private func write(_ job: BackfillJob, _ style: TimeStyle, to text: inout TextBuffer) {
        text.beginObject()
        text.member("id", job.id)
        text.member("state", job.state.rawValue)
        text.member("symbols", job.symbols)
        text.member("interval", job.interval.text)
        text.member("from", time: job.from, style: style)
        text.member("to", time: job.to, style: style)
        let first = job.symbols.first.flatMap { engine.queries?.providers(.bars, symbol: $0).first }
        text.member("provider", job.provider ?? first ?? "")
        text.member("rows", job.rows)
        text.member("done", job.done)
        text.member("total", job.total)
        text.member("error", ifPresent: job.error)
        text.member("created", time: job.createdNanoseconds, style: style)
        if let finished = job.finishedNanoseconds { text.member("finished", time: finished, style: style) }
        text.endObject()
    }
}
