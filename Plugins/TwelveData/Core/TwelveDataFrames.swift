public import JSONReading
import PluginABI
public import PluginKit
public import VendorKit

/// An instrument that TwelveData names in a message.
public struct TwelveDataItem: Equatable, Sendable {
    public var symbol = ""
    public var mic = ""
    public var exchange = ""
}

/// What one message of TwelveData's stream is.
public enum TwelveDataFrame: Equatable, Sendable {
    /// A price; no records where nobody wants it, or where it has no price.
    case price(records: Int)
    case heartbeat
    case subscribed(isOK: Bool, success: [TwelveDataItem], fails: [TwelveDataItem])
    case failure(code: Int, String)
    case other(String)
}

/// Which streams the symbols of messages belong to.
public struct TwelveDataRoutes {
    /// Handle that stands for a symbol that is wanted at several venues.
    private static let several = UInt32.max

    private typealias Venues = [String: [(venue: String, entry: StreamTable.Entry)]]

    private let table: StreamTable
    /// Of symbols that several venues have. Behind a pointer, so that no references are counted while prices are read.
    private let venues: UnsafeMutablePointer<Venues>

    /// Symbols as TwelveData sends them, and the hub's venue of each.
    public init(_ streams: [(symbol: String, venue: String, entry: StreamTable.Entry)]) {
        var venues: Venues = [:]
        for (symbol, venue, entry) in streams { venues[symbol, default: []].append((venue, entry)) }
        table = StreamTable(
            venues.map { symbol, places in
                (
                    symbol,
                    places.count == 1 ? places[0].entry : StreamTable.Entry(handle: Self.several, kinds: [])
                )
            })
        self.venues = .allocate(capacity: 1)
        self.venues.initialize(to: venues.filter { $0.value.count > 1 })
    }

    /// Gives the memory back.
    public func deallocate() {
        table.deallocate()
        venues.deinitialize(count: 1)
        venues.deallocate()
    }

    /// The stream of a symbol; the code decides only where several venues have it.
    func find(_ symbol: JSONText, mic: JSONText?, exchange: JSONText?) -> StreamTable.Entry {
        let entry = table.find(symbol)
        guard entry.handle == Self.several else { return entry }
        let canonical = TwelveDataSymbols.canonical(
            symbol: symbol.string, mic: mic?.string ?? "", exchange: exchange?.string ?? "")
        let venue = canonical.map { $0.prefix { $0 != ":" } } ?? ""
        return venues.pointee[symbol.string]?.first { $0.venue == venue }?.entry
            ?? StreamTable.Entry(handle: 0, kinds: [])
    }
}

/// Reads TwelveData's messages.
public enum TwelveDataFrames {
    /// Reads one message and emits what it says of a price. Nothing is allocated for a price.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ routes: TwelveDataRoutes, into output: Output
    ) throws -> TwelveDataFrame {
        do {
            return try frame(bytes, scratch, routes, output)
        } catch let error as JSONError {
            throw PluginError(.protocolViolation, "a message of TwelveData's stream is not readable: \(error)")
        }
    }

    private static func frame(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ routes: TwelveDataRoutes, _ output: Output
    ) throws -> TwelveDataFrame {
        var reader = JSONReader(bytes, scratch: scratch)
        var event: JSONText?
        var symbol: JSONText?
        var mic: JSONText?
        var exchange: JSONText?
        var status: JSONText?
        var message: JSONText?
        var price = Double.nan
        var bid = Double.nan
        var ask = Double.nan
        var volume = Double.nan
        var time = 0.0
        var code = 0.0
        var success: JSONReader.Place?
        var fails: JSONReader.Place?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            // By length first: most keys are alone in theirs.
            switch key.count {
            case 3 where key == "bid": bid = try reader.numberOrNaN()
            case 3 where key == "ask": ask = try reader.numberOrNaN()
            case 4 where key == "code": code = try reader.numberOrNaN()
            case 5 where key == "price": price = try reader.numberOrNaN()
            case 5 where key == "event": event = try reader.textIfAny()
            case 5 where key == "fails":
                fails = reader.place
                try reader.skip()
            case 6 where key == "symbol": symbol = try reader.textIfAny()
            case 6 where key == "status": status = try reader.textIfAny()
            case 7 where key == "message": message = try reader.textIfAny()
            case 7 where key == "success":
                success = reader.place
                try reader.skip()
            case 8 where key == "mic_code": mic = try reader.textIfAny()
            case 8 where key == "exchange": exchange = try reader.textIfAny()
            case 9 where key == "timestamp": time = try reader.numberOrNaN()
            case 10 where key == "day_volume": volume = try reader.numberOrNaN()
            default: try reader.skip()
            }
        }
        try reader.finish()
        if let event, event == "price" {
            guard let symbol, price.isFinite else { return .price(records: 0) }
            let entry = routes.find(symbol, mic: mic, exchange: exchange)
            return .price(
                records: try emit(
                    entry, VendorTime.seconds(time), price: price, bid: bid, ask: ask, volume: volume, output))
        }
        let isError = status.map { $0 == "error" } ?? false
        guard let event else {
            guard isError || message != nil else { return .other("") }
            return .failure(code: Int(exactly: code) ?? 0, message?.string ?? "no reason was given")
        }
        if event == "heartbeat" { return .heartbeat }
        if event == "subscribe-status" {
            return .subscribed(
                isOK: !isError, success: try items(&reader, success), fails: try items(&reader, fails))
        }
        if event == "error" {
            return .failure(code: Int(exactly: code) ?? 0, message?.string ?? "no reason was given")
        }
        return .other(event.string)
    }

    private static func emit(
        _ entry: StreamTable.Entry, _ time: Int64, price: Double, bid: Double, ask: Double, volume: Double,
        _ output: Output
    ) throws -> Int {
        guard entry.handle != 0 else { return 0 }
        let hasQuote = entry.kinds.contains(.quote) && (bid.isFinite || ask.isFinite)
        var records = 0
        if entry.kinds.contains(.tick) {
            let flags: RecordFlags = hasQuote ? [] : .lastOfMessage
            guard let tick = output.tick(entry.handle, timeNanoseconds: time, last: price, flags: flags) else {
                throw overload
            }
            tick.pointee.volume = volume
            records += 1
        }
        if hasQuote {
            guard
                output.quote(
                    entry.handle, timeNanoseconds: time, bid: bid, bidSize: .nan, ask: ask, askSize: .nan,
                    flags: .lastOfMessage)
            else { throw overload }
            records += 1
        }
        return records
    }

    /// Objects with a symbol, or bare symbols; `null` and nothing are none.
    private static func items(_ reader: inout JSONReader, _ place: JSONReader.Place?) throws -> [TwelveDataItem] {
        guard let place else { return [] }
        var items: [TwelveDataItem] = []
        reader.go(to: place)
        guard try reader.enterArrayIfAny() else { return [] }
        while try reader.nextElement() {
            var item = TwelveDataItem()
            if try reader.kind() == .text {
                item.symbol = try reader.text().string
            } else if try reader.enterObjectIfAny() {
                while let key = try reader.nextKey() {
                    switch key {
                    case "symbol": item.symbol = try reader.textIfAny()?.string ?? ""
                    case "mic_code": item.mic = try reader.textIfAny()?.string ?? ""
                    case "exchange": item.exchange = try reader.textIfAny()?.string ?? ""
                    default: try reader.skip()
                    }
                }
            }
            if !item.symbol.isEmpty { items.append(item) }
        }
        return items
    }

    private static let overload = PluginError(.overload, "the hub has no room for a price of TwelveData")
}
