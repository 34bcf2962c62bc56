import EventFormat
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("Subscription filters")
struct SubscriptionFilterTests {
    private static let table: DefinitionTable = {
        var table = DefinitionTable()
        let symbols = ["", "NSE:RELIANCE", "NSE:TCS", "BSE:TCS", "NASDAQ:AAPL", "NSE:NIFTY 50"]
        for (index, symbol) in symbols.enumerated() {
            table.learn(StreamDefinition(id: UInt32(index + 1), symbol: symbol, source: "s"))
        }
        table.learn(ValueDefinition(id: 1, name: "rsi(14)", interval: 60, outputs: ["rsi"]))
        table.learn(ValueDefinition(id: 2, name: "rsi(14)", interval: 300, outputs: ["rsi"]))
        table.learn(ValueDefinition(id: 3, name: "sma(20)", interval: 60, outputs: ["sma"]))
        return table
    }()
    private let source: UInt32 = 1
    private let reliance: UInt32 = 2
    private let tcs: UInt32 = 3
    private let bseTCS: UInt32 = 4
    private let apple: UInt32 = 5

    private func compiled(
        _ symbols: [String], _ types: [String]? = nil, exclude: UInt16 = 0
    ) throws -> CompiledFilter {
        let selector = try types.map { try EventSelector($0) } ?? .events
        return CompiledFilter(
            SubscriptionFilter(
                patterns: try StreamFixture.patterns(symbols), selector: selector, excludedFlags: exclude),
            definitions: Self.table)
    }

    @Test("types and symbols choose market data, bars by interval and values by name")
    func basics() throws {
        let filter = try compiled(["NSE:*"], ["tick", "bar:1m", "value:rsi(14)@1m"])
        #expect(filter.accepts(StreamRecord(HUB_TICK, stream: reliance)))
        #expect(!filter.accepts(StreamRecord(HUB_TICK, stream: apple)))
        #expect(!filter.accepts(StreamRecord(HUB_TRADE, stream: reliance)))
        #expect(filter.accepts(StreamRecord.bar(stream: tcs, interval: 60)))
        #expect(!filter.accepts(StreamRecord.bar(stream: tcs, interval: 300)))
        #expect(filter.accepts(StreamRecord.value(stream: tcs, definition: 1)))
        #expect(!filter.accepts(StreamRecord.value(stream: tcs, definition: 2)))
        #expect(!filter.accepts(StreamRecord.value(stream: tcs, definition: 3)))
        #expect(!filter.accepts(StreamRecord.value(stream: apple, definition: 1)))
    }

    @Test("bar as a whole takes in every interval")
    func wholeBars() throws {
        let filter = try compiled(["*"], ["bar"])
        for interval in Interval.allCases {
            #expect(filter.accepts(StreamRecord.bar(stream: tcs, interval: interval.rawValue)))
        }
        #expect(filter.accepts(StreamRecord.bar(stream: tcs, interval: 7)))
    }

    @Test("a glob takes in instruments and values that appear later")
    func laterInstruments() throws {
        var filter = try compiled(["NSE:*"], ["trade", "value"])
        var table = Self.table
        table.learn(StreamDefinition(id: 7, symbol: "NSE:NEW", source: "s"))
        table.learn(StreamDefinition(id: 8, symbol: "BSE:NEW", source: "s"))
        table.learn(ValueDefinition(id: 70, name: "ema(9)", interval: 60, outputs: ["ema"]))
        #expect(!filter.accepts(StreamRecord(HUB_TRADE, stream: 7)))
        filter.update(table)
        #expect(filter.accepts(StreamRecord(HUB_TRADE, stream: 7)))
        #expect(!filter.accepts(StreamRecord(HUB_TRADE, stream: 8)))
        #expect(filter.accepts(StreamRecord.value(stream: 7, definition: 70)))
        #expect(filter.accepts(StreamRecord.value(stream: tcs, definition: 70)))
    }

    @Test("events with an excluded flag are left out")
    func exclusionByFlag() throws {
        let filter = try compiled(["*"], ["*"], exclude: UInt16(HUB_FLAG_SIMULATED | HUB_FLAG_LATE))
        #expect(!filter.filter.isEverything)
        #expect(filter.accepts(StreamRecord(HUB_TRADE, stream: tcs)))
        #expect(!filter.accepts(StreamRecord(HUB_TRADE, stream: tcs, flags: HUB_FLAG_SIMULATED)))
        #expect(!filter.accepts(StreamRecord(HUB_TRADE, stream: tcs, flags: HUB_FLAG_LATE)))
        #expect(filter.accepts(StreamRecord(HUB_TRADE, stream: tcs, flags: HUB_FLAG_SUSPECT)))
    }

    @Test("a star of symbols and a star of types is every record")
    func everything() throws {
        let filter = try compiled(["*"], ["*"])
        #expect(filter.filter.isEverything)
        for kind in [1, 5, 6, 10, 11, 128, 129, 200] {
            #expect(filter.accepts(StreamRecord(kind, stream: 99)))
        }
        #expect(filter.accepts(StreamRecord.control(HUB_CONTROL_CLOCK, stream: 0)))
    }

    @Test("the status of a venue goes to everybody with a symbol of it who asked for status")
    func venueStatus() throws {
        let nse = StreamRecord(HUB_STATUS, stream: 0).texts(["NSE", ""], after: 64)
        #expect(try compiled(["NSE:TCS"], ["status"]).accepts(nse))
        #expect(try compiled(["N*"], ["tick", "status"]).accepts(nse))
        #expect(try compiled(["*:TCS"]).accepts(nse))
        #expect(try !compiled(["NSE:TCS"], ["tick"]).accepts(nse))
        #expect(try !compiled(["BSE:*", "NS:*", "NSEX:*"], ["status"]).accepts(nse))
        let halted = StreamRecord(HUB_STATUS, stream: tcs).texts(["NSE", ""], after: 64)
        #expect(try compiled(["NSE:TCS"], ["status"]).accepts(halted))
        #expect(try !compiled(["NSE:RELIANCE"], ["status"]).accepts(halted))
    }

    @Test("a gap goes to every reader whose symbols it touches, whatever its types")
    func gaps() throws {
        let nse = StreamRecord(HUB_GAP, stream: source).texts(["NSE:*"], after: 64)
        #expect(try compiled(["NSE:TCS"], ["trade"]).accepts(nse))
        #expect(try compiled(["*TCS"], ["define"]).accepts(nse))
        #expect(try !compiled(["BSE:*", "NASDAQ:AAPL"]).accepts(nse))
        let two = StreamRecord(HUB_GAP, stream: source).texts(["BSE:A\nNSE:TCS"], after: 64)
        #expect(try compiled(["NSE:TCS"], ["quote"]).accepts(two))
        #expect(try !compiled(["NSE:RELIANCE"]).accepts(two))
        let nameless = StreamRecord(HUB_GAP, stream: source).texts([""], after: 64)
        #expect(try compiled(["NSE:RELIANCE"], ["quote"]).accepts(nameless))
    }

    @Test("controls go to whoever names control, clocks and positions only to a star")
    func controls() throws {
        let sourceState = StreamRecord.control(HUB_CONTROL_SOURCE, stream: source)
        let subscription = StreamRecord.control(HUB_CONTROL_SUBSCRIPTION, stream: tcs)
        let clock = StreamRecord.control(HUB_CONTROL_CLOCK, stream: 0)
        let position = StreamRecord.control(HUB_CONTROL_POSITION, stream: source)
        let configuration = StreamRecord.control(HUB_CONTROL_CONFIGURATION, stream: 0)
        let named = try compiled(["NSE:TCS"], ["control"])
        #expect(named.accepts(sourceState))
        #expect(named.accepts(configuration))
        #expect(named.accepts(subscription))
        #expect(!named.accepts(clock))
        #expect(!named.accepts(position))
        #expect(try !compiled(["NSE:RELIANCE"], ["control"]).accepts(subscription))
        let all = try compiled(["NSE:TCS"], ["*"])
        #expect(all.accepts(clock))
        #expect(all.accepts(position))
        let events = try compiled(["*"])
        #expect(!events.accepts(sourceState))
        #expect(!events.accepts(subscription))
    }

    @Test("definitions go to whoever names define, before their stream is compiled")
    func defines() throws {
        let new = StreamRecord.define(StreamDefinition(id: 50, symbol: "NSE:NEW", source: "s"))
        let ofSource = StreamRecord.define(StreamDefinition(id: 51, symbol: "", source: "s"))
        #expect(try compiled(["NSE:*"], ["define"]).accepts(new))
        #expect(try compiled(["NSE:*"], ["define"]).accepts(ofSource))
        #expect(try !compiled(["BSE:*"], ["define"]).accepts(new))
        #expect(try !compiled(["NSE:*"]).accepts(new))
    }

    @Test("unsubscribing narrows, also what a glob took in, and subscribing again widens")
    func narrowing() throws {
        var filter = SubscriptionFilter(patterns: try StreamFixture.patterns(["NSE:*"]), selector: .events)
        let original = filter
        let onlyTCS = try StreamFixture.patterns(["NSE:TCS"])
        filter.exclude(onlyTCS, nil)
        var compiled = CompiledFilter(filter, definitions: Self.table)
        #expect(!compiled.accepts(StreamRecord(HUB_TICK, stream: tcs)))
        #expect(compiled.accepts(StreamRecord(HUB_TICK, stream: reliance)))
        let tcsGap = StreamRecord(HUB_GAP, stream: source).texts(["NSE:TCS"], after: 64)
        #expect(!compiled.accepts(tcsGap))
        let nse = StreamRecord(HUB_STATUS, stream: 0).texts(["NSE", ""], after: 64)
        #expect(compiled.accepts(nse))
        filter.include(onlyTCS, try EventSelector(["tick"]))
        compiled = CompiledFilter(filter, definitions: Self.table)
        #expect(compiled.accepts(StreamRecord(HUB_TICK, stream: tcs)))
        #expect(!compiled.accepts(StreamRecord(HUB_QUOTE, stream: tcs)))
        filter.exclude(nil, nil)
        #expect(filter.isEmpty)
        filter.include(try StreamFixture.patterns(["NSE:*"]), .events)
        #expect(filter == original)
    }

    @Test("unsubscribing a type leaves the others")
    func narrowingTypes() throws {
        var filter = SubscriptionFilter(patterns: try StreamFixture.patterns(["*"]), selector: .everything)
        filter.exclude(nil, try EventSelector(["bar:1m", "control"]))
        let compiled = CompiledFilter(filter, definitions: Self.table)
        #expect(!filter.isEverything)
        #expect(!compiled.accepts(StreamRecord.bar(stream: tcs, interval: 60)))
        #expect(compiled.accepts(StreamRecord.bar(stream: tcs, interval: 300)))
        #expect(!compiled.accepts(StreamRecord.control(HUB_CONTROL_SOURCE, stream: source)))
        #expect(!compiled.accepts(StreamRecord.control(HUB_CONTROL_CLOCK, stream: 0)))
        #expect(compiled.accepts(StreamRecord(HUB_TRADE, stream: bseTCS)))
    }

    @Test("filters that mean the same are equal, however they came about")
    func interning() throws {
        var one = SubscriptionFilter()
        one.include(try StreamFixture.patterns(["NSE:TCS", "BSE:*"]), try EventSelector(["tick"]))
        one.include(try StreamFixture.patterns(["NSE:TCS"]), try EventSelector(["quote"]))
        var other = SubscriptionFilter()
        other.include(try StreamFixture.patterns(["NSE:TCS", "NSE:TCS"]), try EventSelector(["quote", "tick"]))
        other.include(try StreamFixture.patterns(["BSE:*", "NSE:RELIANCE"]), try EventSelector(["tick"]))
        #expect(one != other)
        other.exclude(try StreamFixture.patterns(["NSE:RELIANCE"]), nil)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one.symbols == ["BSE:*", "NSE:TCS"])
    }

    @Test("a connection that subscribes and unsubscribes for ever does not grow")
    func bounded() throws {
        var filter = SubscriptionFilter(patterns: try StreamFixture.patterns(["NSE:*", "BSE:TCS"]), selector: .events)
        let tcs = try StreamFixture.patterns(["NSE:TCS", "BSE:TCS"])
        for _ in 0..<100 {
            filter.exclude(tcs, nil)
            filter.include(tcs, try EventSelector(["tick"]))
            filter.exclude(tcs, try EventSelector(["tick"]))
            filter.include(tcs, try EventSelector(["tick"]))
        }
        #expect(filter.entries.count <= 8)
    }

    @Test("the compiled filter answers as the filter does, for random subscriptions")
    func model() throws {
        var random = SeededRandom("random filters")
        let symbols = ["NSE:*", "*", "NSE:TCS", "BSE:*", "*:TCS", "NASDAQ:AAPL", "N*", "NSE:R?LIANCE", "NSE:NIFTY 50"]
        let types = [
            "trade", "tick", "quote", "bar", "bar:1m", "bar:5m", "value", "value:rsi(14)@1m", "value:sma(20)@1m",
            "signal",
        ]
        for _ in 0..<300 {
            var filter = SubscriptionFilter()
            // What each operation says, one after the other, without any shortcut.
            var said: [(patterns: [SymbolPattern], selector: EventSelector, isIncluded: Bool)] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let patterns = try StreamFixture.patterns(
                    (0..<Int.random(in: 1...3, using: &random)).map { _ in symbols.randomElement(using: &random) ?? "*"
                    })
                let selector = try EventSelector(
                    (0..<Int.random(in: 1...3, using: &random)).map { _ in types.randomElement(using: &random) ?? "*" })
                if Int.random(in: 0...2, using: &random) == 0 {
                    let whole = Bool.random(using: &random)
                    filter.exclude(patterns, whole ? nil : selector)
                    said.append((patterns, whole ? .everything : selector, false))
                } else {
                    filter.include(patterns, selector)
                    said.append((patterns, selector, true))
                }
            }
            let compiled = CompiledFilter(filter, definitions: Self.table)
            for stream in Self.table.streams where !stream.isSource {
                func isSaid(_ kind: Int, _ interval: UInt32 = 0, _ definition: String = "") -> Bool {
                    var wanted = false
                    for item in said
                    where item.selector.matches(kind: UInt8(kind), interval: interval, definition: definition)
                        && item.patterns.contains(where: { $0.matches(stream.symbol) })
                    {
                        wanted = item.isIncluded
                    }
                    return wanted
                }
                for kind in [HUB_TRADE, HUB_TICK, HUB_QUOTE, HUB_BOOK, HUB_SIGNAL] {
                    #expect(
                        compiled.accepts(StreamRecord(kind, stream: stream.id)) == isSaid(kind),
                        "\(said) \(stream.symbol) \(kind)")
                }
                for interval in [UInt32(60), 300, 900] {
                    #expect(
                        compiled.accepts(StreamRecord.bar(stream: stream.id, interval: interval))
                            == isSaid(HUB_BAR, interval), "\(said) \(stream.symbol) bar \(interval)")
                }
                for value in Self.table.values {
                    #expect(
                        compiled.accepts(StreamRecord.value(stream: stream.id, definition: value.id))
                            == isSaid(HUB_VALUE, value.interval, value.name),
                        "\(said) \(stream.symbol) \(value.selector)")
                }
            }
        }
    }

    @Test("two globs overlap when some text matches both")
    func globOverlap() {
        var random = SeededRandom("random globs")
        let letters: [Character] = ["a", "b", "*", "?"]
        // All texts of up to six letters stand for all texts: patterns of four do not need longer ones.
        var texts: [String] = [""]
        var longest = [""]
        for _ in 0..<6 {
            longest = longest.flatMap { [$0 + "a", $0 + "b"] }
            texts += longest
        }
        func glob() -> String {
            String(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
        }
        func matches(_ text: Substring, _ glob: Substring) -> Bool {
            guard let first = glob.first else { return text.isEmpty }
            if first == "*" {
                return matches(text, glob.dropFirst()) || (!text.isEmpty && matches(text.dropFirst(), glob))
            }
            guard let letter = text.first, first == "?" || first == letter else { return false }
            return matches(text.dropFirst(), glob.dropFirst())
        }
        for _ in 0..<400 {
            let left = glob()
            let right = glob()
            let expected = texts.contains { matches($0[...], left[...]) && matches($0[...], right[...]) }
            #expect(GlobOverlap.overlap(left, right) == expected, "\(left) and \(right)")
        }
        #expect(GlobOverlap.overlap("NFO:NIFTY25JUN*CE", "NFO:*"))
        #expect(!GlobOverlap.overlap("NFO:NIFTY25JUN*CE", "NFO:*PE"))
    }
}
