import EventFormat
import Testing

@testable import HubServer

/// The examples of the objects' description, byte for byte.
@Suite("Stream objects as documented")
struct StreamObjectTests {
    @Test("hello")
    func hello() {
        var session = StreamSession(settings: StreamFixture.settings)
        let objects = session.open(StreamFixture.facts())
        #expect(
            objects.map { StreamFixture.text($0) } == [
                #"{"type":"hello","api":1,"version":"0.1.0","epoch":"7c1f9a02d4e8b310","head":184466,"#
                    + #""earliest":{"seq":1,"time":1735700000000000},"time":1736174100000000,"heartbeat_ms":5000,"#
                    + #""durability":"process","encoding":"json","connection":"c-51","limits":{"symbols":10000,"#
                    + #""message_bytes":65536,"ops_per_second":50,"batch_bytes":524288}}"#
            ])
    }

    @Test("subscribed")
    func subscribed() {
        let types = ["tick", "quote", "bar:1m"]
        let object = StreamObject.subscribed(
            .init(
                id: .integer(1), after: 184_000, cursor: "7c1f9a02d4e8b310.184000", head: 184_466, count: 2,
                matched: [.init(symbol: "NSE:RELIANCE", types: types), .init(symbol: "NSE:TCS", types: types)],
                notFound: ["NSE:RELIANSE"], denied: [], pending: ["NSE:INFY"]))
        #expect(
            StreamFixture.text(object)
                == #"{"type":"subscribed","id":1,"after":184000,"cursor":"7c1f9a02d4e8b310.184000","head":184466,"#
                + #""count":2,"matched":[{"symbol":"NSE:RELIANCE","types":["tick","quote","bar:1m"]},"#
                + #"{"symbol":"NSE:TCS","types":["tick","quote","bar:1m"]}],"not_found":["NSE:RELIANSE"],"denied":[],"#
                + #""pending":["NSE:INFY"]}"#)
    }

    @Test("unsubscribed, pong, filter")
    func answers() {
        #expect(
            StreamFixture.text(.unsubscribed(id: .integer(2), seq: 190_211))
                == #"{"type":"unsubscribed","id":2,"seq":190211}"#)
        #expect(
            StreamFixture.text(.pong(id: .text("p7"), nanoseconds: 1_736_174_105_000_000_000))
                == #"{"type":"pong","id":"p7","time":1736174105000000}"#)
        #expect(
            StreamFixture.text(.filter(id: nil, symbols: ["NSE:*"], types: ["tick"], count: 3))
                == #"{"type":"filter","symbols":["NSE:*"],"types":["tick"],"count":3}"#)
    }

    @Test("live and hole")
    func liveAndHole() {
        let live = StreamObject.live(
            seq: 184_466, cursor: "7c1f9a02d4e8b310.184466", nanoseconds: 1_736_174_100_000_000_000)
        #expect(
            StreamFixture.text(live)
                == #"{"type":"live","seq":184466,"cursor":"7c1f9a02d4e8b310.184466","time":1736174100000000}"#)
        #expect(live.resumeCursor == "7c1f9a02d4e8b310.184466")
        #expect(StreamFixture.text(live, style: .iso).hasSuffix(#""time":"2025-01-06T14:35:00.000000000Z"}"#))
        #expect(
            StreamFixture.text(
                .hole(StreamHole(after: 1200, before: 56001, reason: .retention, types: ["tick", "quote"])))
                == #"{"type":"hole","after":1200,"before":56001,"reason":"retention","types":["tick","quote"]}"#)
        #expect(
            StreamFixture.text(.hole(StreamHole(after: 1, before: 2, reason: .lost)))
                == #"{"type":"hole","after":1,"before":2,"reason":"lost"}"#)
    }

    @Test("lag and heartbeat")
    func lagAndHeartbeat() {
        #expect(
            StreamFixture.text(
                .lag(
                    .init(
                        seq: 184_466, head: 204_466, behind: 20000, behindMilliseconds: 1840, onSlow: .catchUp)))
                == #"{"type":"lag","seq":184466,"head":204466,"behind":20000,"behind_ms":1840,"on_slow":"catch_up"}"#)
        let heartbeat = StreamObject.heartbeat(
            .init(
                nanoseconds: 1_736_174_105_000_000_000, head: 190_210, position: 190_210,
                cursor: "7c1f9a02d4e8b310.190210", sent: 18211,
                sources: [
                    .init(name: "finnhub", state: "ok", ageMilliseconds: 40),
                    .init(name: "zerodha", state: "closed", ageMilliseconds: 14_160_000),
                    .init(name: "new", state: "starting", ageMilliseconds: nil),
                ]))
        #expect(
            StreamFixture.text(heartbeat)
                == #"{"type":"heartbeat","time":1736174105000000,"head":190210,"position":190210,"#
                + #""cursor":"7c1f9a02d4e8b310.190210","sent":18211,"sources":{"finnhub":{"state":"ok","age_ms":40},"#
                + #""zerodha":{"state":"closed","age_ms":14160000},"new":{"state":"starting"}}}"#)
    }

    @Test("error and bye")
    func errorAndBye() {
        let error = StreamError(
            .unknownSymbol, "no instrument NSE:RELIANSE; did you mean NSE:RELIANCE?", id: .integer(1),
            faults: [.init(pointer: "/symbols/0", message: "unknown")])
        #expect(
            StreamFixture.text(.error(error))
                == #"{"type":"error","id":1,"code":"unknown_symbol","#
                + #""message":"no instrument NSE:RELIANSE; did you mean NSE:RELIANCE?","retry":false,"#
                + #""errors":[{"pointer":"/symbols/0","message":"unknown"}]}"#)
        let bye = StreamObject.bye(
            .init(
                code: .shutdown, closeCode: 1001, message: "the hub is stopping", retryAfterMilliseconds: 1000,
                cursor: "7c1f9a02d4e8b310.190210"))
        #expect(
            StreamFixture.text(bye)
                == #"{"type":"bye","code":"shutdown","close_code":1001,"message":"the hub is stopping","retry":true,"#
                + #""retry_after_ms":1000,"cursor":"7c1f9a02d4e8b310.190210"}"#)
    }

    @Test("a snapshot holds events as they are, and objects in a message are separated")
    func snapshot() {
        var buffer = TextBuffer()
        buffer.beginArray()
        StreamObject.unsubscribed(id: nil, seq: 1).write(into: &buffer, style: .microseconds)
        StreamObject.writeSnapshot(id: .integer(1), seq: 184_466, isLast: true, into: &buffer) { buffer in
            for _ in 0..<2 {
                buffer.separate()
                buffer.append("{\"type\":\"quote\"}")
                buffer.wroteValue()
            }
        }
        buffer.endArray()
        #expect(
            buffer.string
                == #"[{"type":"unsubscribed","seq":1},{"type":"snapshot","id":1,"seq":184466,"last":true,"#
                + #""data":[{"type":"quote"},{"type":"quote"}]}]"#)
    }
}
