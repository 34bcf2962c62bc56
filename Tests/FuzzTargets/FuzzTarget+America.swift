import PluginKit
import PluginTestSupport
import VendorStages

extension FuzzTarget {
    /// 2019-09-01 and 2019-10-01, where the sample of Finnhub's candles is; 2021-09-16 and the day after, TwelveData's.
    private static let september2019: (Int64, Int64) = (1_567_296_000_000_000_000, 1_569_888_000_000_000_000)
    private static let september2021: (Int64, Int64) = (1_631_750_400_000_000_000, 1_631_836_800_000_000_000)

    // MARK: Finnhub

    static let finnhub: [FuzzTarget] =
        [
            FuzzTarget(name: "finnhub/stream", isText: true) {
                try StreamSubject(isText: true, finnhubStage)
            },
            reply("finnhub/instruments", finnhubStage) { hub, _ in try hub.refreshCatalog() },
            reply("finnhub/candles", finnhubStage) { hub, id in
                try hub.query(
                    Query(
                        identifier: id, kind: .bars, symbols: ["NASDAQ:AAPL"], interval: id % 2 == 0 ? 60 : 86_400,
                        fromNanoseconds: september2019.0, toNanoseconds: september2019.1))
            },
        ] + queries("finnhub", finnhubStage, sentiment: true)

    private static let finnhubStage: @Sendable () throws -> VendorStage = {
        try .finnhub(streams: ["NASDAQ:AAPL", "BINANCE:BTCUSDT", "FX:EURUSD"], kinds: [.trade, .tick])
    }

    // MARK: TwelveData

    static let twelvedata: [FuzzTarget] =
        [
            FuzzTarget(name: "twelvedata/stream", isText: true) {
                try StreamSubject(isText: true, twelvedataStage)
            },
            reply("twelvedata/instruments", twelvedataStage) { hub, _ in try hub.refreshCatalog() },
            reply("twelvedata/candles", twelvedataStage) { hub, id in
                try hub.query(
                    Query(
                        identifier: id, kind: .bars, symbols: ["NASDAQ:AAPL"], interval: id % 2 == 0 ? 60 : 86_400,
                        fromNanoseconds: september2021.0, toNanoseconds: september2021.1))
            },
            reply("twelvedata/batch", twelvedataStage) { hub, id in
                try hub.query(Query(identifier: id, kind: .quotes, symbols: ["NASDAQ:AAPL", "NASDAQ:MSFT"]))
            },
        ] + queries("twelvedata", twelvedataStage, sentiment: false)

    private static let twelvedataStage: @Sendable () throws -> VendorStage = {
        try .twelvedata(streams: ["NASDAQ:AAPL", "NASDAQ:MSFT", "FX:EURUSD", "CRYPTO:BTCUSD"], kinds: [.tick, .quote])
    }

    // MARK: Both

    private static func queries(
        _ vendor: String, _ stage: @escaping @Sendable () throws -> VendorStage, sentiment: Bool
    ) -> [FuzzTarget] {
        var kinds: [(String, Query)] = [
            ("quotes", Query(identifier: 0, kind: .quotes, symbols: ["NASDAQ:AAPL"])),
            ("profile", Query(identifier: 0, kind: .profile, symbols: ["NASDAQ:AAPL"])),
            ("news", Query(identifier: 0, kind: .news, symbols: ["NASDAQ:AAPL"], fromNanoseconds: 1)),
            ("search", Query(identifier: 0, kind: .search, text: "apple")),
            ("status", Query(identifier: 0, kind: .marketStatus, text: "NASDAQ")),
        ]
        if sentiment { kinds.append(("sentiment", Query(identifier: 0, kind: .sentiment, symbols: ["NASDAQ:AAPL"]))) }
        kinds.append(("calendar", Query(identifier: 0, kind: .calendar, text: "NASDAQ")))
        return kinds.map { name, query in
            reply("\(vendor)/\(name)", stage) { hub, id in
                var query = query
                query.identifier = id
                try hub.query(query)
            }
        }
    }
}
