public import EventFormat

/// CSV: a header line, quotes as in RFC 4180 where a field needs them, lines that end with a line feed. Null is an empty field.
public enum CSVText {
    /// Writes the names of the columns.
    public static func header(_ columns: [TableColumn], to text: inout TextBuffer) {
        for (index, column) in columns.enumerated() {
            if index > 0 { text.append(byte: UInt8(ascii: ",")) }
            append(field: column.name, to: &text)
        }
        text.append(byte: UInt8(ascii: "\n"))
    }

    public static func append(field: String, to text: inout TextBuffer) {
        let start = text.count
        text.append(text: field)
        quote(from: start, in: &text)
    }

    /// Puts what was written from a place on into quotes, if it must be.
    static func quote(from start: Int, in text: inout TextBuffer) {
        let written = UnsafeRawBufferPointer(rebasing: text.bytes[start...])
        let needsQuotes = written.contains {
            $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13
        }
        guard needsQuotes else { return }
        let plain = Array(written)
        text.truncate(to: start)
        text.append(byte: UInt8(ascii: "\""))
        for byte in plain {
            if byte == UInt8(ascii: "\"") { text.append(byte: byte) }
            text.append(byte: byte)
        }
        text.append(byte: UInt8(ascii: "\""))
    }
}

/// Makes CSV lines out of rows that are JSON objects.
public struct CSVRows: Sendable {
    public let columns: [TableColumn]
    private var fields: RowFields

    public init(_ columns: [TableColumn]) {
        self.columns = columns
        fields = RowFields(columns)
    }

    /// Appends the line of a row.
    public mutating func append(_ row: UnsafeRawBufferPointer, to text: inout TextBuffer) {
        fields.read(row)
        for (index, place) in fields.places.enumerated() {
            if index > 0 { text.append(byte: UInt8(ascii: ",")) }
            guard place.length > 0 else { continue }
            let value = UnsafeRawBufferPointer(rebasing: row[place.start..<(place.start + place.length)])
            let start = text.count
            JSONValue.appendText(value, to: &text)
            // Numbers and words without quotes need none here either.
            if value[0] == UInt8(ascii: "\"") || value[0] == UInt8(ascii: "[") || value[0] == UInt8(ascii: "{") {
                CSVText.quote(from: start, in: &text)
            }
        }
        text.append(byte: UInt8(ascii: "\n"))
    }
}
