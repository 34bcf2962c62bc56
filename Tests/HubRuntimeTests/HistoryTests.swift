import EventFormat
import HubModel
import Testing

@testable import HubRuntime

@Suite("What is missing of history")
struct HistoryTests {
    private let key = FetchedRanges.Key(symbol: "NSE:NIFTY 50", interval: .m1)

    @Test("ranges that were fetched join, and what is not in them is missing")
    func ranges() {
        var ranges = FetchedRanges()
        ranges.insert(10..<20, key)
        ranges.insert(30..<40, key)
        #expect(ranges.missing(of: 0..<50, key) == [0..<10, 20..<30, 40..<50])
        ranges.insert(20..<30, key)
        #expect(ranges.ranges[key] == [10..<40])
        ranges.insert(5..<8, key)
        #expect(ranges.ranges[key] == [5..<8, 10..<40] && ranges.missing(of: 12..<30, key).isEmpty)
        #expect(FetchedRanges(text: ranges.text) == ranges)
        #expect(FetchedRanges(text: "nonsense\n1m 5 X\n" + ranges.text) == ranges)
        ranges.forget(before: 9, key)
        #expect(ranges.ranges[key] == [10..<40])
    }

    private func time(_ text: String) throws -> Int64 { try TimeParameter.parse(text, now: 0) }

    @Test("only hours in which the market trades are missing, and only bars that are not there")
    func minutes() throws {
        let finder = MissingBars(calendar: .nse, interval: .m1)
        // Thursday; Friday is a holiday.
        let range = try time("2025-08-14T00:00:00Z")..<time("2025-08-18T00:00:00Z")
        let opens = finder.opens(in: range)
        #expect(opens.last == (try time("2025-08-14T09:59:00Z")))
        let all = finder.stretches(in: range, fetched: [], known: [])
        #expect(all == [opens[0]..<(try time("2025-08-14T10:00:00Z"))])
        #expect(finder.stretches(in: range, fetched: [], known: Set(opens)).isEmpty)
        #expect(finder.stretches(in: range, fetched: all, known: []).isEmpty)
        // The hub came up at eleven: the morning is missing.
        let eleven = try time("2025-08-14T05:30:00Z")
        let morning = finder.stretches(in: range, fetched: [], known: Set(opens.filter { $0 >= eleven }))
        #expect(morning == [opens[0]..<eleven])
        // Single bars that are there do not make many calls.
        let scattered = Set(opens.enumerated().filter { $0.offset % 10 == 5 }.map(\.element))
        #expect(finder.stretches(in: range, fetched: [], known: scattered).count == 1)
        let hour = Set(opens[100..<160])
        #expect(finder.stretches(in: range, fetched: [], known: hour).count == 2)
    }

    @Test("days are missing by date, weeks and months by their first one")
    func dates() throws {
        let days = MissingBars(calendar: .nse, interval: .d1)
        let range = try time("2025-08-11T00:00:00Z")..<time("2025-08-20T00:00:00Z")
        let opens = days.opens(in: range)
        #expect(opens.count == 6)
        #expect(
            days.stretches(in: range, fetched: [], known: [])
                == [try time("2025-08-11T00:00:00Z")..<time("2025-08-20T00:00:00Z")])
        let months = MissingBars(calendar: .nse, interval: .month1)
        let year = try time("2025-01-01T00:00:00Z")..<time("2026-01-01T00:00:00Z")
        #expect(months.opens(in: year).count == 12)
        #expect(months.stretches(in: year, fetched: [], known: []) == [year])
    }

    @Test("holes of one instrument that lie close together become one call")
    func merged() {
        let minute: Int64 = 60_000_000_000
        func part(_ symbol: String, _ from: Int64, _ to: Int64) -> GapPart {
            GapPart(symbol: symbol, interval: .m1, providers: ["acme"], from: from * minute, to: to * minute)
        }
        let parts = [part("A:B", 10, 12), part("A:C", 10, 12), part("A:B", 0, 1), part("A:B", 1000, 1001)]
        let merged = MergedStretch.merge(parts)
        #expect(merged.map(\.stretch.symbol) == ["A:B", "A:B", "A:C"])
        #expect(merged.map { $0.stretch.from / minute } == [0, 1000, 10])
        #expect(merged.map { $0.stretch.to / minute } == [12, 1001, 12])
        #expect(parts.allSatisfy { part in merged.filter { $0.covers(part) }.count == 1 })
    }
}
