import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("The short form of a subscription")
struct ShortFormTests {
    private func read(_ query: String, lastEventID: String? = nil) throws(Problem) -> SubscribeRequest? {
        var reader = ParameterReader(QueryText(target: "/v1/stream?\(query)"), now: 1_736_174_100_000_000_000)
        let request = SubscribeRequest.read(&reader, lastEventID: lastEventID)
        _ = reader.timeStyle()
        try reader.finish()
        return request
    }

    @Test("symbols, types and options in an address")
    func whole() throws {
        let request = try #require(
            try read(
                "symbols=NSE:*,NSE:M%26M&types=trade,value:macd(12,26,9)@1m&from=-1h&exclude=late&snapshot=true&ts=ns"))
        #expect(request.symbols == ["NSE:*", "NSE:M&M"])
        #expect(request.selector == (try EventSelector(["trade", "value:macd(12,26,9)@1m"])))
        #expect(request.from == .time(1_736_170_500_000_000_000))
        #expect(request.given.excludedFlags == UInt16(HUB_FLAG_LATE))
        #expect(request.given.snapshot)
        #expect(request.id == nil)
    }

    @Test(
        "positions in an address",
        arguments: [
            ("from=live", StreamStart.live), ("from=earliest", .earliest), ("from=last:500", .last(500)),
            ("from=after:123", .after(123, epoch: nil)),
            ("cursor=7c1f9a02d4e8b310.9", .after(9, epoch: "7c1f9a02d4e8b310")),
            ("from=2025-01-06", .time(1_736_121_600_000_000_000)), ("from=now", .time(1_736_174_100_000_000_000)),
        ])
    func positions(query: String, start: StreamStart) throws {
        #expect(try read("symbols=*&\(query)")?.from == start)
    }

    @Test(
        "ends in an address",
        arguments: [
            ("to=now", StreamEnd.now), ("to=seq:123", .seq(123)), ("to=2025-01-06", .time(1_736_121_600_000_000_000)),
            ("to=-1h", .time(1_736_170_500_000_000_000)),
        ])
    func ends(query: String, end: StreamEnd) throws {
        #expect(try read("symbols=*&\(query)")?.given.end == end)
    }

    @Test("views and the pace in an address")
    func views() throws {
        let request = try #require(try read("symbols=*&types=summary,bar:1m&forming=true&every_ms=500&speed=2.5"))
        #expect(request.given.forming && request.given.everyMilliseconds == 500 && request.given.speed == 2.5)
        #expect(request.selector.wantsSummary)
    }

    @Test("the last event's id wins over from and cursor")
    func lastEventID() throws {
        let request = try read("symbols=*&from=earliest", lastEventID: "7c1f9a02d4e8b310.42")
        #expect(request?.from == .after(42, epoch: "7c1f9a02d4e8b310"))
        #expect(throws: Problem.self) { try read("symbols=*", lastEventID: "42") }
    }

    @Test("without symbols there is no subscription yet")
    func none() throws {
        #expect(try read("") == nil)
        #expect(try read("ts=iso") == nil)
    }

    @Test(
        "a bad short form is a problem before anything is upgraded",
        arguments: [
            "types=trade", "symbols=", "symbols=*&types=trades", "symbols=*&from=soon", "symbols=*&cursor=5",
            "symbols=*&from=live&cursor=7c1f9a02d4e8b310.9", "symbols=*&forming=1", "symbols=*&to=soon",
            "symbols=*&speed=-2", "symbols=*&on_slow=panic", "symbols=*&from=after:9&to=seq:8",
            "symbols=*&exclude=derived", "symbols=*&colour=red",
            "symbols=*&every_ms=1", "symbols=*&speed=inf", "symbols=*&from=last:99999",
        ])
    func bad(query: String) {
        #expect(throws: Problem.self) { try read(query) }
    }
}
