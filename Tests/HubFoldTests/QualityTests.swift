import EventFormat
import HubFold
import HubModel
import PluginABI
import Testing

/// What is flagged suspect, and what becomes of it.
@Suite struct QualityTests {
    static let start = FoldTests.start
    static let second = FoldTests.second

    private func run(
        _ quality: QualityPlan = QualityPlan(), recorded: Bool = false, price: BarPrice = .last
    ) throws -> FoldRun {
        let run = FoldRun(
            FoldPlan(
                pipelines: [
                    PipelinePlan(
                        name: "p", sources: ["a"], instruments: [try Symbol("NASDAQ:AAPL"), try Symbol("NSE:TCS")],
                        bars: [.m1, .d1], price: price, quality: quality)
                ], sources: [SourcePlan(name: "a", recorded: recorded)]))
        run.feed([
            Make.define(StreamDefinition(id: 1, symbol: "", source: "a")),
            Make.define(StreamDefinition(id: 2, symbol: "NASDAQ:AAPL", source: "a")),
            Make.define(StreamDefinition(id: 3, symbol: "NSE:TCS", source: "a")),
        ])
        return run
    }

    private func time(_ index: Int) -> Int64 { QualityTests.start + Int64(index) * QualityTests.second }

    private func isSuspect(_ step: FoldRun.Step) -> Bool {
        #expect(step.admission == .take)
        return Int(step.head.flags) & HUB_FLAG_SUSPECT != 0
    }

    /// Which of a row of trades a second apart are flagged.
    private func flagged(_ prices: [Double], _ quality: QualityPlan = QualityPlan()) throws -> [Int] {
        let run = try run(quality)
        return prices.indices.filter { isSuspect(run.feed(Make.trade(2, time($0), prices[$0], 1))) }
    }

    @Test("a price out of the band is suspect, the next one near it confirms it, and one wrong price costs one flag")
    func spikes() throws {
        #expect(try flagged([100, 119.9, 100, 80.1]) == [])
        #expect(try flagged([100, 100.5, 150, 100.4, 100.6]) == [2])
        #expect(try flagged([100, 150, 151, 149, 150]) == [1])
        #expect(try flagged([100, 150, 50, 52, 50]) == [1, 2])
        #expect(try flagged([100, 50, 30, 18, 11]) == [1, 2, 3, 4])
        #expect(try flagged([100, 103, 100], QualityPlan(spikePercent: 2.5)) == [1])
        #expect(try flagged([100, 1000, 100], QualityPlan(spikePercent: 0)) == [])
    }

    @Test("last values and bars take a suspect price as any other: nothing stands still, nothing is lost")
    func spikesCount() throws {
        let run = try run()
        for (index, price) in [100.0, 150, 151].enumerated() { run.feed(Make.trade(2, time(index), price, 2)) }
        let bar = try #require(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60))
        #expect(bar.count == 3 && bar.volume == 6 && bar.high == 151 && bar.close == 151)
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.trade?.price == 151)
        run.feed(Make.trade(2, time(3), 300, 1))
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.trade?.price == 300)
        #expect(run.fold.source("a")?.suspects.spike == 2)
        #expect(run.fold.counters.suspect == 2)
    }

    @Test("prices below zero and sides that cross are suspect; locked sides and a missing side are not")
    func crossed() throws {
        let run = try run()
        #expect(!isSuspect(run.feed(Make.quote(2, time(0), 100, 101))))
        #expect(isSuspect(run.feed(Make.quote(2, time(1), 101.5, 101))))
        #expect(!isSuspect(run.feed(Make.quote(2, time(2), 101, 101))))
        #expect(!isSuspect(run.feed(Make.quote(2, time(3), .nan, 101))))
        #expect(isSuspect(run.feed(Make.quote(2, time(4), -1, 101))))
        #expect(isSuspect(run.feed(Make.trade(2, time(5), -1, 1))))
        #expect(isSuspect(run.feed(Make.book(2, time(6), bids: [101, 100], asks: [100.5]))))
        #expect(isSuspect(run.feed(Make.book(2, time(7), bids: [100, -1], asks: [100.5]))))
        #expect(!isSuspect(run.feed(Make.book(2, time(8), bids: [100, 99], asks: [100.5, 101]))))
        #expect(run.fold.source("a")?.suspects.crossed == 5)
        let off = try self.run(QualityPlan(crossed: false))
        #expect(!isSuspect(off.feed(Make.quote(2, time(1), 101.5, 101))))
        #expect(!isSuspect(off.feed(Make.trade(2, time(2), -37.6, 1))))
        #expect(!isSuspect(off.feed(Make.trade(2, time(3), -38, 1))))
    }

    @Test("quotes are compared with quotes: a middle out of the band is suspect until the next one confirms it")
    func quoteSpikes() throws {
        let run = try run(price: .mid)
        let middles: [Double] = [100, 101, 150, 100, 150, 151]
        let flagged = middles.indices.filter {
            isSuspect(run.feed(Make.quote(2, time($0), middles[$0] - 1, middles[$0] + 1)))
        }
        #expect(flagged == [2, 4])
        #expect(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60)?.high == 151)
    }

    @Test("a time before the newest of its stream and kind is suspect, and does not become the last value")
    func backwards() throws {
        let run = try run()
        let times = [10, 11, 5, 6, 11, 12, 3]
        let flagged = times.indices.filter {
            isSuspect(run.feed(Make.trade(2, time(times[$0]), 100 + Double($0), 1, received: time(30))))
        }
        #expect(flagged == [2, 3, 6])
        // Quotes have their own order, and so has another instrument.
        #expect(!isSuspect(run.feed(Make.quote(2, time(4), 100, 101, received: time(30)))))
        #expect(!isSuspect(run.feed(Make.trade(3, time(4), 100, 1, received: time(30)))))
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.trade?.price == 105)
        #expect(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60)?.count == 7)
        #expect(run.fold.source("a")?.suspects.backwards == 3)
    }

    @Test("a single time that was wrong does not make all that follow suspect")
    func wrongTime() throws {
        let run = try run(recorded: true)
        let received = time(100_000)
        run.feed(Make.trade(2, time(50_000), 100, 1, received: received))
        let flagged = (0..<200).filter { isSuspect(run.feed(Make.trade(2, time($0), 100, 1, received: received))) }
        #expect(flagged == Array(0..<64))
    }

    @Test("a day's volume below what it had reached is suspect and adds nothing; a new date begins anew")
    func volume() throws {
        let run = try run()
        let volumes: [Double] = [1000, 1100, 900, 950, .nan, 1100, 1200]
        let flagged = volumes.indices.filter {
            isSuspect(run.feed(Make.tick(3, time($0), last: 100, volume: volumes[$0])))
        }
        #expect(flagged == [2, 3])
        #expect(run.fold.lastValue(of: "NSE:TCS")?.day?.volume == 200)
        let tomorrow = time(86_400)
        #expect(!isSuspect(run.feed(Make.tick(3, tomorrow, last: 100, volume: 10))))
        #expect(isSuspect(run.feed(Make.tick(3, tomorrow + 1, last: 100, volume: 9))))
        let off = try self.run(QualityPlan(volumeFalls: false))
        off.feed(Make.tick(3, time(0), last: 100, volume: 10))
        #expect(!isSuspect(off.feed(Make.tick(3, time(1), last: 100, volume: 9))))
    }

    @Test("a volume that begins anew within a date is suspect eight times, then it counts")
    func volumeBeginsAnew() throws {
        let run = try run()
        run.feed(Make.tick(3, time(0), last: 100, volume: 1_000_000))
        let flagged = (1..<40).filter {
            isSuspect(run.feed(Make.tick(3, time($0), last: 100, volume: Double($0))))
        }
        #expect(flagged == Array(1...8))
    }

    @Test("the same trade after a reconnect is suspect, and with its id it is not counted twice")
    func duplicates() throws {
        let run = try run()
        let last = Int(HUB_FLAG_LAST_OF_MESSAGE)
        for id in 1...5 {
            run.feed(Make.trade(2, time(id), 100 + Double(id), 10, flags: last, id: UInt64(id)))
        }
        for id in 3...5 {
            let step = run.feed(
                Make.trade(2, time(id), 100 + Double(id), 10, received: time(20), flags: last, id: UInt64(id)))
            #expect(isSuspect(step))
        }
        #expect(!isSuspect(run.feed(Make.trade(2, time(5), 105, 10, received: time(21), flags: last, id: 6))))
        let bar = try #require(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60))
        #expect(bar.count == 6 && bar.volume == 60)
        #expect(run.fold.lastValue(of: "NASDAQ:AAPL")?.day?.volume == 60)
        #expect(run.fold.source("a")?.suspects.duplicates == 3)
        #expect(run.fold.source("a")?.suspects.records == 3)
    }

    @Test("trades without an id may be alike within one message, not in a later one")
    func duplicatesWithoutID() throws {
        let run = try run()
        let last = Int(HUB_FLAG_LAST_OF_MESSAGE)
        func trade(_ received: Int, _ flags: Int = 0) -> Bool {
            isSuspect(run.feed(Make.trade(2, time(1), 100, 10, received: time(received), flags: flags)))
        }
        #expect(!trade(2))
        #expect(!trade(2))
        #expect(!trade(2, last))
        // One more message at the same instant, and one later.
        #expect(trade(2, last))
        #expect(trade(3))
        #expect(!isSuspect(run.feed(Make.trade(2, time(1), 100, 11, received: time(4)))))
        #expect(!isSuspect(run.feed(Make.trade(2, time(2), 100, 10, received: time(4)))))
        // It may be another one after all: each counts.
        #expect(run.fold.formingBar(of: "NASDAQ:AAPL", interval: 60)?.count == 7)
    }

    @Test("rows of a recording without an id may be alike, but not behind later ones")
    func duplicatesOfARecording() throws {
        let run = try run(QualityPlan(backwards: false), recorded: true)
        let last = Int(HUB_FLAG_LAST_OF_MESSAGE)
        func trade(_ index: Int) -> Bool {
            isSuspect(run.feed(Make.trade(2, time(index), 100, 10, received: time(index + 50), flags: last)))
        }
        #expect([1, 1, 2, 3, 3].map(trade) == [false, false, false, false, false])
        #expect([2, 3].map(trade) == [true, false])
        #expect(!isSuspect(run.feed(Make.trade(2, time(2), 101, 10, received: time(60), flags: last))))
    }

    @Test("corrections and backfill are of the past, and not compared with the present")
    func past() throws {
        let run = try run()
        run.feed(Make.trade(2, time(10), 100, 10, id: 1))
        #expect(
            !isSuspect(
                run.feed(Make.trade(2, time(10), 150, 10, received: time(11), flags: HUB_FLAG_CORRECTION, id: 1)))
        )
        #expect(!isSuspect(run.feed(Make.trade(2, time(1), 50, 10, received: time(12), flags: HUB_FLAG_BACKFILLED))))
        #expect(!isSuspect(run.feed(Make.trade(2, time(11), 101, 10, received: time(12)))))
    }

    @Test("what was never traded has a tick of zero that its source doubts: no bar and no price, but a newest tick")
    func untraded() throws {
        for quality in [QualityPlan(), .off] {
            let run = try run(quality)
            var tick = Make.tick(3, time(0), last: 0, volume: 0)
            tick[2] |= UInt8(HUB_FLAG_SUSPECT)
            #expect(run.feed(tick).derived.isEmpty)
            #expect(run.fold.formingBar(of: "NSE:TCS", interval: 60) == nil)
            #expect(run.fold.lastValue(of: "NSE:TCS")?.day == nil)
            #expect(run.fold.lastValue(of: "NSE:TCS")?.tick?.last == 0)
            // The first real price is not far from anything, and its volume counts from its own mark on.
            #expect(!isSuspect(run.feed(Make.tick(3, time(1), last: 42, volume: 7))))
            let bar = try #require(run.fold.formingBar(of: "NSE:TCS", interval: 60))
            #expect(bar.open == 42 && bar.low == 42 && bar.count == 1)
            #expect(run.fold.source("a")?.suspects.bySource == 1)
        }
    }

    @Test("a zero that no one doubts is a price")
    func zero() throws {
        let run = try run()
        run.feed(Make.tick(3, time(0), last: 0))
        #expect(run.fold.formingBar(of: "NSE:TCS", interval: 60)?.close == 0)
    }

    @Test("a state written before there were checks opens, and goes on")
    func oldState() throws {
        let plan = FoldPlan(
            pipelines: [
                PipelinePlan(
                    name: "p", sources: ["a"], instruments: [try Symbol("NASDAQ:AAPL")], bars: [.m1],
                    quality: QualityPlan())
            ], sources: [SourcePlan(name: "a")])
        let fold = try Fold(plan: plan, restoring: OldState.version2)
        #expect(fold.lastAppliedSeq == 5)
        #expect(fold.lastValue(of: "NASDAQ:AAPL")?.trade?.price == 101)
        let run = FoldRun(fold, seq: 5)
        #expect(!isSuspect(run.feed(Make.trade(2, time(3), 150, 1))))
        #expect(isSuspect(run.feed(Make.trade(2, time(4), 100, 1))))
        #expect(fold.formingBar(of: "NASDAQ:AAPL", interval: 60)?.count == 5)
    }
}
