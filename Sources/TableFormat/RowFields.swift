import EventFormat

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds the values of a table's columns in rows that are JSON objects, as the hub writes them: compact, without escapes in
/// names.
///
/// Members that are no columns are passed over. One thread at a time.
public struct RowFields: Sendable {
    /// Where a column's value stands in the row; a length of 0 is null.
    struct Place: Sendable {
        var start = 0
        var length = 0
    }

    private let names: [[UInt8]]
    private(set) var places: [Place]

    public init(_ columns: [TableColumn]) {
        names = columns.map { Array($0.name.utf8) }
        places = Array(repeating: Place(), count: columns.count)
    }

    /// Reads a row. What is no whole object ends the reading; what was found until then counts.
    mutating func read(_ row: UnsafeRawBufferPointer) {
        for index in places.indices { places[index] = Place() }
        var next = 0
        var at = 0
        let count = row.count
        guard count > 1, row[0] == UInt8(ascii: "{") else { return }
        at = 1
        while at < count, row[at] == UInt8(ascii: "\"") {
            let name = at + 1
            var nameEnd = name
            while nameEnd < count, row[nameEnd] != UInt8(ascii: "\"") { nameEnd += 1 }
            let value = nameEnd + 2
            guard value < count else { return }
            let end = Self.end(ofValueAt: value, in: row)
            if let column = column(row, name, nameEnd - name, hint: next) {
                // `null` is the only value that begins with an n.
                if row[value] != UInt8(ascii: "n") { places[column] = Place(start: value, length: end - value) }
                next = column + 1
            }
            guard end < count, row[end] == UInt8(ascii: ",") else { return }
            at = end + 1
        }
    }

    /// The columns come in the order of the members, so the next one mostly is the one.
    private func column(_ row: UnsafeRawBufferPointer, _ start: Int, _ length: Int, hint: Int) -> Int? {
        guard let base = row.baseAddress else { return nil }
        var index = hint
        for _ in 0..<names.count {
            if index >= names.count { index = 0 }
            let name = names[index]
            if name.count == length, name.withUnsafeBytes({ memcmp($0.baseAddress!, base + start, length) == 0 }) {
                return index
            }
            index += 1
        }
        return nil
    }

    private static func end(ofValueAt start: Int, in row: UnsafeRawBufferPointer) -> Int {
        var at = start
        var depth = 0
        while at < row.count {
            switch row[at] {
            case UInt8(ascii: "\""):
                at += 1
                while at < row.count, row[at] != UInt8(ascii: "\"") {
                    at += row[at] == UInt8(ascii: "\\") ? 2 : 1
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return at }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return at
            default: break
            }
            at += 1
        }
        return row.count
    }
}

/// Texts and numbers out of JSON values.
enum JSONValue {
    /// Appends a value as text: strings without quotes and escapes, lists of strings with `;` between them, the rest as it is.
    static func appendText(_ value: UnsafeRawBufferPointer, to text: inout TextBuffer) {
        guard let first = value.first else { return }
        if first == UInt8(ascii: "\"") {
            appendString(value, to: &text)
        } else if first == UInt8(ascii: "["), isListOfStrings(value) {
            var at = 1
            var isFirst = true
            while at < value.count, value[at] == UInt8(ascii: "\"") {
                let end = endOfString(value, at)
                if !isFirst { text.append(byte: UInt8(ascii: ";")) }
                isFirst = false
                appendString(UnsafeRawBufferPointer(rebasing: value[at..<end]), to: &text)
                at = end + 1
            }
        } else {
            text.append(value)
        }
    }

    private static func endOfString(_ value: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start + 1
        while at < value.count, value[at] != UInt8(ascii: "\"") { at += value[at] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(at + 1, value.count)
    }

    private static func isListOfStrings(_ value: UnsafeRawBufferPointer) -> Bool {
        var at = 1
        while at < value.count, value[at] == UInt8(ascii: "\"") {
            at = endOfString(value, at)
            if at < value.count, value[at] == UInt8(ascii: ",") { at += 1 }
        }
        return at == value.count - 1
    }

    private static func appendString(_ quoted: UnsafeRawBufferPointer, to text: inout TextBuffer) {
        let inner = UnsafeRawBufferPointer(rebasing: quoted.dropFirst().dropLast())
        guard inner.contains(UInt8(ascii: "\\")) else { return text.append(inner) }
        var at = 0
        while at < inner.count {
            let byte = inner[at]
            guard byte == UInt8(ascii: "\\"), at + 1 < inner.count else {
                text.append(byte: byte)
                at += 1
                continue
            }
            at += 2
            switch inner[at - 1] {
            case UInt8(ascii: "n"): text.append(byte: 10)
            case UInt8(ascii: "r"): text.append(byte: 13)
            case UInt8(ascii: "t"): text.append(byte: 9)
            case UInt8(ascii: "b"): text.append(byte: 8)
            case UInt8(ascii: "f"): text.append(byte: 12)
            case UInt8(ascii: "u"):
                // The hub escapes only control characters so, never half of a pair.
                let digits = String(decoding: inner[at..<min(at + 4, inner.count)], as: UTF8.self)
                if let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
                    text.append(text: String(Character(scalar)))
                }
                at += 4
            case let other: text.append(byte: other)
            }
        }
    }

    /// A whole number, with or without quotes; `nil` for anything else.
    static func integer(_ value: UnsafeRawBufferPointer) -> Int64? {
        var bytes = value[...]
        if bytes.first == UInt8(ascii: "\"") { bytes = bytes.dropFirst().dropLast() }
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes = bytes.dropFirst() }
        guard !bytes.isEmpty else { return nil }
        var number: Int64 = 0
        for byte in bytes {
            guard byte &- 48 < 10 else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (difference, underflow) = product.subtractingReportingOverflow(Int64(byte &- 48))
            if overflow || underflow { return nil }
            number = difference
        }
        // Gathered below zero, where there is room for one more.
        if isNegative { return number }
        return number == .min ? nil : -number
    }

    private static let powers: [Double] = (0...22).map { power in (0..<power).reduce(1) { value, _ in value * 10 } }

    /// The double that a number's text stands for.
    static func number(_ value: UnsafeRawBufferPointer) -> Double? {
        var mantissa: UInt64 = 0
        var digits = 0
        var places = 0
        var isFraction = false
        var at = 0
        let isNegative = value.first == UInt8(ascii: "-")
        if isNegative { at = 1 }
        while at < value.count {
            let byte = value[at]
            if byte == UInt8(ascii: "."), !isFraction {
                isFraction = true
            } else if byte &- 48 < 10 {
                if mantissa > 0 || byte != 48 { digits += 1 }
                if digits > 15 { break }
                mantissa = mantissa * 10 + UInt64(byte &- 48)
                if isFraction { places += 1 }
            } else {
                break
            }
            at += 1
        }
        // Both are exact as doubles, so that one division rounds correctly.
        if at == value.count, places <= 22 {
            let magnitude = Double(mantissa) / powers[places]
            return isNegative ? -magnitude : magnitude
        }
        return Double(String(decoding: value, as: UTF8.self))
    }

    /// Days since the epoch of `"2025-01-06"`.
    static func day(_ value: UnsafeRawBufferPointer) -> Int32? {
        guard value.count == 12 else { return nil }
        func part(_ from: Int, _ count: Int) -> Int? {
            integer(UnsafeRawBufferPointer(rebasing: value[from..<(from + count)])).map(Int.init)
        }
        guard let year = part(1, 4), let month = part(6, 2), let day = part(9, 2) else { return nil }
        return Int32(truncatingIfNeeded: CivilDate(year: Int64(year), month: Int64(month), day: Int64(day)).dayNumber)
    }
}
