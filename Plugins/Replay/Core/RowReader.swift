import PluginKit

#if canImport(Glibc)
    import Glibc
#endif

/// One row of a file, as numbers.
struct Row {
    /// Of a bar: its open.
    var time: Int64 = 0
    /// Trade: price, size. Quote: bid, size, ask, size; a price of 0 = that side did not change. Bar: open, high, low,
    /// close, volume.
    var values: (Double, Double, Double, Double, Double) = (0, 0, 0, 0, 0)
    /// Up to 8 bytes of the exchange's code, the first lowest; 0 = none.
    var exchange: UInt64 = 0
    var condition: UInt64 = 0
    var isSuspicious = false
}

/// Reads a file row by row in constant memory. Rows are parsed in place; nothing is allocated for one. One owner;
/// ``close()`` frees it.
struct RowReader {
    enum Outcome: Equatable {
        /// ``row`` is the next row.
        case row
        /// A row that cannot be used: why.
        case bad(String)
        case end
        /// The file cannot be read on: why.
        case failed(String)
    }

    private static let capacity = 256 << 10

    let path: String
    private let kind: ReplayFileKind
    private let source: ByteSource
    private let buffer: UnsafeMutablePointer<UInt8>
    private var start = 0
    private var end = 0
    private var isAtEnd = false
    private(set) var line = 0
    private(set) var row = Row()
    private var lastTime = Int64.min
    // What each field of a row means; fixed by the header.
    private let columns: UnsafeMutablePointer<Column>
    private var columnCount = 0
    private var requiredColumns: UInt16 = 0
    private var names: [String] = []

    /// Opens a file and reads its header. The error names the file and the column, and says what was found.
    init(path: String, kind: ReplayFileKind) throws {
        self.path = path
        self.kind = kind
        source = try ByteSource(path: path)
        buffer = .allocate(capacity: Self.capacity)
        columns = .allocate(capacity: 64)
        columns.initialize(repeating: .ignored, count: 64)
        do {
            try readHeader()
        } catch {
            close()
            throw error
        }
    }

    func close() {
        source.close()
        buffer.deallocate()
        columns.deallocate()
    }

    private mutating func readHeader() throws {
        let header: UnsafeBufferPointer<UInt8>
        switch nextLine() {
        case .line(let bytes): header = bytes
        case .end: throw PluginError(.configuration, "\(path) is empty: its first line must name the columns")
        case .tooLong: throw PluginError(.configuration, "\(path) is not a CSV file: its first line has no end")
        case .failed(let reason): throw PluginError(.configuration, "cannot read \(path): \(reason)")
        }
        var text = String(decoding: header, as: UTF8.self)
        if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
        names = text.split(separator: ",", omittingEmptySubsequences: false).map { name in
            String(name.drop { $0 == " " }.prefix { $0 != " " })
        }
        guard names.count <= 64 else {
            throw PluginError(.configuration, "\(path) has \(names.count) columns; at most 64 are read")
        }
        let (required, optional) = kind.columns
        for (name, column) in required + optional {
            let places = names.indices.filter { names[$0] == name }
            let isRequired = required.contains { $0.0 == name }
            if places.isEmpty, !isRequired { continue }
            guard let place = places.first else {
                throw PluginError(
                    .configuration,
                    "\(path) has no column '\(name)', which \(kindInWords) needs; its columns are "
                        + Self.shortened(text))
            }
            guard places.count == 1 else {
                throw PluginError(.configuration, "\(path) has \(places.count) columns '\(name)'")
            }
            columns[place] = column
            requiredColumns |= column.bit
        }
        columnCount = names.count
    }

    private var kindInWords: String {
        switch kind {
        case .trade: "a file of trades"
        case .quote: "a file of quotes"
        case .bar: "a file of bars"
        }
    }

    /// A piece of a file for a message: printable, and not long.
    private static func shortened(_ text: String) -> String {
        let cut = text.count > 80 ? text.prefix(80) + "…" : text[...]
        return "'" + String(cut.map { $0.isASCII && !($0.asciiValue.map { $0 < 32 } ?? true) ? $0 : "?" }) + "'"
    }

    // MARK: Rows

    mutating func next() -> Outcome {
        while true {
            switch nextLine() {
            case .line(let bytes):
                // Blank lines are no rows.
                if bytes.isEmpty { continue }
                return parse(bytes)
            case .end: return .end
            case .tooLong: return .bad("the line is longer than \(Self.capacity) bytes")
            case .failed(let reason): return .failed(reason)
            }
        }
    }

    @inline(__always)
    private mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
        guard var cursor = bytes.baseAddress else { return .end }
        let end = cursor + bytes.count
        var seen: UInt16 = 0
        var index = 0
        row.exchange = 0
        row.condition = 0
        row.isSuspicious = false
        row.values.4 = 0
        while true {
            let fieldStart = cursor
            let column = index < columnCount ? columns[index] : .ignored
            var isRead = true
            switch column {
            case .ignored: while cursor < end, cursor.pointee != NumberParser.comma { cursor += 1 }
            case .time:
                if let time = NumberParser.integer(&cursor, end) { row.time = time } else { isRead = false }
            case .exchange:
                var code: UInt64 = 0
                var shift: UInt64 = 0
                while cursor < end, cursor.pointee != NumberParser.comma {
                    guard shift < 64, cursor.pointee > 32, cursor.pointee < 127 else {
                        isRead = false
                        break
                    }
                    code |= UInt64(cursor.pointee) << shift
                    shift += 8
                    cursor += 1
                }
                row.exchange = code
            case .condition:
                if let bits = NumberParser.hexadecimal(&cursor, end) { row.condition = bits } else { isRead = false }
            case .suspicious:
                row.isSuspicious = cursor < end && cursor.pointee == UInt8(ascii: "1")
                while cursor < end, cursor.pointee != NumberParser.comma { cursor += 1 }
            default:
                if let value = number(&cursor, end) { store(value, column) } else { isRead = false }
            }
            guard isRead else { return unreadable(index, fieldStart, end) }
            seen |= column.bit
            index += 1
            guard cursor < end else { break }
            cursor += 1
            if cursor == end {
                // A comma at the end: one more field, which is empty.
                guard index < columnCount, columns[index] != .ignored else { break }
            }
        }
        if seen & requiredColumns != requiredColumns { return missing(seen, fields: index) }
        return check()
    }

    /// A number; in quotes an empty field is 0, which means "did not change".
    @inline(__always)
    private func number(_ cursor: inout UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Double? {
        if kind == .quote, cursor == end || cursor.pointee == NumberParser.comma { return 0 }
        return NumberParser.decimal(&cursor, end)
    }

    @inline(__always)
    private mutating func store(_ value: Double, _ column: Column) {
        switch column {
        case .value0: row.values.0 = value
        case .value1: row.values.1 = value
        case .value2: row.values.2 = value
        case .value3: row.values.3 = value
        default: row.values.4 = value
        }
    }

    /// What a record demands beyond being numbers.
    @inline(__always)
    private mutating func check() -> Outcome {
        switch kind {
        case .trade:
            if row.values.1 < 0 { return .bad("the size \(row.values.1) is negative") }
        case .quote:
            if row.values.0 == 0, row.values.2 == 0 { return .bad("neither bid nor ask is given") }
            if row.values.1 < 0 || row.values.3 < 0 { return .bad("a size is negative") }
        case .bar:
            if row.values.1 < max(row.values.0, row.values.3) || row.values.2 > min(row.values.0, row.values.3) {
                return .bad(
                    "open \(row.values.0) and close \(row.values.3) are not within high \(row.values.1) and low "
                        + "\(row.values.2)")
            }
            if row.values.4 < 0 { return .bad("the volume \(row.values.4) is negative") }
        }
        if row.time < lastTime {
            return .bad(
                "its time \(row.time) is before \(lastTime) of the row in front of it; rows must be in time order")
        }
        lastTime = row.time
        return .row
    }

    @inline(never)
    private func unreadable(_ index: Int, _ field: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>) -> Outcome {
        var cursor = field
        while cursor < end, cursor.pointee != NumberParser.comma { cursor += 1 }
        let found = String(decoding: UnsafeBufferPointer(start: field, count: cursor - field), as: UTF8.self)
        return .bad("column '\(names[index])' holds \(Self.shortened(found)), which cannot be read")
    }

    @inline(never)
    private func missing(_ seen: UInt16, fields: Int) -> Outcome {
        let absent = names.indices.filter { columns[$0] != .ignored && seen & columns[$0].bit == 0 }
        return .bad(
            "the row has \(fields) fields, the header \(columnCount); '"
                + absent.map { names[$0] }.joined(separator: "', '") + "' is missing")
    }

    // MARK: Lines

    private enum Line {
        case line(UnsafeBufferPointer<UInt8>)
        case tooLong
        case end
        case failed(String)
    }

    /// The next line without its end; valid until the next call.
    @inline(__always)
    private mutating func nextLine() -> Line {
        var searched = start
        while true {
            if searched < end, let found = memchr(buffer + searched, 10, end - searched) {
                let stop = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(buffer)
                defer { start = stop + 1 }
                return .line(line(upTo: stop))
            }
            searched = end - start
            if let outcome = refill() { return outcome }
        }
    }

    @inline(__always)
    private mutating func line(upTo stop: Int) -> UnsafeBufferPointer<UInt8> {
        line += 1
        let length = stop > start && buffer[stop - 1] == 13 ? stop - 1 - start : stop - start
        return UnsafeBufferPointer(start: buffer + start, count: length)
    }

    /// Moves the unfinished line to the front and reads on behind it; what cannot be done is the outcome.
    @inline(never)
    private mutating func refill() -> Line? {
        if isAtEnd {
            guard start < end else { return .end }
            defer { start = end }
            return .line(line(upTo: end))
        }
        if end - start == Self.capacity { return skipLine() }
        if start > 0 {
            memmove(buffer, buffer + start, end - start)
            end -= start
            start = 0
        }
        do throws(ByteSourceError) {
            let count = try source.read(into: buffer + end, capacity: Self.capacity - end)
            isAtEnd = count == 0
            end += count
            return nil
        } catch {
            return .failed(error.reason)
        }
    }

    private mutating func skipLine() -> Line {
        line += 1
        while true {
            start = 0
            end = 0
            do throws(ByteSourceError) {
                end = try source.read(into: buffer, capacity: Self.capacity)
            } catch {
                return .failed(error.reason)
            }
            if end == 0 {
                isAtEnd = true
                return .tooLong
            }
            if let found = memchr(buffer, 10, end) {
                start = found.assumingMemoryBound(to: UInt8.self) - UnsafeMutablePointer(buffer) + 1
                return .tooLong
            }
        }
    }
}
