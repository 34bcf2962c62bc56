import Foundation
import HubModel
import PluginABI
import Synchronization
import Testing

@Suite("Fan-out: the promise")
struct FanOutTests {
    private let start: Int64 = 1_700_000_000_000_000_000

    /// Feeds trades on a thread until stopped.
    private final class Feeder: @unchecked Sendable {
        private let isStopped = Atomic<Bool>(false)
        private let ended = DispatchSemaphore(value: 0)

        init(_ engine: FakeEngine, _ streams: [UInt32], every microseconds: UInt32, burst: Int = 1) {
            Thread.detachNewThread { [self] in
                var number: Int64 = 0
                while !isStopped.load(ordering: .relaxed) {
                    for _ in 0..<burst {
                        let stream = streams[Int(number) % streams.count]
                        let time = 1_700_000_000_000_000_000 + number * 50_000_000
                        engine.trade(stream, price: Double(100 + number % 100), time: time, publish: false)
                        number += 1
                    }
                    engine.publish()
                    usleep(microseconds)
                }
                ended.signal()
            }
        }

        func stop() {
            isStopped.store(true, ordering: .relaxed)
            ended.wait()
        }
    }

    /// Every event of the journal as `/v1/events` writes it.
    private func journal(_ server: ServerAddress, _ parameters: String) throws -> [String] {
        var events: [String] = []
        var cursor = ""
        repeat {
            let answer = try server.get("/v1/events?\(parameters)&after=0&limit=5000\(cursor)")
            #expect(answer.status == 200, "\(answer.text.prefix(300))")
            let end = answer.text.firstRange(of: "],\"meta\"")!
            events += TestStream.objects(Array("\(answer.text[..<end.lowerBound].dropFirst("{\"data\":".count))]".utf8))
            cursor = answer.text[end.lowerBound...].description.word("next").map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty
        return events
    }

    private func isEvent(_ object: String) -> Bool {
        object.firstRange(of: "\"seq\":") != nil && object.firstRange(of: "\"received\":") != nil
    }

    @Test("from the earliest on the stream gives exactly the journal, in the bytes of /v1/events, and live once")
    func everything() async throws {
        let engine = try FakeEngine()
        let streams = ["NSE:A", "NSE:B"].map { engine.stream($0) }
        for number in 0..<500 { engine.trade(streams[number % 2], price: 1, time: start + Int64(number) * 100_000_000) }
        try await withServer(engine) { server in
            let stream = try TestStream(server, "/v1/stream?symbols=*&types=*&from=earliest")
            let hello = try stream.next("hello")
            #expect(hello.word("epoch") == engine.journal.epoch)
            _ = try stream.next("subscribed")
            let feeder = Feeder(engine, streams, every: 200)
            var events: [String] = []
            var lives = 0
            while events.count < 3000 {
                let object = try #require(try stream.object())
                if object.hasPrefix("{\"type\":\"live\"") {
                    lives += 1
                    #expect(object.number("seq") == events.last?.number("seq"))
                } else if self.isEvent(object) {
                    events.append(object)
                }
            }
            feeder.stop()
            #expect(lives == 1)
            #expect(events.map { $0.number("seq") ?? 0 } == Array(1...events.count))
            let all = try self.journal(server, "symbols=*&types=*")
            #expect(Array(all.prefix(events.count)) == events)
        }
    }

    @Test("a client that is cut at random moments and resumes ends with exactly the journal")
    func resume() async throws {
        let engine = try FakeEngine(segmentBytes: 256 << 10)
        let streams = ["NSE:A", "NSE:B", "NSE:C"].map { engine.stream($0) }
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        try await withServer(engine) { server in
            let feeder = Feeder(engine, streams, every: 300, burst: 3)
            var state = seed
            var events: [String] = []
            var cursor = "\(engine.journal.epoch).0"
            for _ in 0..<60 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let stream = try TestStream(
                    server, "/v1/stream?symbols=NSE:A,NSE:B&types=trade,bar:1s&cursor=\(cursor)")
                var wanted = Int(state >> 33 % 120) + 1
                while wanted > 0 {
                    let object = try #require(try stream.object())
                    guard self.isEvent(object) else {
                        // A heartbeat or live is a place to resume from as well.
                        if let given = object.word("cursor"), state & 1 == 0 { cursor = given }
                        continue
                    }
                    events.append(object)
                    cursor = "\(engine.journal.epoch).\(object.number("seq") ?? 0)"
                    wanted -= 1
                }
                stream.socket.hangUp()
            }
            feeder.stop()
            let last = events.last?.number("seq") ?? 0
            let all = try self.journal(server, "symbols=NSE:A,NSE:B&types=trade,bar:1s")
            #expect(all.filter { ($0.number("seq") ?? 0) <= last } == events)
        }
    }

    @Test("a client that reads nothing delays nobody, is told that it lags, and gets everything in the end")
    func slow() async throws {
        let engine = try FakeEngine()
        let streams = (0..<8).map { engine.stream("SIM:S\($0)") }
        try await withServer(engine) { server in
            let slow = try TestStream(server, "/v1/stream?symbols=SIM:*&types=trade", receiveBytes: 4096)
            let fast = try TestStream(server, "/v1/stream?symbols=SIM:*&types=trade")
            _ = try slow.next("live")
            _ = try fast.next("live")
            let first = engine.journal.head + 1
            for burst in 0..<120 {
                for number in 0..<1000 {
                    let at = burst * 1000 + number
                    engine.trade(streams[at % 8], price: 1, time: self.start + Int64(at) * 1_000_000, publish: false)
                }
                engine.publish()
                var seen = 0
                while seen < 1000 {
                    if try #require(try fast.object()).hasPrefix("{\"type\":\"trade\"") { seen += 1 }
                }
            }
            let expected = try self.journal(server, "symbols=SIM:*&types=trade").filter {
                ($0.number("seq") ?? 0) >= first
            }
            #expect(expected.count == 120_000)
            var got = 0
            var lags: [Int] = []
            var isSame = true
            while got < expected.count {
                let object = try #require(try slow.object())
                if object.hasPrefix("{\"type\":\"lag\"") {
                    lags.append(object.number("behind") ?? -1)
                } else if object.hasPrefix("{\"type\":\"trade\"") {
                    isSame = isSame && object == expected[got]
                    got += 1
                }
            }
            #expect(isSame)
            #expect(lags.first ?? 0 > 0)
            if lags.last != 0 { #expect(try slow.next("lag").number("behind") == 0) }
        }
    }

    @Test("who asked for it is disconnected when it lags, with the place to resume from")
    func disconnect() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("SIM:A")
        try await withServer(engine) { server in
            let slow = try TestStream(
                server, "/v1/stream?symbols=SIM:*&types=trade&on_slow=disconnect", receiveBytes: 4096)
            _ = try slow.next("live")
            let first = engine.journal.head + 1
            for number in 0..<150_000 {
                engine.trade(
                    stream, price: 1, time: self.start + Int64(number) * 1_000_000, publish: number % 1000 == 0)
            }
            engine.publish()
            var last = 0
            var bye: String?
            while let object = try slow.object() {
                if object.hasPrefix("{\"type\":\"trade\"") { last = object.number("seq") ?? 0 }
                if object.hasPrefix("{\"type\":\"bye\"") { bye = object }
            }
            #expect(bye?.word("code") == "slow_client")
            #expect(slow.closeCode == 4000)
            // What was sent and what the cursor says fit together: nothing matching lies between them.
            let cursor = Int(bye?.word("cursor")?.split(separator: ".").last ?? "") ?? 0
            let between = try self.journal(server, "symbols=SIM:*&types=trade").compactMap { $0.number("seq") }
                .filter { $0 > last && $0 <= cursor && $0 >= Int(first) }
            #expect(between.isEmpty)
        }
    }

    @Test("a subscription is widened, listed and narrowed from where it stands")
    func operations() async throws {
        let engine = try FakeEngine()
        let first = engine.stream("SIM:A")
        let second = engine.stream("SIM:B")
        try await withServer(engine) { server in
            let stream = try TestStream(server)
            _ = try stream.next("hello")
            try stream.send("{\"op\":\"subscribe\",\"id\":1,\"symbols\":[\"SIM:A\"],\"types\":[\"trade\"]}")
            #expect(try stream.next("subscribed").number("count") == 1)
            _ = try stream.next("live")
            engine.trade(second, price: 1, time: self.start)
            engine.trade(first, price: 2, time: self.start)
            #expect(try stream.next("trade").word("symbol") == "SIM:A")
            try stream.send("{\"op\":\"subscribe\",\"id\":\"b\",\"symbols\":[\"SIM:B\"],\"types\":[\"trade\"]}")
            let widened = try stream.next("subscribed")
            #expect(widened.word("id") == "b")
            engine.trade(second, price: 3, time: self.start)
            #expect(try stream.next("trade").word("symbol") == "SIM:B")
            try stream.send("{\"op\":\"list\"}")
            #expect(try stream.next("filter").contains("[\"SIM:A\",\"SIM:B\"]"))
            try stream.send("{\"op\":\"unsubscribe\",\"symbols\":[\"SIM:A\"]}")
            _ = try stream.next("unsubscribed")
            engine.trade(first, price: 4, time: self.start)
            engine.trade(second, price: 5, time: self.start)
            #expect(try stream.next("trade").word("symbol") == "SIM:B")
            try stream.send("{\"op\":\"ping\",\"id\":\"p7\"}")
            #expect(try stream.next("pong").word("id") == "p7")
            try stream.send(opcode: 9, Array("hi".utf8))
            var answer = try stream.frame()
            while answer.opcode != 10 { answer = try stream.frame() }
            #expect(answer.payload == Array("hi".utf8))
        }
    }

    @Test("a snapshot is followed by exactly what came after it")
    func snapshot() async throws {
        let engine = try FakeEngine()
        let streams = (0..<4).map { engine.stream("SIM:S\($0)") }
        for number in 0..<40 { engine.trade(streams[number % 4], price: Double(number), time: start) }
        try await withServer(engine) { server in
            let feeder = Feeder(engine, streams, every: 100)
            for _ in 0..<20 {
                let stream = try TestStream(server, "/v1/stream?symbols=SIM:*&types=trade&snapshot=true")
                let snapshot = try stream.next("snapshot")
                let seq = try #require(snapshot.number("seq"))
                let data = snapshot[snapshot.firstRange(of: "\"data\":")!.upperBound...].dropLast()
                #expect(TestStream.objects(Array(data.utf8)).count == 4)
                #expect(TestStream.objects(Array(data.utf8)).allSatisfy { ($0.lastNumber("seq") ?? 0) <= seq })
                let next = try #require(try stream.next("trade").number("seq"))
                let between = try server.get("/v1/events?symbols=SIM:*&types=trade&after=\(seq)&before=\(next)")
                #expect(between.json["meta"]?["count"] == .integer(0))
                stream.socket.hangUp()
            }
            feeder.stop()
        }
    }

    @Test("the last events, a time and a position are found as starts")
    func starts() async throws {
        let engine = try FakeEngine()
        let stream = engine.stream("SIM:A")
        let other = engine.stream("SIM:B")
        for number in 0..<5000 {
            engine.trade(
                number % 10 == 0 ? stream : other, price: 1, time: start + Int64(number) * 1_000_000_000, publish: false
            )
        }
        engine.publish()
        try await withServer(engine) { server in
            func times(_ from: String) throws -> [Int] {
                let client = try TestStream(server, "/v1/stream?symbols=SIM:A&types=trade&from=\(from)")
                var times: [Int] = []
                while let object = try client.object(), !object.hasPrefix("{\"type\":\"live\"") {
                    if object.hasPrefix("{\"type\":\"trade\"") {
                        times.append((object.number("time") ?? 0) / 1_000_000 - 1_700_000_000)
                    }
                }
                return times
            }
            #expect(try times("last:3") == [4970, 4980, 4990])
            #expect(try times("2023-11-14T23:36:15Z") == [4980, 4990])
            #expect(try times("live").isEmpty)
            #expect(try times("earliest").count == 500)
            let bad = try TestStream(server, "/v1/stream?symbols=SIM:A&from=lately")
            #expect(bad.response.status == 400)
            #expect(bad.response.json["code"] == .text("bad_time"))
            let ahead = try TestStream(server, "/v1/stream?symbols=SIM:A&from=after:99999999")
            #expect(try ahead.next("error").word("code") == "cursor_ahead")
            let unknown = try TestStream(server, "/v1/stream?symbols=SIM:A&cursor=0000000000000001.5")
            #expect(try unknown.next("error").word("code") == "epoch_unknown")
        }
    }

    @Test("heartbeats come without traffic and name a safe place")
    func heartbeat() async throws {
        let engine = try FakeEngine(hub: ["heartbeat": "1s"])
        let stream = engine.stream("SIM:A")
        try await withServer(engine) { server in
            let client = try TestStream(server, "/v1/stream?symbols=SIM:A&types=trade")
            _ = try client.next("live")
            engine.control(HUB_CONTROL_CLOCK, time: self.start)
            let beat = try client.next("heartbeat", seconds: 5)
            #expect(beat.number("position") == Int(engine.journal.head))
            #expect(beat.contains("\"sources\":{\"fake\":{\"state\":\"ok\""))
            engine.trade(stream, price: 1, time: self.start)
            #expect(try client.next("heartbeat", seconds: 5).number("sent") == 1)
        }
    }

    @Test("events below the journal come from the store, behind a hole for what is gone")
    func retention() async throws {
        let engine = try FakeEngine(segmentBytes: 64 << 10)
        let stream = engine.stream("SIM:A")
        for number in 0..<20_000 {
            engine.trade(
                stream, price: Double(number % 7 + 1), time: start + Int64(number) * 100_000_000, publish: false)
        }
        engine.publish()
        try engine.forget()
        let earliest = engine.journal.earliest.seq
        #expect(earliest > 1000)
        try await withServer(engine) { server in
            let bars = try TestStream(server, "/v1/stream?symbols=SIM:A&types=bar:1s&cursor=\(engine.journal.epoch).0")
            var times: [Int] = []
            while let object = try bars.object(), !object.hasPrefix("{\"type\":\"live\"") {
                #expect(!object.hasPrefix("{\"type\":\"hole\""))
                if object.hasPrefix("{\"type\":\"bar\"") { times.append((object.number("time") ?? 0) / 1_000_000) }
            }
            #expect(times == Array(1_700_000_000..<1_700_001_999))
            let mixed = try TestStream(
                server, "/v1/stream?symbols=SIM:A&types=bar:1s,trade&cursor=\(engine.journal.epoch).0")
            _ = try mixed.next("subscribed")
            let hole = try #require(try mixed.object())
            #expect(
                hole.hasPrefix(
                    "{\"type\":\"hole\",\"after\":0,\"before\":\(earliest),\"reason\":\"retention\",\"types\":[\"trade\"]"
                ))
            var seqs: [Int] = []
            while let object = try mixed.object(), !object.hasPrefix("{\"type\":\"live\"") {
                seqs.append(object.number("seq") ?? 0)
            }
            #expect(seqs == seqs.sorted())
            #expect(Set(seqs).count == seqs.count)
            let answer = try server.get("/v1/events?symbols=SIM:A&types=bar:1s,trade&after=0&limit=50000").json
            #expect(answer["meta"]?["holes"]?.listValue?.count == 1)
            #expect(answer["data"]?.listValue?.compactMap { $0["seq"]?.integerValue }.map { Int($0) } == seqs)
            let rows = try server.get("/v1/bars/SIM:A?interval=1s&limit=5000").json["data"]?.listValue ?? []
            #expect(rows.count == 2000)
            #expect(rows.last?["state"] == .text("forming"))
        }
    }
}

extension String {
    /// The last integer member of that name.
    func lastNumber(_ name: String) -> Int? {
        guard let found = ranges(of: "\"\(name)\":").first else { return nil }
        return Int(self[found.upperBound...].prefix { $0.isNumber })
    }
}
