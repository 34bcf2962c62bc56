import EventFormat
import HubModel
import PluginABI
import Testing

@testable import HubServer

@Suite("Messages of stream clients")
struct StreamOperationTests {
    private func fault(_ json: String) -> StreamError? {
        do {
            _ = try StreamFixture.read(json)
            return nil
        } catch {
            return error
        }
    }

    @Test("a subscription with everything this hub knows")
    func subscribe() throws {
        let operation = try StreamFixture.read(
            """
            {"op":"subscribe","id":1,"symbols":["NSE:*","NSE:NIFTY 50"],"types":["tick","bar:1m","value:rsi(14)@1m"],
             "from":{"after":184000,"epoch":"7c1f9a02d4e8b310"},"snapshot":true,"forming":false,"every_ms":250,
             "on_slow":"disconnect","exclude":["simulated","late"],"speed":0}
            """)
        guard case .subscribe(let request) = operation else {
            Issue.record("not a subscription: \(operation)")
            return
        }
        #expect(request.id == .integer(1))
        #expect(request.symbols == ["NSE:*", "NSE:NIFTY 50"])
        #expect(request.selector == (try EventSelector(["tick", "bar:1m", "value:rsi(14)@1m"])))
        #expect(request.from == .after(184_000, epoch: StreamFixture.epoch))
        #expect(request.given.snapshot)
        #expect(request.given.onSlow == .disconnect)
        #expect(request.given.exclude == ["simulated", "late"])
        #expect(request.given.excludedFlags == UInt16(HUB_FLAG_SIMULATED | HUB_FLAG_LATE))
        #expect(request.givenNames == ["snapshot", "on_slow", "exclude", "forming", "every_ms", "speed"])
    }

    @Test("without types a subscription means every event but control and define")
    func defaultTypes() throws {
        guard case .subscribe(let request) = try StreamFixture.read(#"{"op":"subscribe","symbols":["*"]}"#) else {
            Issue.record("not a subscription")
            return
        }
        #expect(request.selector == .events)
        #expect(request.from == nil)
        #expect(request.id == nil)
    }

    @Test(
        "every form of from",
        arguments: [
            (#""live""#, StreamStart.live), (#""earliest""#, .earliest), (#"{"last":500}"#, .last(500)),
            (#"{"after":0}"#, .after(0, epoch: nil)), (#""after:12""#, .after(12, epoch: nil)),
            (#"{"cursor":"7c1f9a02d4e8b310.184000"}"#, .after(184_000, epoch: "7c1f9a02d4e8b310")),
            (#"{"cursor":{"after":5,"epoch":"7c1f9a02d4e8b310"}}"#, .after(5, epoch: "7c1f9a02d4e8b310")),
            (#"{"time":"2025-01-06T14:30:00Z"}"#, .time(1_736_173_800_000_000_000)),
            (#"{"time":1736173800000001}"#, .time(1_736_173_800_000_001_000)),
            (#"{"time":"-1h"}"#, .time(1_736_170_500_000_000_000)), (#""-1h""#, .time(1_736_170_500_000_000_000)),
        ])
    func starts(json: String, start: StreamStart) throws {
        let operation = try StreamFixture.read(#"{"op":"subscribe","symbols":["*"],"from":\#(json)}"#)
        guard case .subscribe(let request) = operation else {
            Issue.record("not a subscription: \(operation)")
            return
        }
        #expect(request.from == start)
    }

    @Test(
        "a from that cannot be read says where and with which code",
        arguments: [
            (#"{"cursor":"nonsense"}"#, ProblemCode.badCursor, "/from/cursor"),
            (#"{"cursor":"7c1f9a02d4e8b31.5"}"#, .badCursor, "/from/cursor"),
            (#"{"after":-1}"#, .badCursor, "/from/after"), (#"{"after":9007199254740992}"#, .badCursor, "/from/after"),
            (#"{"after":1.5}"#, .badCursor, "/from/after"), (#"{"after":1,"epoch":7}"#, .badCursor, "/from/epoch"),
            (#"{"time":1736173800}"#, .badTime, "/from/time"), (#"{"time":"soon"}"#, .badTime, "/from/time"),
            (#"{"last":0}"#, .badMessage, "/from/last"), (#"{"last":10001}"#, .badMessage, "/from/last"),
            (#"{"last":5,"time":"now"}"#, .badMessage, "/from/time"), (#"{}"#, .badMessage, "/from"),
            (#"7"#, .badMessage, "/from"), (#""tomorrow""#, .badTime, "/from"), (#""last:x""#, .badMessage, "/from"),
        ])
    func badStarts(json: String, code: ProblemCode, pointer: String) {
        let error = fault(#"{"op":"subscribe","id":"a","symbols":["*"],"from":\#(json)}"#)
        #expect(error?.code == code)
        #expect(error?.faults.first?.pointer == pointer)
        #expect(error?.id == .text("a"))
    }

    @Test("the other operations")
    func others() throws {
        #expect(
            try StreamFixture.read(#"{"op":"unsubscribe","id":2,"symbols":["NSE:TCS"]}"#)
                == .unsubscribe(UnsubscribeRequest(id: .integer(2), symbols: ["NSE:TCS"], selector: nil)))
        #expect(
            try StreamFixture.read(#"{"op":"unsubscribe","types":["tick"]}"#)
                == .unsubscribe(UnsubscribeRequest(id: nil, symbols: nil, selector: EventSelector(["tick"]))))
        #expect(try StreamFixture.read(#"{"op":"list"}"#) == .list(nil))
        #expect(try StreamFixture.read(#" {"id":"p7", "op":"ping"} "#) == .ping(.text("p7")))
        #expect(try StreamFixture.read(#"{"op":"pause","id":1}"#) == .replay(.integer(1), .pause))
        #expect(try StreamFixture.read(#"{"op":"resume"}"#) == .replay(nil, .resume))
        #expect(try StreamFixture.read(#"{"op":"speed","speed":10}"#) == .replay(nil, .speed(10)))
    }

    @Test(
        "bad messages and their codes",
        arguments: [
            ("", ProblemCode.badMessage), ("hello", .badMessage), ("[]", .badMessage), ("{}", .badMessage),
            (#"{"op":1}"#, .badMessage), (#"{"op":"subscripe"}"#, .unknownOp), (#"{"op":"list"} x"#, .badMessage),
            (#"{"op":"list","op":"list"}"#, .badMessage), (#"{"op":"ping","id":1.5}"#, .badMessage),
            (#"{"op":"subscribe"}"#, .badMessage), (#"{"op":"subscribe","symbols":[]}"#, .badMessage),
            (#"{"op":"subscribe","symbols":"NSE:*"}"#, .badMessage),
            (#"{"op":"subscribe","symbols":[1]}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"types":["trades"]}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"types":["bar:7m"]}"#, .badInterval),
            (#"{"op":"speed"}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"forming":"yes"}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"every_ms":10}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"to":"soon"}"#, .badTime),
            (#"{"op":"subscribe","symbols":["*"],"to":{"seq":-1}}"#, .badCursor),
            (#"{"op":"subscribe","symbols":["*"],"to":{"seq":1,"time":"now"}}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"from":{"after":10},"to":{"seq":9}}"#, .badRange),
            (#"{"op":"subscribe","symbols":["*"],"from":{"time":"2025-01-06"},"to":{"time":"2025-01-05"}}"#, .badRange),
            (#"{"op":"subscribe","symbols":["*"],"speed":-1}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"on_slow":"panic"}"#, .badMessage),
            (#"{"op":"subscribe","symbols":["*"],"exclude":["derived"]}"#, .badMessage),
            (#"{"op":"subscribe","symbol":["*"]}"#, .badMessage),
        ])
    func badMessages(json: String, code: ProblemCode) {
        #expect(fault(json)?.code == code, "\(json)")
    }

    @Test("all that is wrong is told at once, with a hint for a name that was misspelt")
    func allFaults() {
        let error = fault(#"{"op":"subscribe","symbls":["*"],"types":["tick","x"],"snapshot":1}"#)
        #expect(error?.faults.map(\.pointer) == ["/symbols", "/types/1", "/snapshot", "/symbls"])
        #expect(error?.faults.last?.message.contains("did you mean symbols?") == true)
        #expect(fault(#"{"op":"subscripe"}"#)?.candidates == ["subscribe"])
    }

    @Test("a message that is too large is refused unread, and one that is deep does no harm")
    func extremes() {
        #expect(fault(String(repeating: " ", count: 65_537))?.code == .messageTooLarge)
        #expect(fault(String(repeating: "[", count: 60_000))?.code == .badMessage)
        let deep = String(repeating: #"{"a":"#, count: 200)
        #expect(fault(#"{"op":"ping","id":\#(deep)"#)?.code == .badMessage)
    }

    @Test("garbage and damaged messages are answered, never fatal")
    func fuzz() {
        var random = SeededRandom("damaged messages")
        let originals = [
            #"{"op":"subscribe","id":1,"symbols":["NSE:*","A"],"types":["tick","value:rsi(14)@1m"],"from":{"after":1},"#
                + #""snapshot":true,"every_ms":250,"on_slow":"catch_up","exclude":["simulated"]}"#,
            #"{"op":"unsubscribe","id":"\u00e9\ud83d\ude00","symbols":["NSE:TCS"],"types":["bar:1m"]}"#,
            #"{"op":"speed","speed":1.5e3}"#, #"{"op":"subscribe","symbols":["*"],"from":{"time":"2025-01-06"}}"#,
        ].map { Array($0.utf8) }
        var readable = 0
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 10 == 0 {
                bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            } else {
                bytes = originals[round % originals.count]
                for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                    let at = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0...3, using: &random) {
                    case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                    case 1: bytes.remove(at: at)
                    case 2: bytes.insert(#"{}[]",:0-.e\u"#.utf8.randomElement(using: &random) ?? 0, at: at)
                    default: bytes.removeLast(min(bytes.count, Int.random(in: 1...8, using: &random)))
                    }
                }
            }
            do {
                _ = try StreamOperation.read(bytes, now: 0)
                readable += 1
            } catch {
                #expect(!error.message.isEmpty)
                #expect(!StreamFixture.text(.error(error)).isEmpty)
            }
        }
        #expect(readable > 500)
    }
}
