import Testing

@testable import FinnhubCore

@Suite("Finnhub's symbols")
struct SymbolTests {
    @Test("canonical symbols have Finnhub's names")
    func vendor() {
        let names: [(String, String?, String)] = [
            ("NASDAQ:AAPL", "AAPL", ""), ("NYSE:BRK.B", "BRK.B", ""), ("ARCA:SPY", "SPY", ""),
            ("TSX:SHOP", "SHOP.TO", ""), ("TSX:ERE.UN", "ERE.UN.TO", ""), ("NSE:RELIANCE", "RELIANCE.NS", ""),
            ("LSE:VOD", "VOD.L", ""), ("FX:EURUSD", "OANDA:EUR_USD", "OANDA"),
            ("BINANCE:BTCUSDT", "BINANCE:BTCUSDT", ""), ("COINBASE:BTC-USD", "COINBASE:BTC-USD", ""),
            ("CRYPTO:BTCUSD", nil, ""), ("MOON:X", nil, ""), ("AAPL", nil, ""), ("FX:EURUS", nil, ""),
        ]
        for (symbol, vendor, centre) in names {
            let name = FinnhubSymbols.vendor(symbol)
            #expect(name?.vendor == vendor, "\(symbol)")
            #expect((name?.marketCentre ?? "") == centre, "\(symbol)")
        }
        #expect(FinnhubSymbols.named("FXCM:EUR/USD").marketCentre == "FXCM")
        #expect(FinnhubSymbols.named("IC MARKETS:1").market == .forex)
        #expect(FinnhubSymbols.named("BINANCE:BTCUSDT").market == .crypto)
    }

    @Test("Finnhub's names have canonical symbols where they can be told")
    func canonical() {
        let names: [(String, String, String?)] = [
            ("AAPL", "XNGS", "NASDAQ:AAPL"), ("AAPL", "XNAS", "NASDAQ:AAPL"), ("IBM", "XNYS", "NYSE:IBM"),
            ("BRK.B", "XNYS", "NYSE:BRK.B"), ("SPY", "ARCX", "ARCA:SPY"), ("CRRTF", "OOTC", "OTC:CRRTF"),
            ("UPOW", "OTCM", "OTC:UPOW"), ("AAPL", "", nil), ("BRK.B", "", nil), ("SHOP.TO", "", "TSX:SHOP"),
            ("ERE.UN.TO", "", "TSX:ERE.UN"), ("RELIANCE.NS", "", "NSE:RELIANCE"), ("X.V", "XNYS", "NYSE:X.V"),
            ("OANDA:EUR_USD", "", "FX:EURUSD"), ("IC MARKETS:1", "", nil),
            ("BINANCE:BTCUSDT", "", "BINANCE:BTCUSDT"), ("Binance:BTCUSDT", "", "BINANCE:BTCUSDT"),
        ]
        for (vendor, mic, symbol) in names {
            #expect(FinnhubSymbols.canonical(vendor, mic: mic) == symbol, "\(vendor) \(mic)")
        }
    }
}
