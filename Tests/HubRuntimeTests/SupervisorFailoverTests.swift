import EventFormat
import PluginABI
import Testing

@testable import HubRuntime

private let second: Int64 = 1_000_000_000

/// Three sources of one pipeline, told what happens; what the supervisor journals and tells the sources is kept.
private final class Chain {
    struct Switch: Equatable {
        var symbol: String
        var from: String
        var to: String
    }

    let sources: [Source]
    private(set) var supervisor: Supervisor
    private(set) var switches: [Switch] = []
    private(set) var gaps: [(state: Int, source: UInt32, from: Int64, to: Int64)] = []
    /// Of each source: what it streams now.
    private(set) var streams: [[String: UInt32]] = [[:], [:], [:]]
    private let instruments = ["NSE:A", "NSE:B"]

    init(warm: Bool = false, after: Int64 = 2 * second, stale: Int64 = 0, late: Int64 = 0) {
        sources = ["a", "b", "c"].map { name in
            Source(name: name) { handle in
                StreamDefinition(id: 0, symbol: handle == 1 ? "NSE:A" : "NSE:B", source: name)
            }
        }
        supervisor = Supervisor(
            plans: [], sources: [], pipelines: [], active: [], states: [], lastClock: 0, now: 0, skipped: { _ in 0 },
            stream: { _, _ in nil }, say: { _ in nil })
        var last: UInt64 = 0
        let wants = WantBook(
            sources: 3, pipelines: 1, followsHealth: true, reach: [warm ? 2 : 1],
            tell: { [unowned self] source, changes in
                for change in changes { streams[source][change.symbol] = change.kinds == 0 ? nil : change.kinds }
                return true
            })
        for (index, source) in sources.enumerated() { source.ownStream = UInt32(index + 1) }
        supervisor = Supervisor(
            plans: sources.map {
                .init(
                    name: $0.name, isRecorded: false, resumes: false, staleAfterNanoseconds: stale,
                    lateAfterNanoseconds: late, symbols: instruments, kinds: 1 << UInt32(HUB_TICK),
                    calendars: [.always])
            }, sources: sources,
            pipelines: [
                .init(
                    name: "p", sources: [0, 1, 2], afterNanoseconds: after, backAfterNanoseconds: 5 * second,
                    kinds: [8, 8, 8], instruments: instruments, isWarm: warm)
            ], active: [0], states: [.ok, .starting, .starting], lastClock: 0, now: 0, wants: wants,
            skipped: { _ in 0 }, stream: { source, handle in UInt32(10 * source + 10) + handle },
            streamOfSymbol: { [instruments] source, symbol in
                UInt32(10 * source + 10) + UInt32(instruments.firstIndex(of: symbol) ?? 0) + 1
            },
            say: { [unowned self] record in
                note(record)
                last += 1
                return last
            })
        for index in 0..<3 {
            for want in supervisor.beginWants(source: index) { streams[index][want.symbol] = want.kinds }
        }
    }

    private func note(_ record: [UInt8]) {
        record.withUnsafeBytes { space in
            let head = space.loadUnaligned(as: hub_record.self)
            if head.kind == UInt8(HUB_GAP) {
                let gap = space.loadUnaligned(as: hub_gap.self)
                gaps.append((Int(gap.state), head.stream, gap.from, gap.to))
            }
            guard head.kind == UInt8(HUB_CONTROL), space[32] == UInt8(HUB_CONTROL_FAILOVER) else { return }
            let texts = space.withMemoryRebound(to: hub_record.self) {
                RecordText.read($0.baseAddress!, after: 48, count: 4)
            }
            switches.append(
                Switch(
                    symbol: head.stream > 10 ? instruments[Int(head.stream % 10) - 1] : "",
                    from: texts[1], to: texts[2]))
        }
    }

    /// A record came; its source serves, or it is dropped.
    func event(_ source: Int, at time: Int64, received: Int64? = nil, isStandby: Bool = false) {
        var record = hub_record()
        record.ts_event = time
        record.ts_recv = received ?? time
        withUnsafePointer(to: &record) {
            if isStandby {
                sources[source].count(standby: 1, last: $0)
            } else {
                sources[source].count(taken: 1, first: time, last: $0, sequence: 7)
            }
        }
    }

    func tick(_ time: Int64) { supervisor.tick(now: time) }
    func say(_ source: Int, _ state: SourceState, at time: Int64) {
        supervisor.report(source: source, state: state, reason: "", now: time)
    }
    func answer(_ source: Int, _ handle: UInt32, _ state: Int, at time: Int64) {
        supervisor.subscription(source: source, handle: handle, state: UInt8(state), reason: "not listed", now: time)
    }
}

@Suite("Standby and failover")
struct SupervisorFailoverTests {
    @Test("a cold standby streams nothing until the one before it is in doubt, and again when that is well")
    func cold() {
        let chain = Chain()
        chain.tick(second)
        #expect(chain.streams.map(\.count) == [2, 0, 0])
        chain.say(0, .reconnecting, at: 2 * second)
        chain.tick(2 * second)
        #expect(chain.streams.map(\.count) == [2, 0, 0])
        // Half of its time is over: the next one is brought up, so that it is there in time.
        chain.tick(3 * second)
        #expect(chain.streams.map(\.count) == [2, 2, 0])
        chain.say(1, .ok, at: 3 * second)
        chain.tick(4 * second)
        #expect(chain.switches == [.init(symbol: "", from: "a", to: "b")])
        chain.say(0, .ok, at: 5 * second)
        chain.tick(5 * second)
        chain.tick(9 * second)
        #expect(chain.switches.count == 1)
        chain.tick(10 * second)
        #expect(chain.switches.last == .init(symbol: "", from: "b", to: "a"))
        chain.tick(11 * second)
        #expect(chain.streams.map(\.count) == [2, 0, 0])
    }

    @Test(
        "where only a person can help the next one is brought up at once, and the one behind that where it is no better"
    )
    func hopeless() {
        let chain = Chain(after: 60 * second)
        chain.tick(1)
        chain.say(0, .authNeeded, at: 10)
        chain.tick(10)
        #expect(chain.streams.map(\.count) == [2, 2, 0])
        chain.say(1, .authNeeded, at: 20)
        chain.tick(20)
        #expect(chain.streams.map(\.count) == [2, 2, 2])
        chain.say(2, .ok, at: 30)
        chain.tick(30)
        #expect(chain.switches == [.init(symbol: "", from: "a", to: "c")])
    }

    @Test("a warm standby streams all the time, and what it sends keeps it from being called stale")
    func warm() {
        let chain = Chain(warm: true, stale: 3 * second)
        chain.say(1, .ok, at: 1)
        for time in 1...20 {
            chain.event(0, at: Int64(time) * second)
            chain.event(1, at: Int64(time) * second, isStandby: true)
            chain.tick(Int64(time) * second)
        }
        #expect(chain.streams.map(\.count) == [2, 2, 0])
        #expect(chain.supervisor.health[1].state == .ok)
        #expect(chain.sources[1].standby == 20 && chain.sources[1].taken == 0)
        // What it does not send any more is missed by nobody.
        for time in 21...25 {
            chain.event(0, at: Int64(time) * second)
            chain.tick(Int64(time) * second)
        }
        #expect(chain.supervisor.health[1].state == .stale)
        #expect(chain.gaps.isEmpty)
    }

    @Test(
        "a mute source loses its place, what was missed ends with its successor's first event, and speech gives it back"
    )
    func mute() {
        let chain = Chain(warm: true, stale: 3 * second)
        chain.say(1, .ok, at: 1)
        chain.event(0, at: second)
        chain.tick(second)
        for time in 2...6 {
            chain.event(1, at: Int64(time) * second, isStandby: true)
            chain.tick(Int64(time) * second)
        }
        #expect(chain.switches == [.init(symbol: "", from: "a", to: "b")])
        chain.event(1, at: 7 * second)
        chain.tick(7 * second)
        #expect(chain.gaps.map(\.state) == [HUB_GAP_OPEN, HUB_GAP_CLOSED])
        #expect(chain.gaps.map(\.from) == [second, second] && chain.gaps.last?.to == 7 * second)
        #expect(chain.gaps.allSatisfy { $0.source == 1 })
        for time in 8...14 {
            chain.event(0, at: Int64(time) * second, isStandby: true)
            chain.event(1, at: Int64(time) * second)
            chain.tick(Int64(time) * second)
        }
        #expect(chain.switches.map(\.to) == ["b", "a"])
    }

    @Test("a source whose data is late loses its place although it is connected, and gets it back when it is in time")
    func late() {
        let chain = Chain(warm: true, after: second, late: 500_000_000)
        chain.say(1, .ok, at: 1)
        for time in 1...10 {
            let now = Int64(time) * second
            chain.event(0, at: now - second, received: now)
            chain.event(1, at: now, isStandby: true)
            chain.say(0, .ok, at: now)
            chain.tick(now)
        }
        #expect(chain.supervisor.health[0].state == .degraded && !chain.supervisor.health[0].canServe)
        #expect(chain.switches == [.init(symbol: "", from: "a", to: "b")])
        #expect(chain.gaps.isEmpty)
        for time in 11...25 {
            chain.event(0, at: Int64(time) * second, isStandby: true)
            chain.event(1, at: Int64(time) * second)
            chain.tick(Int64(time) * second)
        }
        #expect(chain.supervisor.health[0].state == .ok)
        #expect(chain.switches.map(\.to) == ["b", "a"])
    }

    @Test("an instrument that the serving source does not have is taken from the next that has it, and given back")
    func perInstrument() {
        let chain = Chain()
        chain.answer(0, 1, HUB_STATE_OK, at: 1)
        chain.answer(0, 2, HUB_STATE_FAILED, at: 1)
        chain.tick(2)
        // Only that one is wanted of the next.
        #expect(chain.streams[1].keys.sorted() == ["NSE:B"])
        chain.say(1, .ok, at: 3)
        chain.answer(1, 2, HUB_STATE_FAILED, at: 4)
        chain.tick(5)
        #expect(chain.streams[2].keys.sorted() == ["NSE:B"])
        #expect(chain.supervisor.unserved(pipeline: 0) == 1)
        chain.say(2, .ok, at: 6)
        chain.answer(2, 2, HUB_STATE_OK, at: 7)
        chain.tick(8)
        #expect(chain.switches == [.init(symbol: "NSE:B", from: "a", to: "c")])
        #expect(chain.supervisor.unserved(pipeline: 0) == 0)
        chain.answer(0, 2, HUB_STATE_OK, at: 9)
        chain.tick(10)
        #expect(chain.switches.last == .init(symbol: "NSE:B", from: "c", to: "a"))
        #expect(chain.streams.map(\.count) == [2, 0, 0])
    }

    @Test("what is lost of a source that stands by is nobody's gap")
    func standbyGap() {
        let chain = Chain(warm: true)
        chain.supervisor.lost(
            source: 1, reason: UInt8(HUB_GAP_SOURCE_DOWN), symbols: ["NSE:A", "NSE:B"], kinds: 0, from: 1, to: 0, now: 2
        )
        chain.supervisor.lost(
            source: 1, reason: UInt8(HUB_GAP_SOURCE_DOWN), symbols: ["NSE:A", "NSE:B"], kinds: 0, from: 1, to: 3, now: 4
        )
        #expect(chain.gaps.isEmpty)
        chain.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_SOURCE_DOWN), symbols: ["NSE:A"], kinds: 0, from: 1, to: 3, now: 4)
        #expect(chain.gaps.count == 1)
    }
}

@Suite("Delays of a source")
struct DelayWindowTests {
    @Test("the median follows the last seconds, and few records say nothing")
    func median() {
        var window = DelayWindow()
        #expect(window.medianNanoseconds(now: 0) == nil)
        for time in 1...200 {
            window.add(receivedNanoseconds: Int64(time) * second / 10, eventNanoseconds: Int64(time) * second / 10 - 5)
        }
        #expect(window.medianNanoseconds(now: 20 * second) == 5)
        for time in 201...230 {
            window.add(
                receivedNanoseconds: Int64(time) * second / 10, eventNanoseconds: Int64(time) * second / 10 - 900)
        }
        #expect(window.medianNanoseconds(now: 23 * second) == 900)
    }

    @Test("a slow source is judged by its last few records, clocks that disagree count as no delay")
    func slow() {
        var window = DelayWindow()
        for time in 1...3 {
            window.add(receivedNanoseconds: Int64(time) * 60 * second, eventNanoseconds: Int64.max / 2)
        }
        #expect(window.medianNanoseconds(now: 600 * second) == 0)
    }
}
