import Foundation
import HubModel
import Testing

@Suite("HTTP: routes")
struct HTTPRoutesTests {
    @Test("health is told, and unreadiness with its reasons")
    func health() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            #expect(try server.get("/healthz").text == "{\"status\":\"ok\"}")
            #expect(try server.get("/readyz").status == 200)
            engine.reasons = [.init(component: "journal", state: "disk_full", reason: "5 MiB are free")]
            let answer = try server.get("/readyz")
            #expect(answer.status == 503)
            #expect(
                answer.text
                    == "{\"status\":\"not_ready\",\"reasons\":[{\"component\":\"journal\",\"state\":\"disk_full\",\"reason\":\"5 MiB are free\"}]}"
            )
        }
    }

    @Test("a symbol is found percent-encoded, with blanks, and by its bare name")
    func symbols() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("NSE:NIFTY 50", currency: "INR")
        engine.trade(stream, price: 24010.5, size: 2, time: 1_700_000_000_000_000_000)
        engine.trade(engine.stream("BSE:TCS"), price: 1, time: 1_700_000_000_000_000_000)
        engine.trade(engine.stream("NSE:TCS"), price: 2, time: 1_700_000_000_000_000_000)
        try await withServer(engine) { server in
            let quote = try server.get("/v1/quotes/NSE%3ANIFTY%2050")
            #expect(quote.status == 200)
            #expect(quote.json["last"] == .number(24010.5))
            #expect(quote.json["symbol"] == .text("NSE:NIFTY 50"))
            #expect(try server.get("/v1/quotes/NIFTY%2050").json["seq"] == quote.json["seq"])
            let ambiguous = try server.get("/v1/quotes/TCS")
            #expect(ambiguous.status == 400)
            #expect(ambiguous.json["code"] == .text("ambiguous_symbol"))
            #expect(ambiguous.json["candidates"] == .list([.text("BSE:TCS"), .text("NSE:TCS")]))
            let unknown = try server.get("/v1/quotes/NSE:TCX")
            #expect(unknown.status == 404)
            #expect(unknown.json["code"] == .text("unknown_symbol"))
            #expect(unknown.json["candidates"] == .list([.text("NSE:TCS")]))
            #expect(try server.get("/v1/quotes/nse:tcs").json["code"] == .text("bad_symbol"))
            #expect(try server.get("/v1/quotes/NSE%3ATC%ZZ").json["code"] == .text("bad_parameter"))
            #expect(try server.get("/v1/quotes/NSE:*").json["code"] == .text("bad_symbol"))
        }
    }

    @Test("an instrument without a price has no data, and is known")
    func noData() async throws {
        let engine = try FakeEngine()
        _ = engine.stream("NSE:TCS")
        try await withServer(engine) { server in
            let answer = try server.get("/v1/quotes/NSE:TCS")
            #expect(answer.status == 404)
            #expect(answer.json["code"] == .text("no_data"))
            let list = try server.get("/v1/quotes?symbols=NSE:TCS,NSE:NOBODY")
            #expect(list.status == 200)
            #expect(list.json["data"] == .list([]))
            #expect(list.json["meta"]?["not_found"] == .list([.text("NSE:NOBODY")]))
            #expect(list.json["meta"]?["failed"]?.listValue?.first?["code"] == .text("no_data"))
        }
    }

    @Test("everything wrong with the parameters is told at once, and what was probably meant")
    func parameters() async throws {
        let engine = try FakeEngine()
        engine.trade(engine.stream("NSE:TCS"), price: 2, time: 1_700_000_000_000_000_000)
        try await withServer(engine) { server in
            let answer = try server.get("/v1/bars/NSE:TCS?interval=2m&from=1700000000&limt=3")
            #expect(answer.status == 400)
            #expect(answer.headers["content-type"] == "application/problem+json")
            #expect(answer.json["code"] == .text("bad_interval"))
            let faults = answer.json["errors"]?.listValue ?? []
            #expect(faults.compactMap { $0["parameter"]?.textValue } == ["interval", "from", "limt"])
            #expect(faults.last?["message"]?.textValue?.contains("did you mean limit?") == true)
            let range = try server.get("/v1/events?from=2024-01-02&to=2024-01-01")
            #expect(range.json["code"] == .text("bad_range"))
            #expect(try server.get("/v1/events?limit=50001").json["code"] == .text("bad_parameter"))
            #expect(try server.get("/v1/events?cursor=abc").json["code"] == .text("bad_cursor"))
            #expect(try server.get("/v1/events?ts=us&ts=ms").json["code"] == .text("bad_parameter"))
            #expect(try server.get("/v1/bars/NSE:TCS?fill=next").json["code"] == .text("bad_parameter"))
        }
    }

    @Test("unknown routes, other methods and HEAD are answered as HTTP has it")
    func methods() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let unknown = try server.get("/v1/statuz")
            #expect(unknown.status == 404)
            #expect(unknown.json["code"] == .text("unknown_route"))
            #expect(unknown.json["candidates"] == .list([.text("/v1/status")]))
            let post = try server.request("/v1/quotes/NSE:TCS", method: "POST")
            #expect(post.status == 405)
            #expect(post.headers["allow"] == "GET, HEAD")
            #expect(try server.request("/nowhere", method: "DELETE").status == 404)
            let head = try server.request("/healthz", method: "HEAD")
            #expect(head.status == 200)
            #expect(head.headers["content-length"] == "15")
            #expect(try server.request("/nowhere", method: "HEAD").status == 404)
        }
    }

    @Test("every answer names its request, and takes the client's name for it")
    func requestNames() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let named = try server.request("/v1/nowhere", headers: ["X-Request-Id": "mine-1"])
            #expect(named.headers["x-request-id"] == "mine-1")
            #expect(named.json["request_id"] == .text("mine-1"))
            let hostile = try server.request("/healthz", headers: ["X-Request-Id": "<script>"])
            #expect(hostile.headers["x-request-id"]?.hasPrefix("r-") == true)
        }
    }

    @Test("every code of an error has its row in /v1/errors")
    func errors() async throws {
        let engine = try FakeEngine()
        try await withServer(engine) { server in
            let rows = try server.get("/v1/errors").json["data"]?.listValue ?? []
            #expect(rows.count == 43)
            #expect(rows.first?["code"] == .text("bad_parameter"))
            #expect(rows.first { $0["code"] == .text("slow_client") }?["status"] == .null)
        }
    }

    @Test("indicators, status and metrics are served")
    func others() async throws {
        let engine = try FakeEngine()
        engine.trade(engine.stream("NSE:TCS"), price: 2, time: 1_700_000_000_000_000_000)
        try await withServer(engine) { server in
            let indicators = try server.get("/v1/indicators").json
            #expect(indicators["meta"]?["count"] == .integer(2))
            #expect(indicators["data"]?.listValue?.last?["name"] == .text("rsi"))
            let status = try server.get("/v1/status").json
            #expect(status["hub"]?["head"] == .integer(Int64(engine.journal.head)))
            #expect(status["providers"]?.listValue?.first?["state"] == .text("ok"))
            let metrics = try server.get("/metrics")
            #expect(metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            for line in metrics.text.split(separator: "\n") where !line.hasPrefix("#") {
                #expect(line.split(separator: " ").count >= 2, "\(line)")
            }
            #expect(metrics.text.contains("# TYPE hub_journal_head gauge\nhub_journal_head \(engine.journal.head)\n"))
            #expect(metrics.text.contains("hub_http_requests_total{route=\"/v1/status\",status=\"2xx\"} 1"))
        }
    }

    @Test("a page walk shows the state of its first page")
    func pages() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("NSE:TCS")
        for number in 0..<25 {
            engine.trade(stream, price: Double(number), time: 1_700_000_000_000_000_000 + Int64(number) * 1_000_000)
        }
        try await withServer(engine) { server in
            let whole = try server.get("/v1/trades/NSE:TCS?limit=100").text
            var rows: [String] = []
            var cursor = ""
            var asOf = Set<String>()
            repeat {
                let answer = try server.get("/v1/trades/NSE:TCS?from=2000-01-01&limit=10\(cursor)")
                rows += TestStream.objects(Array("[\(answer.text.dropFirst(9))".utf8)).filter {
                    $0.hasPrefix("{\"type\"")
                }
                asOf.insert(answer.text.word("as_of") ?? "")
                cursor = answer.text.word("next").map { "&cursor=\($0)" } ?? ""
                engine.trade(stream, price: 99, time: 1_700_000_100_000_000_000)
            } while !cursor.isEmpty
            #expect(rows.count == 25)
            #expect(asOf.count == 1)
            #expect(whole.contains(rows.joined(separator: ",")))
            // A token is good for its own walk alone.
            let first = try server.get("/v1/trades/NSE:TCS?from=2000-01-01&limit=10")
            let token = first.text.word("next") ?? ""
            #expect(
                try server.get("/v1/trades/NSE:TCS?from=2001-01-01&cursor=\(token)").json["code"] == .text("bad_cursor")
            )
            #expect(try server.get("/v1/events?from=2000-01-01&cursor=\(token)").json["code"] == .text("bad_cursor"))
        }
    }

    @Test("a list of quotes is walked in pages of one state")
    func quotePages() async throws {
        let engine = try FakeEngine()
        for number in 0..<7 {
            engine.trade(engine.stream("SIM:S\(number)"), price: 100, time: 1_700_000_000_000_000_000)
        }
        try await withServer(engine) { server in
            let first = try server.get("/v1/quotes?symbols=SIM:*&limit=4")
            #expect(first.json["meta"]?["count"] == .integer(4))
            engine.trade(engine.stream("SIM:S6"), price: 200, time: 1_700_000_001_000_000_000)
            let token = first.text.word("next") ?? ""
            let second = try server.get("/v1/quotes?symbols=SIM:*&limit=4&cursor=\(token)")
            #expect(second.json["meta"]?["count"] == .integer(3))
            #expect(second.json["meta"]?["as_of"] == first.json["meta"]?["as_of"])
            #expect(second.json["data"]?.listValue?.last?["last"] == .integer(100))
            #expect(second.json["meta"]?["next"] == nil)
        }
    }

    @Test("bars of an interval that is not kept are put together exactly from one that is")
    func rollUp() async throws {
        let kept = try FakeEngine(
            pipelines: "pipelines:\n  main: { from: [fake], instruments: [\"*:*\"], bars: [1m, 15m, 1h, 1d] }\n")
        let rolled = try FakeEngine(
            pipelines: "pipelines:\n  main: { from: [fake], instruments: [\"*:*\"], bars: [1m] }\n")
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        print("seed \(seed)")
        var state = seed
        for engine in [kept, rolled] {
            state = seed
            let stream = engine.stream("NSE:TCS")
            var time: Int64 = 1_700_000_000_000_000_000
            for _ in 0..<2000 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                time += Int64(state >> 33) % 120_000_000_000
                let price = 1000 + Double(state >> 40 & 1023) / 100
                engine.trade(stream, price: price, size: Double(state >> 50 & 127) + 0.25, time: time, publish: false)
            }
            engine.publish()
        }
        try await withServer(kept) { server in
            try self.compare(server, rolled)
        }
    }

    private func compare(_ server: ServerAddress, _ other: FakeEngine) throws {
        var texts: [String: String] = [:]
        for interval in ["15m", "1h", "1d"] {
            texts[interval] = try rows(server.get("/v1/bars/NSE:TCS?interval=\(interval)&limit=5000"))
            let paged = try server.get("/v1/bars/NSE:TCS?interval=\(interval)&from=2000-01-01&limit=5000")
            #expect(rows(paged) == texts[interval])
        }
        let done = DispatchSemaphore(value: 0)
        let expected = texts
        Task {
            defer { done.signal() }
            try await withServer(other) { server in
                for (interval, text) in expected {
                    let answer = try server.get("/v1/bars/NSE:TCS?interval=\(interval)&limit=5000")
                    #expect(answer.status == 200, "\(answer.text)")
                    #expect(self.rows(answer) == text, "\(interval)")
                    let newest = try server.get("/v1/bars/NSE:TCS?interval=\(interval)&limit=3")
                    #expect(text.hasSuffix(self.rows(newest).dropFirst()), "\(interval)")
                }
                let seconds = try server.get("/v1/bars/NSE:TCS?interval=1s")
                #expect(seconds.json["code"] == .text("interval_not_available"))
            }
        }
        done.wait()
    }

    /// The rows as they are written, without `meta`.
    private func rows(_ answer: TestResponse) -> String {
        guard let end = answer.text.firstRange(of: "],\"meta\"") else { return answer.text }
        return String(answer.text[..<end.lowerBound].dropFirst("{\"data\":[".count))
    }

    @Test("gaps that touch the range stand in meta, others do not")
    func gaps() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("NSE:TCS")
        let start: Int64 = 1_700_000_000_000_000_000
        engine.trade(stream, price: 1, time: start)
        engine.gap(symbols: ["NSE:*"], from: start, to: start + 5_000_000_000)
        engine.gap(symbols: ["BSE:*"], from: start, to: start + 5_000_000_000)
        engine.trade(stream, price: 2, time: start + 60_000_000_000)
        try await withServer(engine) { server in
            let touched = try server.get("/v1/bars/NSE:TCS?interval=1s").json
            #expect(touched["meta"]?["gaps"]?.listValue?.count == 1)
            #expect(touched["meta"]?["gaps"]?.listValue?.first?["reason"] == .text("source_down"))
            let later = try server.get("/v1/bars/NSE:TCS?interval=1s&from=2023-11-14T22:14:00Z").json
            #expect(later["meta"]?["gaps"]?.listValue?.count == 0)
            // The gap is an event too, told whatever the types are.
            let events = try server.get("/v1/events?symbols=NSE:TCS&types=trade").json["data"]?.listValue ?? []
            #expect(events.compactMap { $0["type"]?.textValue } == ["trade", "gap", "trade"])
        }
    }
}
