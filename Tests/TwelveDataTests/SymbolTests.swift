import Testing

@testable import TwelveDataCore

@Suite("TwelveData's symbols")
struct SymbolTests {
    @Test("canonical symbols have TwelveData's names and codes")
    func vendor() {
        let names: [(String, String?)] = [
            ("NASDAQ:AAPL", "AAPL:NASDAQ"), ("NYSE:BRK.B", "BRK.B:NYSE"), ("ARCA:SPY", "SPY:ARCX"),
            ("OTC:CRRTF", "CRRTF:OTC"), ("NSE:SBIN", "SBIN:NSE"), ("LSE:VOD", "VOD:LSE"), ("FX:EURUSD", "EUR/USD"),
            ("CRYPTO:BTCUSD", "BTC/USD"), ("BINANCE:BTCUSDT", "BTC/USDT:Binance"),
            ("COINBASE:BTC-USD", "BTC/USD:Coinbase Pro"), ("MOON:X", nil), ("AAPL", nil), ("FX:EUR", nil),
        ]
        for (symbol, vendor) in names { #expect(TwelveDataSymbols.vendor(symbol)?.listed == vendor, "\(symbol)") }
        #expect(TwelveDataSymbols.named("SBIN:NSE") == .init(symbol: "SBIN", exchange: "NSE", type: .equity))
        #expect(TwelveDataSymbols.named("BTC/USD:Binance").type == .crypto)
    }

    @Test("TwelveData's names have canonical symbols where they can be told")
    func canonical() {
        let names: [(String, String, String, String, String?)] = [
            ("AAPL", "XNGS", "NASDAQ", "Common Stock", "NASDAQ:AAPL"), ("SPY", "ARCX", "NYSE", "ETF", "ARCA:SPY"),
            ("SBIN", "XNSE", "NSE", "Common Stock", "NSE:SBIN"), ("SBIN", "", "NSE", "", "NSE:SBIN"),
            ("AAPL", "", "", "", nil), ("EUR/USD", "", "", "Physical Currency", "FX:EURUSD"),
            ("BTC/USD", "", "Coinbase Pro", "Digital Currency", "COINBASE:BTC-USD"),
            ("BTC/USD", "", "", "Digital Currency", "CRYPTO:BTCUSD"),
            ("BTC/USD", "", "", "", "CRYPTO:BTCUSD"), ("EUR/USD", "", "", "", "FX:EURUSD"),
            ("BTC/USDT", "", "Binance", "", "BINANCE:BTCUSDT"),
        ]
        for (symbol, mic, exchange, type, canonical) in names {
            #expect(
                TwelveDataSymbols.canonical(symbol: symbol, mic: mic, exchange: exchange, type: type) == canonical,
                "\(symbol) \(mic) \(exchange)")
        }
    }
}
