import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import ReplayCore

private let registration = Registration.pullProvider(Replay.self, Replay.descriptor)

private func settings(_ path: String, kind: String = "trade") -> Setting {
    ["files": [["path": .text(path), "symbol": "ARCA:SPY", "kind": .text(kind)]], "speed": "max"]
}

private func refusal(_ settings: Setting) -> Refusal? {
    do {
        try FakeHub(registration, settings, now: 0).check()
        return nil
    } catch {
        return error as? Refusal
    }
}

@Suite("bad settings and bad files")
struct BadFileTests {
    @Test("each mistake in the settings is reported with the pointer to it")
    func mistakes() {
        let folder = TestFolder()
        let good = Setting.text(folder.plain("t.csv", "ts_event_ns,price,size\n"))
        let mistakes: [(Setting, String, String)] = [
            ([:], "/files", "at least one"),
            (["files": []], "/files", "at least one"),
            (settings("/nowhere/at/all.csv"), "/files/0/path", "/nowhere/at/all.csv"),
            (settings(folder.path), "/files/0/path", "not a regular file"),
            (settings("x", kind: "tick"), "/files/0/kind", "'tick'"),
            (settings("x", kind: "bar:7m"), "/files/0/kind", "'bar:7m'"),
            (["files": [["path": good, "symbol": "SPY", "kind": "trade"]]], "/files/0/symbol", "'SPY'"),
            (["files": [["path": good, "kind": "trade"]]], "/files/0/symbol", "symbol"),
            (["files": [["path": good, "symbol": "ARCA:SPY"]]], "/files/0/kind", "kind"),
            (["files": [["path": good, "symbol": "ARCA:SPY", "kind": "trade"]], "speed": 0], "/speed", "0.0"),
            (["files": [["path": good, "symbol": "ARCA:SPY", "kind": "trade"]], "speed": "x"], "/speed", "'x'"),
            (["files": [["path": good, "symbol": "ARCA:SPY", "kind": "trade"]], "loop": "x"], "/loop", "true"),
            (settings(folder.plain("empty.csv", "")), "/files/0/path", "empty"),
            (
                settings(folder.plain("c.csv", "ts_event_ns,cost,size\n")), "/files/0/path",
                "no column 'price', which a file of trades needs; its columns are 'ts_event_ns,cost,size'"
            ),
            (settings(folder.plain("d.csv", "ts_event_ns,price,size,price\n")), "/files/0/path", "2 columns 'price'"),
            (settings(folder.bytes("z.gz", [0x1f, 0x8b, 8, 0, 0, 0])), "/files/0/path", "cut off"),
            (
                settings(
                    folder.bytes("g.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] + Array(repeating: 0xff, count: 50))),
                "/files/0/path", "damaged"
            ),
        ]
        for (settings, pointer, text) in mistakes {
            let found = refusal(settings)
            #expect(
                found?.pointer == pointer && found?.status == 1 && found?.text.contains(text) == true,
                "\(pointer), \(text): \(String(describing: found))")
        }
        #expect(refusal(["files": [["path": good, "symbol": "ARCA:SPY", "kind": "trade"]], "speed": "max"]) == nil)
        #expect(refusal(["files": ["path": good, "symbol": "ARCA:SPY", "kind": "trade"], "speed": 2.5]) == nil)
    }

    @Test("a row that cannot be used is told with file and line, counted and skipped")
    func badRows() throws {
        let folder = TestFolder()
        let path = folder.plain(
            "t.csv",
            """
            ts_event_ns,price,size,exchange,condition,suspicious
            100,1.5,10,P,1,0
            10x,1.5,10,P,1,0
            101,abc,10,P,1,0
            102,1.5
            103,1.5,-4,P,1,0
            104,nan,1,P,1,0
            105,1.5,10,P,zz,0
            99,1.5,10,P,1,0
            106,,10,P,1,0
            107,0x10,10,P,1,0
            108,1e999,10,P,1,0
            200,2.5,20,P,1,0
            """)
        let hub = try FakeHub(registration, settings(path), now: 0)
        try hub.start(["ARCA:SPY"])
        #expect(try hub.run())
        #expect(hub.trades.map(\.price) == [1.5, 2.5])
        let lines = hub.host.log.filter { $0.contains("line") }
        #expect(lines.count == 10)
        for (index, line) in lines.enumerated() {
            #expect(line.hasPrefix("\(path), line \(index + 3): "), "\(line)")
            #expect(line.contains("(\(index + 1) so far)"))
        }
        #expect(lines[0].contains("column 'ts_event_ns' holds '10x'"))
        #expect(lines[2].contains("the row has 2 fields, the header 6; 'size'"))
        #expect(lines[6].contains("before 100"))
        #expect(hub.host.log.contains { $0.hasPrefix("10 rows") })
        #expect(hub.host.feed.contains { $0.state == 3 && $0.reason.contains("line 3") })
        // A run that goes on does not tell what was told.
        let position = try #require(hub.positions.last)
        let resumed = try FakeHub(registration, settings(path), now: 0, lastPosition: position.data)
        try resumed.start(["ARCA:SPY"])
        try resumed.run()
        #expect(resumed.host.log.filter { $0.contains("line") }.isEmpty)
    }

    @Test("a file full of bad rows does not flood the log")
    func manyBadRows() throws {
        let folder = TestFolder()
        let path = folder.plain("t.csv", "ts_event_ns,price,size\n" + String(repeating: "1,x,1\n", count: 5000))
        let hub = try FakeHub(registration, settings(path), now: 0)
        try hub.start(["ARCA:SPY"])
        #expect(try hub.run())
        #expect(hub.host.log.count == 23)
        #expect(hub.host.log.last?.hasPrefix("5000 rows") == true)
    }

    @Test("gzip data that is cut off or damaged ends with an error after the rows in front of it")
    func damagedGzip() throws {
        let folder = TestFolder()
        let made = MadeTrades(20_000, seed: 31)
        let good = folder.contents(folder.gzip("t.csv.gz", made.text))
        for (name, bytes) in [
            ("cut", Array(good[..<(good.count * 2 / 3)])), ("tail", Array(good[..<(good.count - 3)])),
            ("flipped", good.enumerated().map { $0.offset == good.count * 2 / 3 ? $0.element ^ 0x40 : $0.element }),
            ("checksum", good.enumerated().map { $0.offset == good.count - 6 ? $0.element ^ 1 : $0.element }),
        ] {
            let hub = try FakeHub(registration, settings(folder.bytes(name, bytes)), now: 0)
            try hub.start(["ARCA:SPY"])
            let refusal = #expect(throws: Refusal.self, "\(name)") { try hub.run() }
            #expect(refusal?.text.contains("\(folder.path)/\(name), after line") == true)
            #expect(refusal?.text.contains(name == "cut" || name == "tail" ? "cut off" : "damaged") == true)
            #expect(hub.host.feed.last?.state == 8)
            let trades = hub.trades
            #expect(trades.count > 5000 && trades.count <= 20_000)
            // A flipped bit may change rows before the damage is found; whatever comes is in order.
            if name != "flipped" {
                #expect(trades.map(\.price) == made.trades.prefix(trades.count).map(\.price))
            }
            #expect(throws: Refusal.self) { try hub.run() }
        }
    }

    @Test("numbers are the nearest doubles, as the standard library reads them")
    func numbers() {
        var generator = SeededGenerator(seed: 77)
        var texts = [
            "0", "-0", "1", "-1.5", "0.1", "123456789012345", "1234567890123456789.5", "1e5", "2.5E-3", ".5", "5.",
        ]
        for _ in 0..<20_000 {
            let places = Int.random(in: 0...12, using: &generator)
            let digits = String(Int64.random(in: 0...(1 << 55), using: &generator))
            texts.append(
                places < digits.count && places > 0
                    ? "\(digits.dropLast(places)).\(digits.suffix(places))" : digits)
        }
        for text in texts {
            let bytes = Array(text.utf8)
            let value = bytes.withUnsafeBufferPointer { buffer -> Double? in
                var cursor = buffer.baseAddress!
                return NumberParser.decimal(&cursor, buffer.baseAddress! + buffer.count)
            }
            let wanted = text.hasPrefix(".") ? 0.5 : Double(text.hasSuffix(".") ? String(text.dropLast()) : text)
            #expect(value == wanted, "\(text)")
            #expect(value?.sign == .plus || text.hasPrefix("-1"))
        }
        for text in ["", "x", "1x", "--1", "inf", "nan", "0x1p3", "1 ", "1e", "1e400"] {
            let bytes = Array(text.utf8) + [0]
            bytes.withUnsafeBufferPointer { buffer in
                var cursor = buffer.baseAddress!
                #expect(NumberParser.decimal(&cursor, buffer.baseAddress! + buffer.count - 1) == nil, "\(text)")
            }
        }
    }

    @Test("lines that cross the ends of the buffer, and lines without end, are read right")
    func longLines() throws {
        let folder = TestFolder()
        var text = "ts_event_ns,price,size,note\n"
        for index in 0..<3000 {
            text += "\(index),\(index).25,1,\(String(repeating: "n", count: (index * 37) % 900))\n"
            if index == 1500 { text += "1500,1,1,\(String(repeating: "x", count: 600_000))\n" }
        }
        let hub = try FakeHub(registration, settings(folder.gzip("t.csv.gz", text)), now: 0)
        try hub.start(["ARCA:SPY"])
        #expect(try hub.run())
        #expect(hub.trades.map(\.price) == (0..<3000).map { Double($0) + 0.25 })
        #expect(hub.host.log.first?.contains("line 1503: the line is longer than") == true)
    }
}
