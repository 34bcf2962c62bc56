import EventFormat
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("The conversation of a stream")
struct StreamSessionTests {
    private let catalogue = TestCatalogue()

    private func send(
        _ json: String, to session: inout StreamSession, facts: StreamFacts = StreamFixture.facts()
    ) -> StreamSession.Answer {
        session.receive(Array(json.utf8), facts: facts, catalogue: catalogue)
    }

    private func error(_ answer: StreamSession.Answer) -> StreamError? {
        if case .error(let error) = answer.objects.first { error } else { nil }
    }

    @Test("hello, subscribed, live once, heartbeat, bye")
    func wholeConversation() throws {
        var session = StreamSession(settings: StreamFixture.settings)
        #expect(session.open(StreamFixture.facts()).map(\.type) == ["hello"])
        #expect(session.phase == .waiting)
        let answer = send(
            #"{"op":"subscribe","id":1,"symbols":["NSE:RELIANCE","NSE:RELIANSE","NSE:INFY"],"#
                + #""types":["tick","bar"],"from":"earliest"}"#,
            to: &session)
        #expect(answer.step == .deliver(hole: nil))
        guard case .subscribed(let subscribed) = answer.objects.first else {
            Issue.record("\(answer)")
            return
        }
        #expect(subscribed.after == 0)
        #expect(subscribed.cursor == "\(StreamFixture.epoch).0")
        #expect(subscribed.head == 184_466)
        #expect(subscribed.count == 2)
        #expect(
            subscribed.matched == [
                .init(symbol: "NSE:RELIANCE", types: ["tick", "bar:1m"]), .init(symbol: "NSE:INFY", types: ["tick"]),
            ])
        #expect(subscribed.notFound == ["NSE:RELIANSE"])
        #expect(subscribed.pending == ["NSE:INFY"])
        session.advance(to: 184_466, events: 10)
        #expect(session.reachedHead(StreamFixture.facts()).map(\.type) == ["live"])
        #expect(session.reachedHead(StreamFixture.facts()).isEmpty)
        session.advance(to: 184_500, events: 3)
        let later = StreamFixture.facts(head: 184_510)
        let heartbeat = session.heartbeat([], facts: later)
        #expect(
            heartbeat == [
                .heartbeat(
                    .init(
                        nanoseconds: later.nowNanoseconds, head: 184_510, position: 184_500,
                        cursor: "\(StreamFixture.epoch).184500", sent: 13, sources: []))
            ])
        let bye = session.close(.shutdown, closeCode: 1001, message: "the hub is stopping", facts: later)
        #expect(bye.step == .close(1001))
        #expect(StreamFixture.text(bye.objects[0]).contains("\(StreamFixture.epoch).184500"))
        #expect(session.close(.shutdown, closeCode: 1001, message: "again", facts: later) == .init())
        #expect(send(#"{"op":"ping"}"#, to: &session) == .init())
        #expect(session.heartbeat([], facts: later).isEmpty)
    }

    @Test("a glob alone is fine although it matches nothing yet")
    func emptyGlob() {
        var session = StreamFixture.openSession()
        let answer = send(#"{"op":"subscribe","symbols":["CRYPTO:*"]}"#, to: &session)
        #expect(answer.objects.map(\.type) == ["subscribed"])
        #expect(session.position == 184_466)
    }

    @Test("when no name is known the answer is nothing_matched and the connection waits on")
    func nothingMatched() {
        var session = StreamFixture.openSession()
        let answer = send(#"{"op":"subscribe","id":"x","symbols":["NSE:RELIANSE"]}"#, to: &session)
        #expect(error(answer)?.code == .nothingMatched)
        #expect(error(answer)?.candidates == ["NSE:RELIANCE"])
        #expect(error(answer)?.id == .text("x"))
        #expect(session.phase == .waiting)
    }

    @Test("names without a venue are looked up; ambiguous and malformed ones are errors with a pointer")
    func names() {
        var session = StreamFixture.openSession()
        let ambiguous = error(send(#"{"op":"subscribe","symbols":["RELIANCE","TCS"]}"#, to: &session))
        #expect(ambiguous?.code == .ambiguousSymbol)
        #expect(ambiguous?.candidates == ["NSE:TCS", "BSE:TCS"])
        #expect(ambiguous?.faults.first?.pointer == "/symbols/1")
        #expect(error(send(#"{"op":"subscribe","symbols":["nse:tcs"]}"#, to: &session))?.code == .badSymbol)
        #expect(error(send(#"{"op":"subscribe","symbols":["A,B*"]}"#, to: &session))?.code == .badSymbol)
        #expect(send(#"{"op":"subscribe","symbols":["RELIANCE"]}"#, to: &session).objects.first?.type == "subscribed")
        #expect(session.filter.symbols == ["NSE:RELIANCE"])
    }

    @Test("a value that nobody computes is refused with the name of one that is")
    func notConfigured() {
        var session = StreamFixture.openSession()
        let refused = error(
            send(#"{"op":"subscribe","symbols":["*"],"types":["tick","value:rsi(15)@1m"]}"#, to: &session))
        #expect(refused?.code == .notConfigured)
        #expect(refused?.candidates == ["value:rsi(14)@1m"])
        #expect(refused?.faults.first?.pointer == "/types/1")
    }

    @Test("a later subscription widens from the current position and may not bring its own")
    func widening() throws {
        var session = StreamFixture.openSession()
        _ = send(#"{"op":"subscribe","symbols":["NSE:TCS"],"types":["tick"],"on_slow":"disconnect"}"#, to: &session)
        session.advance(to: 184_470, events: 4)
        let refused = send(#"{"op":"subscribe","id":2,"symbols":["*"],"from":"earliest"}"#, to: &session)
        #expect(error(refused)?.code == .fromNotAllowed)
        let changed = send(#"{"op":"subscribe","symbols":["*"],"on_slow":"catch_up","snapshot":true}"#, to: &session)
        #expect(error(changed)?.faults.map(\.pointer) == ["/snapshot", "/on_slow"])
        let same = send(
            #"{"op":"subscribe","id":3,"symbols":["BSE:*"],"types":["trade"],"on_slow":"disconnect"}"#, to: &session)
        #expect(same.step == .filterChanged)
        guard case .subscribed(let subscribed) = same.objects.first else {
            Issue.record("\(same)")
            return
        }
        #expect(subscribed.after == 184_470)
        #expect(subscribed.id == .integer(3))
        #expect(session.filter.symbols == ["BSE:*", "NSE:TCS"])
        #expect(session.phase == .catchingUp)
        #expect(
            send(#"{"op":"list","id":4}"#, to: &session).objects == [
                .filter(id: .integer(4), symbols: ["BSE:*", "NSE:TCS"], types: ["trade", "tick"], count: 2)
            ])
    }

    @Test("unsubscribing answers with the position, and list shows what is left")
    func unsubscribing() {
        var session = StreamFixture.openSession()
        _ = send(
            #"{"op":"subscribe","symbols":["NSE:*"],"types":["tick","bar:1m","bar:5m","value:rsi(14)@1m"]}"#,
            to: &session)
        let answer = send(#"{"op":"unsubscribe","id":2,"symbols":["NSE:TCS"]}"#, to: &session)
        #expect(answer.objects == [.unsubscribed(id: .integer(2), seq: 184_466)])
        #expect(answer.step == .filterChanged)
        #expect(
            send(#"{"op":"list"}"#, to: &session).objects == [
                .filter(
                    id: nil, symbols: ["NSE:*"], types: ["tick", "bar:1m", "bar:5m", "value:rsi(14)@1m"], count: 2)
            ])
        _ = send(#"{"op":"unsubscribe","types":["bar:1m"]}"#, to: &session)
        #expect(
            send(#"{"op":"list"}"#, to: &session).objects == [
                .filter(id: nil, symbols: ["NSE:*"], types: ["tick", "bar:5m", "value:rsi(14)@1m"], count: 2)
            ])
        #expect(send(#"{"op":"unsubscribe","symbols":["BSE:TCS"]}"#, to: &session).step == .none)
        _ = send(#"{"op":"unsubscribe"}"#, to: &session)
        #expect(session.filter.isEmpty)
        #expect(
            send(#"{"op":"list"}"#, to: &session).objects == [.filter(id: nil, symbols: [], types: [], count: 0)])
        #expect(error(send(#"{"op":"unsubscribe","symbols":["nonsense"]}"#, to: &session))?.code == .badSymbol)
    }

    @Test("positions are resolved against the epochs of the journal")
    func resolution() throws {
        let facts = StreamFixture.facts(head: 500, earliest: 40)
        func resolve(_ start: StreamStart) throws(StreamError) -> StartResolution {
            try StartResolution.resolve(start, facts: facts)
        }
        #expect(try resolve(.live) == .at(after: 500, hole: nil))
        #expect(try resolve(.earliest) == .at(after: 39, hole: nil))
        #expect(try resolve(.after(500, epoch: nil)) == .at(after: 500, hole: nil))
        #expect(try resolve(.after(7, epoch: StreamFixture.epoch)) == .at(after: 7, hole: nil))
        #expect(try resolve(.after(100, epoch: StreamFixture.oldEpoch)) == .at(after: 100, hole: nil))
        #expect(
            try resolve(.after(130, epoch: StreamFixture.oldEpoch))
                == .at(after: 100, hole: StreamHole(after: 100, before: 101, reason: .lost)))
        #expect(try resolve(.time(5)) == .search(.firstAtOrAfter(5)))
        #expect(try resolve(.last(9)) == .search(.newest(9)))
        #expect(throws: StreamError.self) { try resolve(.after(501, epoch: nil)) }
        var codes: [ProblemCode] = []
        for start in [StreamStart.after(501, epoch: StreamFixture.epoch), .after(1, epoch: "ffffffffffffffff")] {
            do { _ = try resolve(start) } catch { codes.append(error.code) }
        }
        #expect(codes == [.cursorAhead, .epochUnknown])
        let empty = StreamFixture.facts(head: 0, earliest: 0)
        #expect(try StartResolution.resolve(.earliest, facts: empty) == .at(after: 0, hole: nil))
    }

    @Test("a lost end of an older epoch is told as a hole, a position beyond the head is an error")
    func holesAndHeads() {
        var session = StreamFixture.openSession()
        let ahead = send(#"{"op":"subscribe","id":1,"symbols":["*"],"from":{"after":999999}}"#, to: &session)
        #expect(error(ahead)?.code == .cursorAhead)
        #expect(error(ahead)?.id == .integer(1))
        #expect(session.phase == .waiting)
        let answer = send(
            #"{"op":"subscribe","symbols":["*"],"from":{"cursor":"\#(StreamFixture.oldEpoch).150"}}"#, to: &session)
        #expect(answer.step == .deliver(hole: StreamHole(after: 100, before: 101, reason: .lost)))
        #expect(session.position == 100)
    }

    @Test("a start that must be searched is answered once it was found; other messages wait for that")
    func searching() throws {
        var session = StreamFixture.openSession()
        let answer = send(#"{"op":"subscribe","id":"r","symbols":["NSE:*"],"from":{"last":2}}"#, to: &session)
        #expect(answer == .init(objects: [], step: .search(.newest(2))))
        #expect(session.phase == .resolving)
        #expect(error(send(#"{"op":"subscribe","symbols":["*"]}"#, to: &session))?.code == .notReady)
        #expect(send(#"{"op":"ping"}"#, to: &session).objects.first?.type == "pong")
        let begun = session.begin(after: 77, facts: StreamFixture.facts())
        #expect(begun.objects.first?.type == "subscribed")
        #expect(session.position == 77)
        #expect(session.begin(after: 78, facts: StreamFixture.facts()) == .init())
    }

    @Test("a search that fails leaves the connection as it was")
    func failedSearch() {
        var session = StreamFixture.openSession()
        _ = send(#"{"op":"subscribe","id":5,"symbols":["NSE:*"],"from":"-1h"}"#, to: &session)
        let failed = session.fail(StreamError(.internalFault, "the journal could not be read"))
        #expect(error(failed)?.id == .integer(5))
        #expect(session.phase == .waiting)
        #expect(session.filter.isEmpty)
    }

    @Test("a live start with snapshot waits for the state's own position")
    func snapshot() {
        var session = StreamFixture.openSession()
        let answer = send(#"{"op":"subscribe","id":1,"symbols":["NSE:*"],"snapshot":true}"#, to: &session)
        #expect(answer.step == .snapshotThenBegin)
        let begun = session.begin(after: 184_470, facts: StreamFixture.facts(head: 184_469))
        guard case .subscribed(let subscribed) = begun.objects.first else {
            Issue.record("\(begun)")
            return
        }
        #expect(subscribed.after == 184_470)
        #expect(subscribed.head == 184_470)
        #expect(session.options.snapshot)
        #expect(session.subscriptionID == .integer(1))
    }

    @Test("the newest matching events and the first after a time are found by feeding records")
    func startSearch() throws {
        var table = DefinitionTable()
        table.learn(StreamDefinition(id: 1, symbol: "NSE:A", source: "s"))
        table.learn(StreamDefinition(id: 2, symbol: "NSE:B", source: "s"))
        let filter = CompiledFilter(
            SubscriptionFilter(patterns: try StreamFixture.patterns(["NSE:A"]), selector: .events), definitions: table)
        // Every third record is of the other instrument; times run backwards within each pair.
        var records: [StreamRecord] = []
        for seq in 1...30 {
            let stream: UInt32 = seq % 3 == 0 ? 2 : 1
            let time = Int64(seq ^ 1) * 10
            records.append(StreamRecord(HUB_TRADE, stream: stream, seq: UInt64(seq), time: time))
        }
        func search(_ goal: StartSearch.Goal, head: UInt64 = 30) -> StartSearch {
            var search = StartSearch(goal, head: head)
            for record in records where search.feed(record.pointer, matches: filter) { break }
            return search
        }
        // Of the newest ones 29, 28, 26, 25.
        #expect(search(.newest(4)).after == 24)
        #expect(search(.newest(4)).isComplete)
        #expect(search(.newest(4), head: 20).after == 15)
        #expect(search(.newest(100)).after == 0)
        #expect(!search(.newest(100)).isComplete)
        #expect(search(.firstAtOrAfter(50)).after == 3)
        #expect(search(.firstAtOrAfter(0)).after == 0)
        #expect(search(.firstAtOrAfter(10_000)).after == 30)
        #expect(search(.newest(3), head: 0).after == 0)
    }

    @Test("too many operations a second are refused, and for ever so many the connection ends")
    func operationBudget() {
        var session = StreamFixture.openSession()
        let now: Int64 = 1_736_174_100_000_000_000
        for _ in 0..<50 { #expect(send(#"{"op":"ping"}"#, to: &session).objects.first?.type == "pong") }
        let refused = error(send(#"{"op":"ping"}"#, to: &session))
        #expect(refused?.code == .rateLimited)
        #expect(refused?.retryAfterMilliseconds == 20)
        let later = StreamFixture.facts(now: now + 20_000_000)
        #expect(send(#"{"op":"ping"}"#, to: &session, facts: later).objects.first?.type == "pong")
        #expect(send(#"{"op":"ping"}"#, to: &session, facts: later).objects.first?.type == "error")
        var steps = Set<StreamSession.Step>()
        for _ in 0..<StreamSession.maximumRefused {
            steps.insert(send(#"{"op":"ping"}"#, to: &session, facts: later).step)
        }
        #expect(steps.contains(.close(1008)))
        #expect(session.phase == .closed)
    }

    @Test("garbage is answered, and ten times in a row ends the connection with 4002")
    func garbage() {
        var session = StreamFixture.openSession()
        for _ in 0..<9 { #expect(send("garbage", to: &session).objects.map(\.type) == ["error"]) }
        #expect(send(#"{"op":"dance"}"#, to: &session).step == .none)
        for _ in 0..<9 { #expect(session.receiveBinary(StreamFixture.facts()).step == .none) }
        let last = send("[]", to: &session)
        #expect(last.objects.map(\.type) == ["error", "bye"])
        #expect(last.step == .close(4002))
    }

    @Test("a message that is too large ends the connection with 1009")
    func tooLarge() {
        var session = StreamFixture.openSession()
        let answer = send(String(repeating: "x", count: 70_000), to: &session)
        #expect(answer.objects.map(\.type) == ["bye"])
        #expect(answer.step == .close(1009))
    }

    @Test("more symbols than a connection may have are refused and change nothing")
    func symbolLimit() {
        var settings = StreamFixture.settings
        settings.limits.symbols = 2
        var session = StreamSession(settings: settings)
        _ = session.open(StreamFixture.facts())
        #expect(
            error(send(#"{"op":"subscribe","symbols":["A:*","B:*","C:*"]}"#, to: &session))?.code == .tooManySymbols)
        _ = send(#"{"op":"subscribe","symbols":["A:*","B:*"]}"#, to: &session)
        #expect(error(send(#"{"op":"subscribe","symbols":["C:*"]}"#, to: &session))?.code == .tooManySymbols)
        #expect(session.filter.symbols == ["A:*", "B:*"])
    }

    @Test("pause, resume and speed are for what comes before live, and are answered behind the end too")
    func replayControls() {
        let operations = [#"{"op":"pause"}"#, #"{"op":"resume"}"#, #"{"op":"speed","speed":2}"#]
        var session = StreamFixture.openSession()
        for json in operations { #expect(error(send(json, to: &session))?.code == .notReplaying) }
        _ = send(#"{"op":"subscribe","symbols":["*"],"from":"earliest","speed":2}"#, to: &session)
        #expect(send(operations[0], to: &session).step == .replay(.pause, nil))
        #expect(send(operations[2], to: &session).step == .replay(.speed(2), nil))
        _ = session.reachedHead(StreamFixture.facts())
        for json in operations { #expect(error(send(json, to: &session))?.code == .notReplaying) }
    }

    @Test("a bounded replay ends with `end` instead of `live`, and nothing is delivered after it")
    func bounded() {
        var session = StreamFixture.openSession()
        _ = send(
            #"{"op":"subscribe","symbols":["*"],"from":{"after":5},"to":{"seq":90}}"#, to: &session)
        #expect(session.bound?.through == 90)
        session.advance(to: 80, events: 3)
        let end = session.reachedEnd(at: 90, StreamFixture.facts())
        #expect(end == [.end(seq: 90, cursor: "\(StreamFixture.epoch).90")])
        #expect(!session.isDelivering)
        #expect(session.reachedHead(StreamFixture.facts()).isEmpty)
        #expect(session.reachedEnd(at: 91, StreamFixture.facts()).isEmpty)
        #expect(error(send(#"{"op":"subscribe","symbols":["*"]}"#, to: &session))?.code == .notReplaying)
        #expect(send(#"{"op":"pause","id":3}"#, to: &session).step == .replay(.pause, .integer(3)))
        let answer = session.replayed(
            .integer(3), isPaused: true, speed: 2, nanoseconds: 1_736_135_099_000_000_000, facts: StreamFixture.facts())
        #expect(
            StreamFixture.text(answer)
                == #"{"type":"replay","id":3,"state":"ended","speed":2,"seq":90,"time":1736135099000000}"#)
        #expect(StreamFixture.text(session.heartbeat([], facts: StreamFixture.facts())[0]).contains(#""position":90"#))
    }

    @Test("an end is a position, the head of the moment, or a time that is over or still to come")
    func bounds() {
        let facts = StreamFixture.facts(head: 100)
        let now = facts.nowNanoseconds
        #expect(StreamBound(.now, after: 7, facts: facts).through == 100)
        #expect(StreamBound(.seq(50), after: 7, facts: facts).through == 50)
        #expect(StreamBound(.seq(5), after: 7, facts: facts).through == 7)
        #expect(StreamBound(.time(now - 1), after: 7, facts: facts).through == 100)
        #expect(StreamBound(.time(now + 1), after: 7, facts: facts).through == .max)
    }

    @Test("what the first subscribe chose may be repeated by a later one, not changed")
    func options() {
        var session = StreamFixture.openSession()
        _ = send(
            #"{"op":"subscribe","symbols":["NSE:*"],"forming":true,"every_ms":500,"on_slow":"conflate"}"#, to: &session)
        let same = #"{"op":"subscribe","symbols":["BSE:*"],"forming":true,"every_ms":500,"on_slow":"conflate"}"#
        #expect(send(same, to: &session).step == .filterChanged)
        let other = error(
            send(
                #"{"op":"subscribe","symbols":["A:*"],"forming":false,"every_ms":250,"to":"now","speed":1,"#
                    + #""on_slow":"catch_up"}"#, to: &session))
        #expect(other?.faults.map(\.pointer) == ["/on_slow", "/to", "/speed", "/forming", "/every_ms"])
    }

    @Test("lag is told at its limits, at each doubling, and once when it is over")
    func lag() {
        var tracker = LagTracker()
        func tell(_ events: UInt64, _ milliseconds: Int64) -> Bool {
            tracker.update(events: events, milliseconds: milliseconds)
        }
        #expect(!tell(9_999, 999))
        #expect(tell(10_000, 10))
        #expect(!tell(19_999, 1_900))
        #expect(tell(20_000, 1_900))
        #expect(tell(20_000, 4_000))
        #expect(!tell(30_000, 7_999))
        #expect(!tell(5, 5))
        #expect(tell(0, 0))
        #expect(!tell(0, 0))
        #expect(tell(1, 1_000))
    }

    @Test("lag is told after live only, and ends a connection that asked for that")
    func slowPolicy() {
        var session = StreamFixture.openSession()
        _ = send(#"{"op":"subscribe","symbols":["*"],"on_slow":"disconnect"}"#, to: &session)
        let facts = StreamFixture.facts(head: 204_466)
        #expect(session.updateLag(events: 20_000, milliseconds: 1840, facts: facts) == .init())
        _ = session.reachedHead(facts)
        let answer = session.updateLag(events: 20_000, milliseconds: 1840, facts: facts)
        #expect(answer.objects.map(\.type) == ["lag", "bye"])
        #expect(answer.step == .close(4000))
    }

    @Test("before any subscription the head is a safe position")
    func waitingPosition() {
        let session = StreamFixture.openSession()
        let heartbeat = session.heartbeat([], facts: StreamFixture.facts(head: 7))
        #expect(StreamFixture.text(heartbeat[0]).contains(#""position":7,"cursor":"7c1f9a02d4e8b310.7","sent":0"#))
    }
}
