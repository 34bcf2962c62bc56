import PluginABI
import PluginKit

/// One file of a replay: its next row, and the streams its rows go to. One owner; ``close()`` frees it.
struct ReplayFile {
    /// What is known of one exchange in the file.
    private struct Exchange {
        var code: UInt64
        var handle: UInt32
        // The quote in force there; NaN = not given yet.
        var bid = Double.nan
        var bidSize = Double.nan
        var ask = Double.nan
        var askSize = Double.nan
    }

    private static let maximumExchanges = 64

    let settings: ReplaySettings.File
    /// Of the symbol itself; 0 = nobody wants it, and the rows only count.
    let handle: UInt32
    private(set) var reader: RowReader
    private(set) var hasRow = false
    /// When the row was known: what files are merged by.
    private(set) var key = Int64.max
    private let exchanges: UnsafeMutablePointer<Exchange>
    private var exchangeCount = 0
    private var lastExchange = 0

    init(_ settings: ReplaySettings.File, handle: UInt32) throws {
        self.settings = settings
        self.handle = handle
        reader = try RowReader(path: settings.path, kind: settings.kind)
        exchanges = .allocate(capacity: Self.maximumExchanges)
    }

    func close() {
        reader.close()
        exchanges.deallocate()
    }

    /// Reads until there is a row or none is left; bad rows are handed to `complain`.
    mutating func advance(_ complain: (ReplayFile, String) -> Void) throws {
        while true {
            switch reader.next() {
            case .row:
                key = reader.row.time &+ settings.kind.delayNanoseconds
                hasRow = true
                return
            case .bad(let reason): complain(self, reason)
            case .end:
                hasRow = false
                key = .max
                return
            case .failed(let reason):
                hasRow = false
                key = .max
                throw PluginError(
                    .protocolViolation,
                    "\(settings.path), after line \(reader.line): \(reason); restore the file and start again")
            }
        }
    }

    /// Takes the current row into the quotes in force, and emits it. False: no room, and nothing changed.
    @inline(__always)
    mutating func emit(shift: Int64, _ output: Output, _ host: Host) -> Bool {
        let row = reader.row
        let time = row.time &+ shift
        switch settings.kind {
        case .trade:
            let index = exchange(row.exchange, host)
            return output.trade(
                exchanges[index].handle, timeNanoseconds: time, price: row.values.0, size: row.values.1,
                conditions: TapeCodes.conditions(row.condition),
                flags: row.isSuspicious ? [.recorded, .suspect] : .recorded)
        case .quote:
            let index = exchange(row.exchange, host)
            let quote = merged(row, exchanges[index])
            guard
                output.quote(
                    quote.handle, timeNanoseconds: time, bid: quote.bid, bidSize: quote.bidSize, ask: quote.ask,
                    askSize: quote.askSize, flags: .recorded)
            else { return false }
            exchanges[index] = quote
            return true
        case .bar(let seconds):
            return output.bar(
                handle, openNanoseconds: time, intervalSeconds: seconds, open: row.values.0, high: row.values.1,
                low: row.values.2, close: row.values.3, volume: row.values.4, flags: .recorded)
        }
    }

    /// Takes the current row into the quotes in force without emitting it, on the way to a position.
    mutating func absorb(_ host: Host) {
        guard settings.kind == .quote else { return }
        let index = exchange(reader.row.exchange, host)
        exchanges[index] = merged(reader.row, exchanges[index])
    }

    /// A row may give one side only; the other is as it was.
    @inline(__always)
    private func merged(_ row: Row, _ known: Exchange) -> Exchange {
        var quote = known
        if row.values.0 != 0 {
            quote.bid = row.values.0
            quote.bidSize = row.values.1
        }
        if row.values.2 != 0 {
            quote.ask = row.values.2
            quote.askSize = row.values.3
        }
        return quote
    }

    @inline(__always)
    private mutating func exchange(_ code: UInt64, _ host: Host) -> Int {
        if lastExchange < exchangeCount, exchanges[lastExchange].code == code { return lastExchange }
        for index in 0..<exchangeCount where exchanges[index].code == code {
            lastExchange = index
            return index
        }
        return learn(code, host)
    }

    @inline(never)
    private mutating func learn(_ code: UInt64, _ host: Host) -> Int {
        let text = withUnsafeBytes(of: code.littleEndian) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let centre = TapeCodes.venue(text)
        var stream = handle
        if !text.isEmpty, centre != settings.venue, handle != 0 {
            if let defined = host.define(Instrument(symbol: settings.symbol, marketCentre: centre)) {
                stream = defined
            } else {
                host.log(.warning, "the hub refused market centre \(centre) of \(settings.symbol); it is left off")
            }
        }
        // Past the last place codes share it: a file with so many has something else in that column.
        lastExchange = min(exchangeCount, Self.maximumExchanges - 1)
        exchangeCount = lastExchange + 1
        (exchanges + lastExchange).initialize(to: Exchange(code: code, handle: stream))
        return lastExchange
    }
}
