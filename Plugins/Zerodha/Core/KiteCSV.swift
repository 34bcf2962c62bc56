import EventFormat
import IndianMarkets
import PluginKit

/// Reads the instrument dump: CSV with a header, columns by their name.
///
/// Fields may be quoted and padded with blanks, lines may end in CR LF. A row that has another number of fields than the
/// header, or no token, is passed and counted: the vendor's own sample has one.
struct KiteCSV {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private let columns: Columns
    /// Rows that were passed.
    private(set) var badRows = 0

    private struct Columns {
        var count: Int
        var token, tradingSymbol, exchange: Int
        var name, expiry, strike, tickSize, lotSize, kind, segment: Int?
    }

    /// Reads the header.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        self.bytes = bytes
        // A byte-order mark is an editor's, not the vendor's; it costs nothing to pass it.
        if bytes.count >= 3, bytes[0] == 0xef, bytes[1] == 0xbb, bytes[2] == 0xbf { at = 3 }
        var fields: [String] = []
        _ = KiteCSV.line(bytes, &at, &fields)
        guard let token = fields.firstIndex(of: "instrument_token"),
            let tradingSymbol = fields.firstIndex(of: "tradingsymbol"), let exchange = fields.firstIndex(of: "exchange")
        else {
            throw PluginError(
                .protocolViolation,
                "the instrument dump begins with \(fields.prefix(4).joined(separator: ",").prefix(80)) and not with the "
                    + "names of its columns; instrument_token, tradingsymbol and exchange are needed")
        }
        columns = Columns(
            count: fields.count, token: token, tradingSymbol: tradingSymbol, exchange: exchange,
            name: fields.firstIndex(of: "name"), expiry: fields.firstIndex(of: "expiry"),
            strike: fields.firstIndex(of: "strike"), tickSize: fields.firstIndex(of: "tick_size"),
            lotSize: fields.firstIndex(of: "lot_size"), kind: fields.firstIndex(of: "instrument_type"),
            segment: fields.firstIndex(of: "segment"))
    }

    /// The next instrument; nil = that was all.
    mutating func next(_ fields: inout [String]) -> KiteInstrument? {
        while KiteCSV.line(bytes, &at, &fields) {
            if fields.count == 1, fields[0].isEmpty { continue }
            guard fields.count == columns.count, let token = UInt32(fields[columns.token]), token > 0,
                !fields[columns.tradingSymbol].isEmpty, !fields[columns.exchange].isEmpty
            else {
                badRows += 1
                continue
            }
            func text(_ column: Int?) -> String { column.map { fields[$0] } ?? "" }
            func number(_ column: Int?) -> Double {
                guard let value = Double(text(column)), value.isFinite else { return 0 }
                return value
            }
            return KiteInstrument(
                token: token, tradingSymbol: fields[columns.tradingSymbol], exchange: fields[columns.exchange],
                name: text(columns.name),
                expiry: IndianTime.nanoseconds(text(columns.expiry)).map { Int32(IndianTime.day($0)) },
                strike: number(columns.strike), tickSize: number(columns.tickSize), lotSize: number(columns.lotSize),
                kind: text(columns.kind), segment: text(columns.segment))
        }
        return nil
    }

    /// Splits one line; false = there is none.
    private static func line(_ bytes: UnsafeRawBufferPointer, _ at: inout Int, _ fields: inout [String]) -> Bool {
        fields.removeAll(keepingCapacity: true)
        guard at < bytes.count else { return false }
        let end = bytes[at...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        var last = end
        if last > at, bytes[last - 1] == UInt8(ascii: "\r") { last -= 1 }
        var from = at
        at = end + 1
        while true {
            fields.append(field(bytes, &from, last))
            guard from < last else { return true }
            from += 1  // the comma
            if from == last {
                fields.append("")
                return true
            }
        }
    }

    /// One field, up to a comma or the line's end, where `from` is left.
    private static func field(_ bytes: UnsafeRawBufferPointer, _ from: inout Int, _ end: Int) -> String {
        while from < end, bytes[from] == UInt8(ascii: " ") { from += 1 }
        if from < end, bytes[from] == UInt8(ascii: "\"") {
            var text: [UInt8] = []
            from += 1
            while from < end {
                if bytes[from] == UInt8(ascii: "\"") {
                    guard from + 1 < end, bytes[from + 1] == UInt8(ascii: "\"") else { break }
                    from += 1
                }
                text.append(bytes[from])
                from += 1
            }
            while from < end, bytes[from] != UInt8(ascii: ",") { from += 1 }
            return String(decoding: text, as: UTF8.self)
        }
        let start = from
        while from < end, bytes[from] != UInt8(ascii: ",") { from += 1 }
        var last = from
        while last > start, bytes[last - 1] == UInt8(ascii: " ") { last -= 1 }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<last]), as: UTF8.self)
    }
}
