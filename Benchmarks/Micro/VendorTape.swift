import Foundation

/// Messages of a vendor's stream, as the vendor makes them, and what they are about.
struct VendorTape {
    /// Who sends them.
    enum Vendor: String, CaseIterable { case zerodha, upstox, finnhub, twelvedata }

    var vendor: Vendor
    var messages: [[UInt8]]
    /// Packets, updates of an instrument, trades or prices of one round through all messages.
    var items: Int
    /// Canonical symbols, each with what the vendor calls it: a token, a key, or nothing.
    var instruments: [(symbol: String, token: UInt32, key: String)]

    var isText: Bool { vendor == .finnhub || vendor == .twelvedata }
    var bytes: Int { messages.reduce(0) { $0 + $1.count } }

    init(_ vendor: Vendor) {
        switch vendor {
        case .zerodha: self = .zerodha
        case .upstox: self = .upstox
        case .finnhub: self = .finnhub
        case .twelvedata: self = .twelvedata
        }
    }

    private init(
        _ vendor: Vendor, _ messages: [[UInt8]], items: Int,
        _ instruments: [(symbol: String, token: UInt32, key: String)]
    ) {
        self.vendor = vendor
        self.messages = messages
        self.items = items
        self.instruments = instruments
    }

    /// Writes the messages behind each other, each with its length in front (four bytes, little-endian), for clients in other
    /// languages to read.
    func write(to folder: String) throws {
        var bytes: [UInt8] = []
        for message in messages {
            bytes += withUnsafeBytes(of: UInt32(message.count).littleEndian) { Array($0) } + message
        }
        try Data(bytes).write(to: URL(filePath: folder).appending(path: "\(vendor.rawValue).tape"))
    }

    // MARK: Zerodha

    /// Full packets of Kite's ticker, 50 in a frame, of 3,000 instruments, which is what one connection takes; the first level
    /// changes from one to the next.
    private static var zerodha: VendorTape {
        let instruments = (0..<3000).map {
            (symbol: "NSE:S\($0)", token: UInt32(($0 * 37 + 1000) << 8 | 1), key: "")
        }
        let frames = (0..<120).map { number in
            kiteFrame((0..<50).map { (instruments[(number * 50 + $0) % 3000].token, 100_000 + number * 5) })
        }
        return VendorTape(.zerodha, frames, items: 120 * 50, instruments)
    }

    private static func kiteFrame(_ packets: [(token: UInt32, price: Int)]) -> [UInt8] {
        func bytes(_ number: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> ((count - 1 - $0) * 8)) }
        }
        var frame = bytes(packets.count, 2)
        for packet in packets {
            frame += bytes(184, 2) + bytes(Int(packet.token), 4)
            let price = packet.price
            frame += [price, 7, price - 3, 1_192_471, 256_443, 363_009, price - 9, price + 20, price - 30, price - 5]
                .flatMap { bytes($0, 4) }
            frame += [1_736_137_800, 2_215_400, 2_301_125, 2_190_050, 1_736_137_801].flatMap { bytes($0, 4) }
            for level in 0..<10 {
                let step = level < 5 ? -5 * (level + 1) : 5 * (level - 4)
                frame += bytes(100 * (level + 1), 4) + bytes(price + step, 4) + bytes(level + 1, 2) + [0, 0]
            }
        }
        return frame
    }

    // MARK: Upstox

    /// Full-mode updates of Upstox's feed, 20 in a message, of 2,000 instruments, which is what one connection takes; each has
    /// five levels and two bars.
    private static var upstox: VendorTape {
        let instruments = (0..<2000).map {
            (symbol: "NSE:S\($0)", token: UInt32(0), key: "NSE_EQ|INE\(100_000 + $0)01018")
        }
        let messages = (0..<200).map { number in
            upstoxMessage((0..<20).map { (instruments[(number * 20 + $0) % 2000].key, 1000 + Double(number) * 0.05) })
        }
        return VendorTape(.upstox, messages, items: 200 * 20, instruments)
    }

    private static func upstoxMessage(_ updates: [(key: String, price: Double)]) -> [UInt8] {
        func varint(_ number: UInt64) -> [UInt8] {
            var rest = number
            var bytes: [UInt8] = []
            while rest >= 0x80 {
                bytes.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            return bytes + [UInt8(rest)]
        }
        func integer(_ field: UInt8, _ number: UInt64) -> [UInt8] { [field << 3] + varint(number) }
        func double(_ field: UInt8, _ number: Double) -> [UInt8] {
            [field << 3 | 1] + withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
        }
        func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] {
            [field << 3 | 2] + varint(UInt64(body.count)) + body
        }
        func bar(_ interval: String, _ price: Double) -> [UInt8] {
            message(
                1,
                message(1, Array(interval.utf8)) + double(2, price) + double(3, price + 1) + double(4, price - 1)
                    + double(5, price) + integer(6, 1_183_220) + integer(7, 1_736_121_600_000))
        }
        var bytes = integer(1, 1)
        for update in updates {
            let price = update.price
            let last = double(1, price) + integer(2, 1_736_137_800_880) + integer(3, 5) + double(4, price - 3)
            let levels = (0..<5).flatMap { level in
                let step = Double(level + 1) * 0.05
                return message(
                    1,
                    integer(1, UInt64(100 * (level + 1))) + double(2, price - step) + integer(3, 90)
                        + double(4, price + step))
            }
            let market =
                message(1, last) + message(2, levels) + message(4, bar("1d", price) + bar("I1", price))
                + double(5, price - 1) + integer(6, 1_183_220) + double(9, 512_233) + double(10, 640_112)
            let feed = message(2, message(1, market)) + integer(4, 1)
            bytes += message(2, message(1, Array(update.key.utf8)) + message(2, feed))
        }
        return bytes + integer(3, 1_736_137_800_900)
    }

    // MARK: Finnhub

    /// Trades of Finnhub, four in a message, with the conditions that shares have, or without.
    private static var finnhub: VendorTape {
        let symbols = ["AAPL", "MSFT", "NVDA", "AMD", "BRK.B", "INTC", "SPY", "TSLA"]
        let perMessage = 4
        let messages = (0..<1024).map { number in
            let items = (0..<perMessage).map { index in
                let place = number &* 7 + index
                let conditions = [#""c":["1"],"#, #""c":["1","8","12"],"#, #""c":null,"#, ""][place % 4]
                return
                    "{\(conditions)\"p\":\(100 + place % 900).\(10 + place % 89),\"s\":\"\(symbols[place % 8])\","
                    + "\"t\":\(1_736_174_100_123 + number),\"v\":\(1 + place % 300)}"
            }
            return Array("{\"data\":[\(items.joined(separator: ","))],\"type\":\"trade\"}".utf8)
        }
        return VendorTape(
            .finnhub, messages, items: 1024 * perMessage, symbols.map { ("NASDAQ:\($0)", 0, $0) })
    }

    // MARK: TwelveData

    /// Prices of TwelveData, one a message: of shares, and of pairs, which have a bid and an ask.
    private static var twelvedata: VendorTape {
        let symbols = [
            ("NASDAQ:AAPL", "AAPL"), ("NASDAQ:MSFT", "MSFT"), ("CRYPTO:BTCUSD", "BTC/USD"), ("FX:EURUSD", "EUR/USD"),
        ]
        let messages = (0..<1024).map { number in
            let price = "\(100 + number % 900).\(10 + number % 89)"
            let pair = symbols[number % 4].1.contains("/")
            let kind =
                pair
                ? #""currency_base":"Bitcoin","currency_quote":"US Dollar","exchange":"Coinbase Pro","type":"Digital Currency","#
                : #""currency":"USD","exchange":"NASDAQ","mic_code":"XNGS","type":"Common Stock","#
            let book = pair ? ",\"bid\":\(price)1,\"ask\":\(price)3" : ""
            return Array(
                ("{\"event\":\"price\",\"symbol\":\"\(symbols[number % 4].1)\",\(kind)"
                    + "\"timestamp\":\(1_736_174_100 + number / 64),\"price\":\(price)\(book),\"day_volume\":\(number * 100)}")
                    .utf8)
        }
        return VendorTape(.twelvedata, messages, items: 1024, symbols.map { ($0.0, 0, $0.1) })
    }
}
