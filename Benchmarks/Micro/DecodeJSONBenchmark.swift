import ArgumentParser
import FinnhubCore
import Glibc
import JSONReading
import PluginABI
import PluginKit
import TwelveDataCore
import VendorKit

/// Messages of vendors that send JSON, from bytes to records: a Finnhub frame with a few trades, a TwelveData price.
struct DecodeJSONBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "decode-json")

    @Option var seconds = 2.0
    @Option(help: "Trades of one Finnhub frame.") var trades = 4

    func run() throws {
        let space = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { space.deallocate() }
        let finnhub = try finnhub(space)
        let twelvedata = try twelvedata(space)
        print(
            """
            {"finnhub_ns":\(finnhub.nanoseconds),"finnhub_per_second":\(1e9 / finnhub.nanoseconds),\
            "finnhub_bytes":\(finnhub.bytes),"twelvedata_ns":\(twelvedata.nanoseconds),\
            "twelvedata_per_second":\(1e9 / twelvedata.nanoseconds),"twelvedata_bytes":\(twelvedata.bytes)}
            """)
    }

    private static let symbols = ["AAPL", "MSFT", "BINANCE:BTCUSDT", "NVDA", "BRK.B", "OANDA:EUR_USD", "SPY", "TSLA"]

    private func finnhub(_ space: UnsafeMutableRawPointer) throws -> Measure {
        let table = StreamTable(
            Self.symbols.enumerated().map {
                ($1, StreamTable.Entry(handle: UInt32($0 + 1), kinds: [.trade, .tick]))
            })
        defer { table.deallocate() }
        let frames = (0..<1024).map { number in
            let items = (0..<trades).map { index in
                let place = number &* 7 + index
                let conditions = [#""c":["1"],"#, #""c":["1","8","12"],"#, #""c":null,"#, ""][place % 4]
                return
                    "{\(conditions)\"p\":\(100 + place % 900).\(10 + place % 89),\"s\":\"\(Self.symbols[place % 8])\","
                    + "\"t\":\(1_736_174_100_123 + number),\"v\":\(1 + place % 300)}"
            }
            return Array("{\"data\":[\(items.joined(separator: ","))],\"type\":\"trade\"}".utf8)
        }
        let scratch = JSONScratch()
        return try measure(frames, events: frames.count * trades, space) { bytes, output in
            _ = try FinnhubFrames.read(bytes, scratch, table, into: output)
        }
    }

    private func twelvedata(_ space: UnsafeMutableRawPointer) throws -> Measure {
        let symbols = ["AAPL", "MSFT", "BTC/USD", "EUR/USD"]
        let routes = TwelveDataRoutes(
            symbols.enumerated().map {
                ($1, "NASDAQ", StreamTable.Entry(handle: UInt32($0 + 1), kinds: [.tick, .quote]))
            })
        defer { routes.deallocate() }
        let messages = (0..<1024).map { number in
            let price = "\(100 + number % 900).\(10 + number % 89)"
            let pair = symbols[number % 4].contains("/")
            let kind =
                pair
                ? #""currency_base":"Bitcoin","currency_quote":"US Dollar","exchange":"Coinbase Pro","type":"Digital Currency","#
                : #""currency":"USD","exchange":"NASDAQ","mic_code":"XNGS","type":"Common Stock","#
            let book = pair ? ",\"bid\":\(price)1,\"ask\":\(price)3" : ""
            return Array(
                ("{\"event\":\"price\",\"symbol\":\"\(symbols[number % 4])\",\(kind)"
                    + "\"timestamp\":\(1_736_157_600 + number),\"price\":\(price)\(book),\"day_volume\":\(number * 100)}")
                    .utf8)
        }
        let scratch = JSONScratch()
        return try measure(messages, events: messages.count, space) { bytes, output in
            _ = try TwelveDataFrames.read(bytes, scratch, routes, into: output)
        }
    }

    private struct Measure {
        /// An event: the least of many rounds, since others use the machine too.
        var nanoseconds: Double
        var bytes: Int
    }

    private func measure(
        _ messages: [[UInt8]], events: Int, _ space: UnsafeMutableRawPointer,
        _ body: (UnsafeRawBufferPointer, Output) throws -> Void
    ) throws -> Measure {
        var out = hub_out()
        out.end = (space + (1 << 20)).assumingMemoryBound(to: UInt8.self)
        out.more = { _, _ in 0 }
        var least = Double.infinity
        let start = monotonic()
        while Double(monotonic() - start) / 1e9 < seconds / 2 {
            let begun = monotonic()
            for message in messages {
                out.at = space.assumingMemoryBound(to: UInt8.self)
                try message.withUnsafeBytes { bytes in
                    try withUnsafeMutablePointer(to: &out) { try body(bytes, Output($0)) }
                }
            }
            least = min(least, Double(monotonic() - begun) / Double(events))
        }
        return Measure(nanoseconds: least, bytes: messages.reduce(0) { $0 + $1.count } / events)
    }

    private func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
