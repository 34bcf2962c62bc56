import EventFormat
import Foundation
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("Bars: filling and sessions")
struct BarFillTests {
    private static let minute: Int64 = 60_000_000_000

    private static func row(_ time: Int64, close: Double) -> BarRow {
        var bar = hub_bar()
        bar.head.ts_event = time
        bar.state = UInt8(HUB_BAR_CLOSED)
        (bar.open, bar.high, bar.low, bar.close, bar.volume) = (close, close, close, close, 1)
        (bar.notional, bar.open_interest) = (.nan, .nan)
        bar.count = 1
        return BarRow(bar)
    }

    private static func clock(_ calendar: TradingCalendar, _ session: BarSession = .all) -> SessionClock {
        SessionClock(calendar: calendar, session: session)
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64.max)
    }

    @Test("the parts of a filled series are those of the whole, however they are asked for")
    func parts() {
        var random = Generator(state: Self.seed)
        let seed: Comment = "HUB_SEED=\(random.state)"
        for _ in 0..<30 {
            let calendar = [TradingCalendar.nse, .usEquities, .always].randomElement(using: &random)!
            let session = [BarSession.all, .regular].randomElement(using: &random)!
            let interval = [Interval.m1, .m5, .m30, .h1, .d1, .w1].randomElement(using: &random)!
            let clock = Self.clock(calendar, session)
            // A fortnight with a holiday in it for both exchanges: 2019-12-23 to 2020-01-05.
            var opens: [Int64] = []
            for date in 18253..<18267 {
                for open in clock.opens(on: date, interval) where opens.last != open { opens.append(open) }
            }
            let knownTo = calendar.closingTime(start: opens[opens.count - 1], interval)
            var close = 100.0
            var rows: [BarRow] = []
            for open in opens where Int.random(in: 0..<6, using: &random) == 0 {
                close += 1
                rows.append(Self.row(open, close: close))
            }
            // Brute force: every open behind the first bar.
            var whole: [BarRow] = []
            var next = rows[...]
            for open in opens {
                if let row = next.first, row.time == open {
                    whole.append(row)
                    next = next.dropFirst()
                } else if let last = whole.last {
                    whole.append(BarRow(repeating: last, at: open))
                }
            }
            let fill = BarFill(clock: clock, interval: interval, from: nil, to: nil, knownTo: knownTo)
            let all = shown(whole)
            #expect(shown(fill.forward(rows, after: nil, limit: 1_000_000)) == all, seed)
            let limit = Int.random(in: 1...50, using: &random)
            #expect(shown(fill.backward(rows.suffix(limit), limit: limit)) == all.suffix(limit), seed)
            let few = Array(rows.prefix(limit + 1))
            #expect(shown(fill.forward(few, after: nil, limit: limit)) == Array(all.prefix(limit + 1)), seed)
            guard whole.count > 4 else { continue }
            let from = whole[Int.random(in: 1..<whole.count, using: &random)].time
            let to = from + Int64.random(in: 1...1_000, using: &random) * Self.minute * 7
            let part = BarFill(clock: clock, interval: interval, from: from, to: to, knownTo: knownTo)
            let inside = rows.filter { $0.time >= from && $0.time < to }
            let found = part.forward(inside, after: rows.last { $0.time < from }, limit: 1_000_000)
            #expect(shown(found) == shown(whole.filter { $0.time >= from && $0.time < to }), seed)
        }
    }

    /// What tells rows apart here; a row itself holds a NaN.
    private func shown(_ rows: some Sequence<BarRow>) -> [String] {
        rows.map { "\($0.time) \($0.close) \($0.state) \($0.count)" }
    }

    @Test("what is not over is not filled")
    func running() {
        let fill = BarFill(
            clock: Self.clock(.always), interval: .m1, from: nil, to: nil, knownTo: 10 * Self.minute + 1)
        let filled = fill.forward([Self.row(6 * Self.minute, close: 5)], after: nil, limit: 100)
        #expect(filled.map(\.time) == [6, 7, 8, 9].map { $0 * Self.minute })
        #expect(filled.map(\.state) == [.closed, .filled, .filled, .filled])
        #expect(filled.last?.close == 5)
        #expect(filled.last?.vwap.isNaN == true)
    }

    @Test("half hours keep to the session of US shares, hours do not; on half days it ends early")
    func sessions() {
        let clock = Self.clock(.usEquities, .regular)
        #expect(clock.isAligned(.m30) && clock.isAligned(.m1) && !clock.isAligned(.h1))
        #expect(Self.clock(.nse, .regular).isAligned(.m15) && !Self.clock(.nse, .regular).isAligned(.h1))
        // 2024-11-29, the day after Thanksgiving: 09:30 to 13:00.
        #expect(clock.opens(on: 20056, .m30).count == 7)
        #expect(clock.opens(on: 20055, .m30).isEmpty)
        #expect(clock.opens(on: 20055, .d1).isEmpty && clock.opens(on: 20056, .d1).count == 1)
        #expect(clock.opens(on: 20056, .h1).count == 4)
    }

    /// xorshift64*: the same numbers for the same seed.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            if state == 0 { state = 1 }
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return state &* 0x2545_F491_4F6C_DD1D
        }
    }
}
