import EventFormat
import HubFold
import HubModel
import PluginABI
import Testing

@Suite struct FoldTests {
    static let start: Int64 = 1_736_174_100_000_000_000  // 2025-01-06T14:35:00Z
    static let second: Int64 = 1_000_000_000

    private func plan(
        recorded: Bool = false, bars: [Interval] = [.s1, .m1], price: BarPrice = .last
    ) throws -> FoldPlan {
        FoldPlan(
            pipelines: [
                PipelinePlan(
                    name: "p", sources: ["a", "b"], instruments: [try Symbol("NASDAQ:AAPL")],
                    patterns: [try SymbolPattern("SIM:*")], bars: bars, price: price)
            ],
            sources: [SourcePlan(name: "a", recorded: recorded), SourcePlan(name: "b", simulated: true)])
    }

    /// Streams 1 and 2: the sources; 3: AAPL of a; 4: AAPL of b; 5: SIM:X of a.
    private func run(
        recorded: Bool = false, bars: [Interval] = [.s1, .m1], price: BarPrice = .last
    ) throws -> FoldRun {
        let run = FoldRun(try plan(recorded: recorded, bars: bars, price: price))
        run.feed([
            Make.define(StreamDefinition(id: 1, symbol: "", source: "a")),
            Make.define(StreamDefinition(id: 2, symbol: "", source: "b")),
            Make.define(
                StreamDefinition(
                    id: 3, symbol: "NASDAQ:AAPL", source: "a", instrumentType: UInt8(HUB_TYPE_EQUITY), currency: "USD",
                    tickSize: 0.01)),
            Make.define(StreamDefinition(id: 4, symbol: "NASDAQ:AAPL", source: "b")),
            Make.define(StreamDefinition(id: 5, symbol: "SIM:X", source: "a")),
        ])
        return run
    }

    @Test("receive times never go back, and a missing event time becomes the receive time")
    func times() throws {
        let run = try run()
        run.feed(Make.trade(3, FoldTests.start, 1, 1, received: FoldTests.start + 5))
        let step = run.feed(Make.trade(3, 0, 1, 1, received: FoldTests.start - 100))
        #expect(step.head.ts_recv == FoldTests.start + 5)
        #expect(step.head.ts_event == FoldTests.start + 5)
        #expect(Int(step.head.flags) & HUB_FLAG_UNTIMED != 0)
    }

    @Test("minus zero becomes zero and an unknown number stays unknown")
    func signs() throws {
        let run = try run()
        let step = run.feed(Make.quote(3, FoldTests.start, -0.0, .nan))
        let quote = step.record.withUnsafeBytes { $0.loadUnaligned(as: hub_quote.self) }
        #expect(quote.bid.bitPattern == 0)
        #expect(quote.ask.isNaN)
    }

    @Test(
        "five seconds ahead of the receive time is believed, more is suspect",
        arguments: [
            (Int64(5_000_000_000), false), (5_000_000_001, true), (Int64.max / 2, true),
        ])
    func ahead(by: Int64, suspect: Bool) throws {
        let run = try run(recorded: true)
        let step = run.feed(Make.trade(3, FoldTests.start + by, 1, 1, received: FoldTests.start))
        #expect((Int(step.head.flags) & HUB_FLAG_SUSPECT != 0) == suspect)
        #expect((run.fold.source("a")?.watermark == nil) == suspect)
        #expect((run.fold.formingBar(of: "NASDAQ:AAPL", interval: 1) == nil) == suspect)
    }

    @Test(
        "times at the limits of 64 bits do no harm",
        arguments: [Int64.min, Int64.min + 1, -1, 1, Int64.max - 1, Int64.max])
    func extremes(time: Int64) throws {
        for recorded in [true, false] {
            let run = try run(recorded: recorded, bars: [.s1, .h4, .d1])
            for received in [FoldTests.start, Int64.max, Int64.min] {
                run.feed(Make.trade(3, time, 1, 1, received: received))
                run.feed(Make.tick(3, time, last: 1, volume: 5, received: received))
                run.feed(
                    Make.bar(
                        3, time, interval: 86_400, open: 1, high: 1, low: 1, close: 1, volume: 1, received: received))
                run.feed(Make.clock(time))
            }
            #expect(run.fold.save().count > 0)
        }
    }

    @Test(
        "numbers at the limits of a double do no harm",
        arguments: [
            Double.greatestFiniteMagnitude, -1e300, 1e19, 9.1e9, .leastNonzeroMagnitude, 0, .nan, .infinity,
        ])
    func magnitudes(value: Double) throws {
        let run = try run(recorded: true)
        for step in 0..<10 {
            run.feed(Make.trade(3, FoldTests.start + Int64(step), value, value))
            run.feed(Make.trade(3, FoldTests.start + Int64(step), 1, value))
        }
        let bars = run.feed(Make.trade(3, FoldTests.start + FoldTests.second, 1, 1)).bars
        #expect(bars.count == 1)
        #expect(bars[0].count == 20)
    }

    @Test("everything a simulated source makes is marked, its bars too")
    func simulated() throws {
        let run = try run()
        run.feed(Make.failover(2, FoldTests.start, pipeline: "p", from: "a", to: "b"))
        let step = run.feed(Make.trade(4, FoldTests.start, 1, 1))
        #expect(Int(step.head.flags) & HUB_FLAG_SIMULATED != 0)
        let bar = run.feed(Make.clock(FoldTests.start + 4 * FoldTests.second)).bars[0]
        #expect(Int(bar.head.flags) & HUB_FLAG_SIMULATED != 0)
        #expect(bar.head.stream == 4)
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.isSimulated == true)
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.source == "b")
    }

    @Test("a bar carries the receive time of the record that closed it and the next number")
    func derivedHead() throws {
        let run = try run()
        run.feed(Make.trade(3, FoldTests.start, 1, 1))
        let step = run.feed(Make.trade(3, FoldTests.start + FoldTests.second, 1, 1))
        #expect(step.bars[0].head.ts_recv == step.head.ts_recv)
        #expect(step.bars[0].head.seq == step.head.seq + 1)
        #expect(run.fold.newestBar(of: "NASDAQ:AAPL", interval: 1)?.head.seq == step.head.seq + 1)
        #expect(run.fold.position == run.seq)
    }

    @Test("bars are given the stream of the symbol's own venue, defined before or after that of a market centre")
    func marketCentres() throws {
        let run = try run()
        run.feed([
            Make.define(StreamDefinition(id: 6, symbol: "NASDAQ:AAPL", source: "a", marketCentre: "ARCA")),
            Make.define(StreamDefinition(id: 7, symbol: "SIM:Y", source: "a", marketCentre: "M")),
            Make.define(StreamDefinition(id: 8, symbol: "SIM:Y", source: "a")),
        ])
        run.feed([Make.trade(6, FoldTests.start, 1, 1), Make.trade(7, FoldTests.start, 1, 1)])
        let bars = run.feed(Make.clock(FoldTests.start + 5 * FoldTests.second)).bars
        #expect(bars.map(\.head.stream) == [3, 8])
    }

    @Test("the quote's inputs are the newest of each kind; old ones that come late do not displace them")
    func lastValues() throws {
        let run = try run()
        run.feed([
            Make.trade(3, FoldTests.start + 10 * FoldTests.second, 101, 5),
            Make.quote(3, FoldTests.start + 11 * FoldTests.second, 100, 102),
            Make.clock(FoldTests.start + 15 * FoldTests.second),
        ])
        let late = run.feed(
            Make.trade(3, FoldTests.start + FoldTests.second, 99, 1, received: FoldTests.start + 15 * FoldTests.second))
        #expect(Int(late.head.flags) & HUB_FLAG_LATE != 0)
        let value = try #require(run.fold.lastValue(of: "NASDAQ:AAPL"))
        #expect(value.trade?.price == 101)
        #expect(value.quote?.bid == 100)
        #expect(value.newest?.seq == 7)
        #expect(value.currency == "USD")
        #expect(value.calendar == "us-equities")
        #expect(value.pipeline == "p")
        #expect(value.day?.volume == 6)
        #expect(value.day?.low == 99)
        #expect(run.fold.lastValue(of: "NASDAQ:NONE") == nil)
    }

    @Test("a new trading date makes yesterday's last price the previous close")
    func previousClose() throws {
        let run = try run(recorded: true)
        let midnight: Int64 = 1_736_226_000_000_000_000  // 2025-01-07T05:00:00Z, midnight in New York.
        run.feed([
            Make.trade(3, FoldTests.start, 100, 1), Make.trade(3, midnight - 1, 110, 1),
        ])
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.previousClose == nil)
        run.feed(Make.trade(3, midnight, 111, 3))
        let value = try #require(run.fold.lastValue(of: "NASDAQ:AAPL"))
        #expect(value.previousClose == 110)
        #expect(value.day?.open == 111)
        #expect(value.day?.volume == 3)
        #expect(value.day?.number == 20_095)
    }

    @Test("history that is seeded gives the previous close and the day's extremes")
    func seededDay() throws {
        let run = try run()
        let day = 86_400 * FoldTests.second
        func bar(_ time: Int64, _ price: Double) -> [UInt8] {
            Make.bar(
                5, time, interval: 60, open: price, high: price + 1, low: price - 1, close: price, volume: 10,
                received: FoldTests.start + FoldTests.second, flags: HUB_FLAG_BACKFILLED)
        }
        run.feed([
            Make.clock(FoldTests.start), Make.trade(5, FoldTests.start, 50, 1), bar(FoldTests.start - day, 40),
            bar(FoldTests.start - day + 60 * FoldTests.second, 41), bar(FoldTests.start - 600 * FoldTests.second, 70),
        ])
        let value = try #require(run.fold.lastValue(of: "SIM:X"))
        #expect(value.previousClose == 41)
        #expect(value.day?.high == 71)
        #expect(value.day?.open == 70)
        #expect(value.day?.close == 50)
        #expect(value.day?.volume == 11)
    }

    @Test("the open bar can be seen as a view")
    func forming() throws {
        let run = try run()
        run.feed([Make.trade(3, FoldTests.start, 10, 2), Make.trade(3, FoldTests.start + 1, 12, 1)])
        let bar = try #require(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60))
        #expect(Int(bar.state) == HUB_BAR_FORMING)
        #expect(bar.head.seq == 0)
        #expect((bar.open, bar.high, bar.close, bar.volume, bar.notional) == (10, 12, 12, 3, 32))
        #expect(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 3600) == nil)
    }

    @Test("a snapshot is the newest record of each kind and interval, as journaled and in order")
    func snapshot() throws {
        let run = try run()
        run.feed([
            Make.trade(3, FoldTests.start, 10, 2), Make.quote(3, FoldTests.start + 1, 9, 11),
            Make.trade(3, FoldTests.start + 60 * FoldTests.second, 11, 2),
        ])
        let all = run.fold.newestRecords(of: "NASDAQ:AAPL")
        // Trade, quote and the two bars that closed.
        let expected = [6, 7, 8, 9].map { run.journal[$0 - 0] }.flatMap { $0 }
        #expect(all == expected)
        let bars = run.fold.newestRecords(of: "NASDAQ:AAPL") { Int($0.pointee.kind) == HUB_BAR }
        #expect(bars.count == 256)
        let summary = try #require(run.fold.instrument("NASDAQ:AAPL"))
        #expect(summary.intervals == [1, 60])
        #expect(summary.kinds == 1 << UInt32(HUB_TRADE) | 1 << UInt32(HUB_QUOTE) | 1 << UInt32(HUB_BAR))
        #expect(summary.activeSource == "a")
        #expect(run.fold.instruments.map(\.symbol) == ["NASDAQ:AAPL", "SIM:X"])
    }

    @Test("what a source sends again after its last position is dropped, bars that were never taken excepted")
    func resume() throws {
        let before = try run(recorded: true)
        let data = (0..<24).map { UInt8($0) }
        func minute(_ number: Int64, _ price: Double) -> [UInt8] {
            Make.bar(
                5, FoldTests.start + number * 60 * FoldTests.second, interval: 60, open: price, high: price, low: price,
                close: price, volume: 1, received: FoldTests.start + 3600 * FoldTests.second)
        }
        let behind: [[UInt8]] = [
            Make.trade(3, FoldTests.start, 1, 1, received: FoldTests.start + 3600 * FoldTests.second), minute(0, 5),
            minute(0, 6), minute(1, 7), Make.quote(3, FoldTests.start + 1, 1, 2),
        ]
        before.feed(Make.trade(3, FoldTests.start, 3, 3))
        before.feed(Make.position(1, FoldTests.start, data))
        let first = before.feed(behind)
        #expect(first.map(\.admission) == [.take, .take, .rejected, .take, .take])
        let point = before.fold.resumePoint(of: "a")
        #expect(point.position == data)
        #expect(point.accepted == 4)
        // The process dies; the state comes back.
        let after = FoldRun(try Fold(plan: plan(recorded: true), restoring: before.fold.save()), seq: before.seq)
        after.fold.dropDuplicates(after.fold.resumePoint(of: "a").accepted, from: "a")
        let again = after.feed(behind)
        #expect(again.map(\.admission) == [.duplicate, .duplicate, .rejected, .duplicate, .duplicate])
        #expect(after.feed(Make.trade(3, FoldTests.start + 2, 1, 1)).admission == .take)
        after.feed(Make.position(1, FoldTests.start, data))
        #expect(after.fold.resumePoint(of: "a").accepted == 0)
    }

    @Test("a source with other settings has no position any more; with the same it keeps it")
    func otherSettings() throws {
        let run = try run()
        func configuration(_ byte: UInt8) -> [UInt8] {
            var configuration = hub_configuration()
            configuration.head = Make.head(1, FoldTests.start)
            configuration.what = UInt8(HUB_CONTROL_CONFIGURATION)
            withUnsafeMutableBytes(of: &configuration.digest) { $0[0] = byte }
            return Make.record(configuration, lines: 2, kind: HUB_CONTROL)
        }
        run.feed([configuration(1), Make.position(1, FoldTests.start, [9]), Make.trade(3, FoldTests.start, 1, 1)])
        run.feed(configuration(1))
        #expect(run.fold.resumePoint(of: "a").position?.first == 9)
        #expect(run.fold.resumePoint(of: "a").accepted == 1)
        run.feed(configuration(2))
        #expect(run.fold.resumePoint(of: "a") == ResumePoint(position: nil, positionSeq: 0, accepted: 0))
    }

    @Test("what stood by since the last position is counted, and a failover takes the count over")
    func skipped() throws {
        let run = try run()
        let position = Make.position(2, FoldTests.start, [])
        run.feed([Make.trade(4, FoldTests.start, 1, 1), position, Make.trade(4, FoldTests.start, 1, 1)])
        run.feed(Make.trade(4, FoldTests.start, 1, 1))
        #expect(run.fold.skippedSincePosition(ofSource: "b") == 2)
        run.feed(Make.failover(2, FoldTests.start, pipeline: "p", from: "a", to: "b", skipped: 2))
        #expect(run.fold.skippedSincePosition(ofSource: "b") == 0)
        #expect(run.fold.resumePoint(of: "b").accepted == 2)
        run.feed(Make.trade(4, FoldTests.start, 1, 1))
        #expect(run.fold.resumePoint(of: "b").accepted == 3)
        #expect(run.fold.activeSource(ofPipeline: "p") == "b")
        #expect(run.fold.source("b")?.standby == 3)
    }

    @Test("states of sources, digests, gaps and the clock are what the records say")
    func records() throws {
        let run = try run()
        run.feed(
            Make.control(
                HUB_CONTROL_SOURCE, stream: 1, 77, state: HUB_STATE_RECONNECTING, previous: HUB_STATE_OK,
                texts: ["", "", "", "closed by the peer"]))
        let source = try #require(run.fold.source("a"))
        #expect(Int(source.state) == HUB_STATE_RECONNECTING)
        #expect(source.reason == "closed by the peer")
        #expect(source.stream == 1)
        var configuration = hub_configuration()
        configuration.head = Make.head(1, FoldTests.start)
        configuration.what = UInt8(HUB_CONTROL_CONFIGURATION)
        withUnsafeMutableBytes(of: &configuration.digest) { $0.copyBytes(from: (0..<32).map { UInt8($0) }) }
        run.feed(Make.record(configuration, lines: 2, kind: HUB_CONTROL))
        configuration.head.stream = 0
        run.feed(Make.record(configuration, lines: 2, kind: HUB_CONTROL))
        #expect(run.fold.settingsDigest(ofSource: "a") == (0..<32).map { UInt8($0) })
        #expect(run.fold.settingsDigest(ofSource: "b") == nil)
        #expect(run.fold.configurationDigest == (0..<32).map { UInt8($0) })
        let opened = run.feed(
            Make.gap(1, FoldTests.start, state: HUB_GAP_OPEN, from: 5, to: 0, symbols: ["NASDAQ:*", "SIM:X"]))
        #expect(run.fold.openGaps.map(\.symbols) == [["NASDAQ:*", "SIM:X"]])
        #expect(run.fold.openGaps.map(\.id) == [opened.head.seq])
        run.feed(
            Make.gap(
                1, FoldTests.start, state: HUB_GAP_CLOSED, from: 5, to: 9, symbols: ["NASDAQ:*"],
                openedBy: opened.head.seq))
        #expect(run.fold.openGaps.isEmpty)
        run.feed(Make.clock(FoldTests.start + 9))
        #expect(run.fold.clockNanoseconds == FoldTests.start + 9)
    }

    @Test("ids are dense and streams are found by what they stand for")
    func definitions() throws {
        let run = try run()
        #expect(run.fold.nextStreamID == 6)
        #expect(run.fold.nextDefinitionID == 1)
        #expect(run.fold.streamID(symbol: "NASDAQ:AAPL", source: "b") == 4)
        #expect(run.fold.streamID(symbol: "", source: "a") == 1)
        #expect(run.fold.streamID(symbol: "NASDAQ:AAPL", source: "b", marketCentre: "X") == nil)
        #expect(run.fold.definitions.streams.count == 5)
    }

    @Test("an instrument that no pipeline has is known but nothing of it is taken")
    func noPipeline() throws {
        let run = try run()
        run.feed(Make.define(StreamDefinition(id: 6, symbol: "NYSE:IBM", source: "a")))
        #expect(run.feed(Make.trade(6, FoldTests.start, 1, 1)).admission == .rejected)
        #expect(run.fold.instrument("NYSE:IBM")?.pipeline == nil)
        #expect(run.feed(Make.trade(99, FoldTests.start, 1, 1)).admission == .rejected)
    }

    @Test("a pipeline without bars makes none, and nothing there is late")
    func noBars() throws {
        let run = try run(recorded: true, bars: [])
        let steps = run.feed([
            Make.trade(3, FoldTests.start + 3600 * FoldTests.second, 1, 1),
            Make.trade(3, FoldTests.start, 2, 1, received: FoldTests.start + 3600 * FoldTests.second),
        ])
        #expect(steps.allSatisfy { $0.derived.isEmpty && Int($0.head.flags) & HUB_FLAG_LATE == 0 })
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.day?.volume == 2)
    }
}
