import PluginKit
import PluginTestSupport
import VendorStages

extension FuzzTarget {
    private static let kinds: KindSet = [.tick, .quote, .book, .greeks]
    /// 2017-12-01 and 2018-01-20, where the samples of candles are; 2025-01-01.
    private static let candlesFrom: Int64 = 1_512_066_600_000_000_000
    private static let candlesTo: Int64 = 1_516_386_600_000_000_000
    private static let newYear: Int64 = 1_735_669_800_000_000_000

    // MARK: Zerodha

    static let zerodha: [FuzzTarget] = [
        FuzzTarget(name: "zerodha/ticker", isText: false) {
            try StreamSubject(isText: false) { try kite(streaming: true) }
        },
        FuzzTarget(name: "zerodha/text", isText: true) {
            try StreamSubject(isText: true) { try kite(streaming: true) }
        },
        reply("zerodha/instruments", type: "text/csv") {
            try kite()
        } ask: { hub, _ in
            try hub.refreshCatalog()
        },
        reply("zerodha/quotes") {
            try kite()
        } ask: { hub, id in
            try hub.query(
                Query(identifier: id, kind: .quotes, symbols: ["NSE:INFY", "NSE:TATAMOTORS", "NSE:NIFTY 50"]))
        },
        reply("zerodha/candles") {
            try kite()
        } ask: { hub, id in
            try hub.query(
                Query(
                    identifier: id, kind: .bars, symbols: ["NSE:INFY"], interval: id % 2 == 0 ? 60 : 86_400,
                    fromNanoseconds: candlesFrom, toNanoseconds: candlesTo))
        },
        reply("zerodha/login") {
            try kite()
        } ask: { hub, _ in
            try hub.exchange([("status", "success"), ("request_token", "R")], redirect: "http://127.0.0.1/auth")
        },
    ]

    private static func kite(streaming: Bool = false) throws -> VendorStage {
        let instruments: [(name: String, token: UInt32)] = [
            ("INFY", 408_065), ("TATAMOTORS", 884_737), ("NIFTY 50", 256_265), ("BANKNIFTY25JANFUT", 12_073_986),
            ("USDINR25JANFUT", 333_059),
        ]
        return try .zerodha(
            instruments,
            streams: streaming ? instruments.map { "NSE:\($0.name)" } : ["NSE:INFY", "NSE:TATAMOTORS", "NSE:NIFTY 50"],
            kinds: kinds)
    }

    // MARK: Upstox

    static let upstox: [FuzzTarget] = [
        FuzzTarget(name: "upstox/feed", isText: false) {
            try StreamSubject(isText: false) { try upstoxStage() }
        },
        reply("upstox/instruments") {
            try upstoxStage()
        } ask: { hub, _ in
            try hub.refreshCatalog()
        },
        reply("upstox/authorize") {
            try upstoxStage()
        } ask: { hub, _ in
            try hub.closed(1, code: 1006)
        },
        reply("upstox/quotes") {
            try upstoxStage()
        } ask: { hub, id in
            try hub.query(Query(identifier: id, kind: .quotes, symbols: upstoxSymbols))
        },
        reply("upstox/candles") {
            try upstoxStage()
        } ask: { hub, id in
            try hub.query(
                Query(
                    identifier: id, kind: .bars, symbols: ["NSE:RELIANCE"], interval: id % 2 == 0 ? 60 : 86_400,
                    fromNanoseconds: newYear))
        },
        reply("upstox/status") {
            try upstoxStage()
        } ask: { hub, id in
            try hub.query(Query(identifier: id, kind: .marketStatus, text: "NSE"))
        },
        reply("upstox/holidays") {
            try upstoxStage()
        } ask: { hub, id in
            try hub.query(Query(identifier: id, kind: .calendar, text: "NSE"))
        },
        reply("upstox/login") {
            try upstoxStage()
        } ask: { hub, _ in
            try hub.exchange([("code", "C"), ("state", "S")], redirect: "http://127.0.0.1/auth")
        },
    ]

    private static let upstoxSymbols = ["NSE:RELIANCE", "NSE:NIFTY 50", "NSE:OPTION", "NSE:FUTURE"]

    private static func upstoxStage() throws -> VendorStage {
        try .upstox(
            [
                ("RELIANCE", "NSE_EQ|INE002A01018"), ("NIFTY 50", "NSE_INDEX|Nifty 50"), ("OPTION", "NSE_FO|40084"),
                ("FUTURE", "NSE_FO|99999"),
            ], streams: upstoxSymbols, kinds: kinds)
    }

    /// A target that answers requests of a plugin.
    static func reply(
        _ name: String, type: String = "application/json", _ make: @escaping @Sendable () throws -> VendorStage,
        ask: @escaping @Sendable (FakeVendorHub, UInt64) throws -> Void
    ) -> FuzzTarget {
        FuzzTarget(name: name, isText: true) { try ReplySubject(contentType: type, make, ask: ask) }
    }
}
