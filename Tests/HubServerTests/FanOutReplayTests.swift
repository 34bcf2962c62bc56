import Foundation
import HubModel
import PluginABI
import Testing

@Suite("Fan-out: replays, conflation and views")
struct FanOutReplayTests {
    private let start: Int64 = 1_700_000_000_000_000_000

    private func isEvent(_ object: String) -> Bool {
        object.firstRange(of: "\"seq\":") != nil && object.firstRange(of: "\"received\":") != nil
    }

    /// Events of the journal as `/v1/events` writes them, at most 50,000.
    private func journal(_ server: ServerAddress, _ parameters: String) throws -> [String] {
        let answer = try server.get("/v1/events?\(parameters)&limit=50000")
        #expect(answer.status == 200, "\(answer.text.prefix(300))")
        let end = try #require(answer.text.firstRange(of: "],\"meta\""))
        return TestStream.objects(Array("\(answer.text[..<end.lowerBound].dropFirst("{\"data\":".count))]".utf8))
    }

    /// Events up to `end`, in place of which no `live` comes.
    private func replay(_ server: ServerAddress, _ parameters: String) throws -> (events: [String], end: String) {
        let stream = try TestStream(server, "/v1/stream?\(parameters)")
        var events: [String] = []
        while let object = try stream.object() {
            if object.hasPrefix("{\"type\":\"end\"") { return (events, object) }
            #expect(!object.hasPrefix("{\"type\":\"live\""))
            if isEvent(object) { events.append(object) }
        }
        Issue.record("no end")
        return (events, "")
    }

    @Test("a replay that begins in the store and ends in the journal is the pages of /v1/events, paced or not")
    func acrossTheStore() async throws {
        let engine = try FakeEngine(segmentBytes: 64 << 10)
        let stream = engine.stream("SIM:A")
        for number in 0..<20_000 {
            engine.trade(
                stream, price: Double(number % 7 + 1), time: start + Int64(number) * 100_000_000, publish: false)
        }
        engine.publish()
        try engine.forget()
        let earliest = Int(engine.journal.earliest.seq)
        let head = Int(engine.journal.head)
        #expect(earliest > 1000)
        try await withServer(engine) { server in
            for speed in ["0", "0.5", "1000000"] {
                for last in [earliest / 2, earliest + 1, head - 5] {
                    // At half its pace a short piece of it: what was received within moments takes moments.
                    let after = speed == "0.5" ? max(0, last - 200) : 0
                    let got = try self.replay(
                        server, "symbols=SIM:A&types=bar:1s&from=after:\(after)&to=seq:\(last)&speed=\(speed)")
                    let stored = try self.journal(
                        server, "symbols=SIM:A&types=bar:1s&after=\(after)&before=\(last + 1)")
                    #expect(got.events == stored)
                    #expect(got.end.number("seq") == last)
                }
            }
            let middle = try self.journal(server, "symbols=SIM:A&types=bar:1s&after=0")[1000].number("time") ?? 0
            let got = try self.replay(server, "symbols=SIM:A&types=bar:1s&from=after:0&to=\(middle)")
            #expect(got.events.allSatisfy { ($0.number("time") ?? 0) < middle })
        }
    }

    @Test("a paused replay rests, answers, and goes on where it was")
    func pause() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("SIM:A")
        for number in 0..<5000 {
            engine.trade(stream, price: 1, time: self.start + Int64(number) * 1_000_000, publish: false)
        }
        engine.publish()
        try await withServer(engine) { server in
            // A pace at which it cannot come to its end within this test.
            let client = try TestStream(
                server, "/v1/stream?symbols=SIM:A&types=trade&from=earliest&to=now&speed=0.000001")
            _ = try client.next("trade")
            try client.send("{\"op\":\"pause\",\"id\":1}")
            let paused = try client.next("replay")
            #expect(paused.word("state") == "paused" && paused.number("id") == 1)
            try client.send("{\"op\":\"speed\",\"speed\":0}")
            #expect(try client.next("replay").word("state") == "paused")
            try client.send("{\"op\":\"ping\",\"id\":\"x\"}")
            #expect(try #require(try client.object()).hasPrefix("{\"type\":\"pong\""))
            try client.send("{\"op\":\"resume\"}")
            #expect(try client.next("replay").word("state") == "playing")
            var seqs: [Int] = []
            while let object = try client.object(), !object.hasPrefix("{\"type\":\"end\"") {
                if self.isEvent(object) { seqs.append(object.number("seq") ?? 0) }
            }
            let all = try self.journal(server, "symbols=SIM:A&types=trade&after=0").compactMap { $0.number("seq") }
            #expect(seqs == Array(all.suffix(seqs.count)))
            #expect(seqs.first ?? 0 == (paused.number("seq") ?? 0) + 1)
        }
    }

    @Test("a conflated client gets every trade, the newest quotes, and the exact account of the rest")
    func conflate() async throws {
        let engine = try FakeEngine()
        let streams = (0..<8).map { engine.stream("SIM:S\($0)") }
        try await withServer(engine) { server in
            let slow = try TestStream(
                server, "/v1/stream?symbols=SIM:*&types=trade,quote&on_slow=conflate", receiveBytes: 4096)
            _ = try slow.next("live")
            let first = Int(engine.journal.head) + 1
            for number in 0..<60_000 {
                let stream = streams[number % 8]
                let time = self.start + Int64(number) * 1_000_000
                if number % 50 == 0 {
                    engine.trade(stream, price: 1, time: time, publish: number % 1000 == 0)
                } else {
                    engine.quote(stream, bid: Double(number % 90 + 1), ask: 100, time: time)
                }
            }
            engine.publish()
            let last = Int(engine.journal.head)
            var sent = Set<Int>()
            var newest = 0
            var dropped = 0
            var types: [String] = []
            while newest < last {
                let object = try #require(try slow.object())
                if self.isEvent(object) {
                    let seq = object.number("seq") ?? 0
                    #expect(seq > newest)
                    newest = seq
                    if object.hasPrefix("{\"type\":\"trade\"") || object.hasPrefix("{\"type\":\"quote\"") {
                        sent.insert(seq)
                    }
                } else {
                    types.append(object.word("type") ?? "")
                    // Everything was sent: what is missing by now is missing for good.
                    if types.last == "heartbeat", object.number("position") ?? 0 >= last { break }
                    if object.hasPrefix("{\"type\":\"conflated\"") {
                        #expect(object.number("first_seq") ?? 0 > newest)
                        dropped += object.number("dropped") ?? 0
                    }
                }
            }
            #expect(types.first { $0 != "heartbeat" } == "lag")
            #expect(types.contains("conflated"))
            #expect(sent.count + dropped == 60_000)
            let trades = try self.journal(server, "symbols=SIM:*&types=trade&after=\(first - 1)")
            #expect(trades.allSatisfy { sent.contains($0.number("seq") ?? 0) })
        }
    }

    @Test("a forming bar comes when it changed, behind the events it is made of")
    func forming() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("SIM:A")
        try await withServer(engine) { server in
            let client = try TestStream(
                server, "/v1/stream?symbols=SIM:A&types=trade,bar:1m,summary&forming=true")
            _ = try client.next("live")
            engine.trade(stream, price: 5, size: 2, time: self.start)
            let seq = engine.trade(stream, price: 7, size: 3, time: self.start + 1_000_000_000)
            var views: [String] = []
            var trades = 0
            while views.count < 2 {
                let object = try #require(try client.object())
                if object.hasPrefix("{\"type\":\"trade\"") { trades += 1 }
                guard let asOf = object.number("as_of"), asOf >= Int(seq) else { continue }
                #expect(trades == 2)
                #expect(object.number("seq") == nil)
                views.append(object)
            }
            let bar = try #require(views.first { $0.hasPrefix("{\"type\":\"bar\",\"as_of\":") })
            #expect(bar.contains("\"open\":5,\"high\":7,\"low\":5,\"close\":7,\"volume\":5,\"count\":2"))
            #expect(bar.contains("\"state\":\"forming\""))
            #expect(views.contains { $0.hasPrefix("{\"type\":\"summary\",\"as_of\":") && $0.contains("\"last\":7") })
            // A record that changes nothing of these brings nothing: the next view is that of the next trade.
            engine.control(HUB_CONTROL_CLOCK, time: self.start + 2_000_000_000)
            engine.trade(stream, price: 6, time: self.start + 3_000_000_000)
            var next = try #require(try client.object())
            while next.number("as_of") == nil { next = try #require(try client.object()) }
            #expect(next.contains("\"close\":6") || next.contains("\"last\":6"))
        }
    }
}
