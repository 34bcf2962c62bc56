public import JSONReading
import PluginABI
public import PluginKit
public import VendorKit

/// What one message of Finnhub's stream is.
public enum FinnhubFrame: Equatable, Sendable {
    /// Trades; `unknown` of them were of symbols that nobody wants, `bad` had no price.
    case trades(records: Int, unknown: Int, bad: Int)
    case ping
    case failure(String)
    /// News and whatever may come; nothing to be done.
    case other(String)
}

/// Reads Finnhub's messages.
public enum FinnhubFrames {
    /// Reads one message and emits its trades. Nothing is allocated for trades.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ table: StreamTable, into output: Output
    ) throws -> FinnhubFrame {
        do {
            return try frame(bytes, scratch, table, output)
        } catch let error as JSONError {
            throw PluginError(.protocolViolation, "a message of Finnhub's stream is not readable: \(error)")
        }
    }

    private static func frame(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, _ table: StreamTable, _ output: Output
    ) throws -> FinnhubFrame {
        var reader = JSONReader(bytes, scratch: scratch)
        var data: JSONReader.Place?
        var type: JSONText?
        var message: JSONText?
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "data":
                data = reader.place
                try reader.skip()
            case "type": type = try reader.textIfAny()
            case "msg": message = try reader.textIfAny()
            default: try reader.skip()
            }
        }
        try reader.finish()
        guard let type else { throw JSONError(.unexpectedByte, offset: 0) }
        if type == "trade" {
            guard let data else { return .trades(records: 0, unknown: 0, bad: 0) }
            // The type stands behind the data, so it is known what the data is only now.
            reader.go(to: data)
            return try trades(&reader, table, output)
        }
        if type == "ping" { return .ping }
        if type == "error" { return .failure(message?.string ?? "no reason was given") }
        return .other(type.string)
    }

    private static func trades(
        _ reader: inout JSONReader, _ table: StreamTable, _ output: Output
    ) throws -> FinnhubFrame {
        guard try reader.enterArrayIfAny() else { return .trades(records: 0, unknown: 0, bad: 0) }
        var records = 0
        var unknown = 0
        var bad = 0
        var lastLines = 0
        while try reader.nextElement() {
            var price = Double.nan
            var size = Double.nan
            var time = 0.0
            var conditions: TradeConditions = []
            var entry = StreamTable.Entry(handle: 0, kinds: [])
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key.count == 1 else {
                    try reader.skip()
                    continue
                }
                switch key.start[0] {
                case UInt8(ascii: "p"): price = try reader.numberOrNaN()
                case UInt8(ascii: "v"): size = try reader.numberOrNaN()
                case UInt8(ascii: "t"): time = try reader.numberOrNaN()
                case UInt8(ascii: "s"):
                    if let symbol = try reader.textIfAny() { entry = table.find(symbol) }
                case UInt8(ascii: "c"): conditions = try Self.conditions(&reader)
                default: try reader.skip()
                }
            }
            guard entry.handle != 0 else {
                unknown += 1
                continue
            }
            guard price.isFinite else {
                bad += 1
                continue
            }
            let nanoseconds = VendorTime.milliseconds(time)
            // A size of zero is a change of the price without a trade, as of currencies; without any size it is not
            // known that there was one.
            if size > 0 {
                guard entry.kinds.contains(.trade) else { continue }
                guard
                    output.trade(
                        entry.handle, timeNanoseconds: nanoseconds, price: price, size: size, conditions: conditions)
                else { throw overload }
                lastLines = 1
            } else {
                guard entry.kinds.contains(.tick) else { continue }
                guard output.tick(entry.handle, timeNanoseconds: nanoseconds, last: price) != nil else {
                    throw overload
                }
                lastLines = 2
            }
            records += 1
        }
        if records > 0, let end = output.raw.pointee.at {
            let last = UnsafeMutableRawPointer(end - lastLines * Int(HUB_LINE)).assumingMemoryBound(to: hub_record.self)
            last.pointee.flags |= RecordFlags.lastOfMessage.rawValue
        }
        return .trades(records: records, unknown: unknown, bad: bad)
    }

    @inline(__always)
    private static func conditions(_ reader: inout JSONReader) throws(JSONError) -> TradeConditions {
        var bits: TradeConditions = []
        guard try reader.enterArrayIfAny() else { return bits }
        while try reader.nextElement() {
            switch try reader.kind() {
            case .text: bits.formUnion(FinnhubConditions.bits(try reader.text()))
            case .number: bits.formUnion(FinnhubConditions.bits(Int(exactly: try reader.number()) ?? -1))
            default: try reader.skip()
            }
        }
        return bits
    }

    private static let overload = PluginError(
        .overload, "a message of Finnhub's stream has more trades than the hub takes at once")
}
