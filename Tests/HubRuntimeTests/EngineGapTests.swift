import EventFormat
import Foundation
import HubModel
import PluginABI
import Testing

@testable import HubRuntime

/// The supervisor told what happens, and the records it makes of it.
private final class Watched {
    struct Gap: Equatable {
        var number: UInt64
        var state: Int
        var reason: Int
        var openedBy: UInt64
        var from: Int64
        var to: Int64
        var repair: Int
        var symbols: String
    }

    let source: Source
    private(set) var supervisor: Supervisor
    private(set) var gaps: [Gap] = []
    private var last: UInt64 = 0

    init(resumes: Bool = false, isRecorded: Bool = false, staleAfter: Int64 = 0, open: [Supervisor.OpenGap] = []) {
        source = Source(name: "feed") { _ in
            StreamDefinition(id: 0, symbol: "SIM:A", source: "feed")
        }
        source.ownStream = 1
        supervisor = Supervisor(
            plans: [], sources: [], pipelines: [], active: [], states: [], lastClock: 0, now: 0, skipped: { _ in 0 },
            stream: { _, _ in nil }, say: { _ in nil })
        supervisor = Supervisor(
            plans: [
                .init(
                    name: "feed", isRecorded: isRecorded, resumes: resumes, staleAfterNanoseconds: staleAfter,
                    symbols: ["SIM:*"], kinds: 1 << UInt32(HUB_TRADE), calendars: [.always])
            ], sources: [source], pipelines: [], active: [], states: [.ok], openGaps: [open], lastClock: 0, now: 0,
            skipped: { _ in 0 }, stream: { _, _ in 2 },
            say: { [unowned self] record in
                last += 1
                note(record)
                return last
            })
    }

    private func note(_ record: [UInt8]) {
        guard record[1] == UInt8(HUB_GAP) else { return }
        record.withUnsafeBytes { space in
            let gap = space.loadUnaligned(as: hub_gap.self)
            let text = space.withMemoryRebound(to: hub_record.self) {
                RecordText.read($0.baseAddress!, after: 64, count: 1)[0]
            }
            gaps.append(
                Gap(
                    number: last, state: Int(gap.state), reason: Int(gap.reason), openedBy: gap.opened_by,
                    from: gap.from, to: gap.to, repair: Int(gap.repair), symbols: text))
        }
    }

    func event(_ time: Int64) {
        var record = hub_record()
        record.ts_event = time
        record.ts_recv = time
        withUnsafePointer(to: &record) { source.count(taken: 1, first: time, last: $0, sequence: 1) }
    }
}

@Suite("Gaps")
struct EngineGapTests {
    private func expectRange(
        _ watched: Watched, _ reason: Int, from: Int64, to: Int64, symbols: String = "SIM:*",
        _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(watched.gaps.map(\.state) == [HUB_GAP_OPEN, HUB_GAP_CLOSED], sourceLocation: place)
        #expect(watched.gaps.allSatisfy { $0.reason == reason && $0.from == from }, sourceLocation: place)
        #expect(watched.gaps.allSatisfy { $0.symbols == symbols }, sourceLocation: place)
        #expect(watched.gaps.map(\.to) == [0, to], sourceLocation: place)
        #expect(watched.gaps.last?.openedBy == watched.gaps.first?.number, sourceLocation: place)
    }

    @Test("a source that goes down is missing from its last event to the first one after")
    func down() {
        let watched = Watched()
        watched.event(100)
        watched.event(200)
        watched.supervisor.report(source: 0, state: .reconnecting, reason: "cut", now: 250)
        watched.supervisor.report(source: 0, state: .failed, reason: "again", now: 260)
        watched.supervisor.report(source: 0, state: .ok, reason: "", now: 300)
        watched.event(310)
        watched.event(320)
        watched.supervisor.tick(now: 330)
        expectRange(watched, HUB_GAP_SOURCE_DOWN, from: 200, to: 310)
    }

    @Test("what a source sent shortly before it went down does not end the hole")
    func downInATick() {
        let watched = Watched()
        watched.event(100)
        watched.supervisor.tick(now: 110)
        watched.event(200)
        watched.supervisor.report(source: 0, state: .reconnecting, reason: "cut", now: 205)
        watched.supervisor.tick(now: 210)
        #expect(watched.gaps.map(\.state) == [HUB_GAP_OPEN])
        watched.event(310)
        watched.supervisor.tick(now: 320)
        expectRange(watched, HUB_GAP_SOURCE_DOWN, from: 200, to: 310)
    }

    @Test("a source that falls silent in an open market is missing from its last event on")
    func stale() {
        let watched = Watched(staleAfter: 1_000)
        watched.event(100)
        watched.supervisor.tick(now: 110)
        watched.supervisor.tick(now: 2_000)
        watched.event(2_500)
        watched.supervisor.tick(now: 2_600)
        expectRange(watched, HUB_GAP_SOURCE_STALE, from: 100, to: 2_500)
    }

    @Test("what a plugin says is still being lost is over when it says so, or with the next record of all")
    func told() {
        let one = Watched()
        one.event(100)
        one.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_SOURCE_RESET), symbols: ["SIM:A"], kinds: 0, from: 100, to: 0, now: 110)
        one.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_SOURCE_RESET), symbols: ["SIM:A"], kinds: 0, from: 100, to: 0, now: 111)
        // Others go on meanwhile.
        one.event(120)
        one.supervisor.tick(now: 130)
        #expect(one.gaps.count == 1)
        one.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_SOURCE_RESET), symbols: ["SIM:A"], kinds: 0, from: 100, to: 140, now: 150)
        expectRange(one, HUB_GAP_SOURCE_RESET, from: 100, to: 140, symbols: "SIM:A")
        let all = Watched()
        all.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_SOURCE_RESET), symbols: [], kinds: 0, from: 100, to: 0, now: 110)
        all.event(120)
        all.supervisor.tick(now: 130)
        expectRange(all, HUB_GAP_SOURCE_RESET, from: 100, to: 120)
        // Known only afterwards: it comes once.
        all.supervisor.lost(
            source: 0, reason: UInt8(HUB_GAP_OVERLOAD), symbols: [], kinds: 0, from: 130, to: 140, now: 150)
        #expect(all.gaps.count == 3 && all.gaps[2].state == HUB_GAP_CLOSED && all.gaps[2].openedBy == 0)
    }

    @Test("an outage that the hub sees and the plugin tells of, in whatever order, is one gap")
    func once() {
        for hubIsFirst in [true, false] {
            let watched = Watched()
            watched.event(200)
            func tell(to: Int64, now: Int64) {
                watched.supervisor.lost(
                    source: 0, reason: UInt8(HUB_GAP_SOURCE_DOWN), symbols: hubIsFirst ? ["SIM:A"] : [], kinds: 0,
                    from: 200, to: to, now: now)
            }
            if !hubIsFirst { tell(to: 0, now: 240) }
            watched.supervisor.report(source: 0, state: .reconnecting, reason: "cut", now: 250)
            if hubIsFirst { tell(to: 0, now: 251) }
            watched.supervisor.report(source: 0, state: .ok, reason: "", now: 300)
            watched.event(310)
            watched.supervisor.tick(now: 320)
            if hubIsFirst { tell(to: 310, now: 330) }
            expectRange(watched, HUB_GAP_SOURCE_DOWN, from: 200, to: 310)
        }
    }

    @Test("a full disk takes from a live source what came until it was taken in again; one that resumes loses nothing")
    func disk() {
        let live = Watched()
        live.event(100)
        live.supervisor.diskWasFull(from: 150, now: 400, next: { _ in 390 })
        live.event(390)
        live.supervisor.tick(now: 410)
        expectRange(live, HUB_GAP_DISK_FULL, from: 100, to: 390)
        let resuming = Watched(resumes: true)
        resuming.event(100)
        resuming.supervisor.diskWasFull(from: 150, now: 400, next: { _ in 110 })
        #expect(resuming.gaps.map(\.repair) == [HUB_REPAIR_DONE])
        #expect(resuming.gaps.map(\.to) == [110])
    }

    @Test("a stop of the hub takes what a live source sent meanwhile, and what was missing before goes on missing")
    func hubDown() {
        let watched = Watched()
        watched.supervisor.hubWasDown(source: 0, sinceEventNanoseconds: 100, now: 500)
        watched.event(600)
        watched.supervisor.tick(now: 610)
        expectRange(watched, HUB_GAP_HUB_DOWN, from: 100, to: 600)
        let open = Supervisor.OpenGap(
            number: 7, reason: UInt8(HUB_GAP_SOURCE_DOWN), fromNanoseconds: 50, symbols: ["SIM:*"], kinds: 2,
            isPlugins: false)
        let again = Watched(open: [open])
        again.supervisor.hubWasDown(source: 0, sinceEventNanoseconds: 100, now: 500)
        again.event(600)
        again.supervisor.tick(now: 610)
        #expect(again.gaps.map(\.openedBy) == [7])
        #expect(again.gaps.map(\.from) == [50] && again.gaps.map(\.to) == [600])
        for quiet in [Watched(resumes: true), Watched(isRecorded: true)] {
            quiet.supervisor.hubWasDown(source: 0, sinceEventNanoseconds: 100, now: 500)
            #expect(quiet.gaps.isEmpty)
        }
    }
}
