public import EventFormat

/// Gathers rows that are JSON objects into batches of an Arrow stream.
public struct ArrowRows: Sendable {
    /// One column of the rows gathered so far.
    private struct Gathered: Sendable {
        var isValid: [Bool] = []
        var numbers: [Int64] = []
        var bytes: [UInt8] = []
        var ends: [Int32] = []
        var nulls = 0

        mutating func clear() {
            isValid.removeAll(keepingCapacity: true)
            numbers.removeAll(keepingCapacity: true)
            bytes.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            nulls = 0
        }
    }

    private let stream: ArrowStream
    private var fields: RowFields
    private var columns: [Gathered]
    /// Rows that are in no batch yet.
    public private(set) var count = 0
    /// Bytes of texts that are in no batch yet; a batch should not have more than a few MiB.
    public private(set) var textBytes = 0

    public init(_ stream: ArrowStream) {
        self.stream = stream
        fields = RowFields(stream.columns)
        columns = Array(repeating: Gathered(), count: stream.columns.count)
    }

    /// Takes a row in. A value that does not fit its column counts as null.
    public mutating func append(_ row: UnsafeRawBufferPointer) {
        fields.read(row)
        var scratch = TextBuffer(capacity: 256)
        for index in columns.indices {
            let place = fields.places[index]
            let value = UnsafeRawBufferPointer(rebasing: row[place.start..<(place.start + place.length)])
            append(value, index, &scratch)
        }
        count += 1
    }

    private mutating func append(_ value: UnsafeRawBufferPointer, _ index: Int, _ scratch: inout TextBuffer) {
        var number: Int64?
        if value.count > 0 {
            switch stream.columns[index].kind {
            case .integer, .time: number = JSONValue.integer(value)
            case .number: number = JSONValue.number(value).map { Int64(bitPattern: $0.bitPattern) }
            case .date: number = JSONValue.day(value).map(Int64.init)
            case .flag: number = value[0] == UInt8(ascii: "t") ? 1 : 0
            case .text:
                scratch.clear()
                JSONValue.appendText(value, to: &scratch)
                columns[index].bytes.append(contentsOf: scratch.bytes)
                textBytes += scratch.count
                number = 0
            case .word(let words):
                scratch.clear()
                JSONValue.appendText(value, to: &scratch)
                number = words.firstIndex(of: scratch.string).map(Int64.init)
            }
        }
        columns[index].isValid.append(number != nil)
        if number == nil { columns[index].nulls += 1 }
        if case .text = stream.columns[index].kind {
            columns[index].ends.append(Int32(columns[index].bytes.count))
        } else {
            columns[index].numbers.append(number ?? 0)
        }
    }

    /// Writes what was gathered as a batch, and forgets it.
    public mutating func flush(to text: inout TextBuffer) {
        guard count > 0 else { return }
        let gathered = columns
        let needs = gathered.map { ArrowStream.Need(nulls: $0.nulls, textBytes: $0.bytes.count) }
        stream.batch(rows: count, needs: needs, to: &text) { index, room in
            Self.fill(gathered[index], stream.columns[index].kind, room)
        }
        for index in columns.indices { columns[index].clear() }
        count = 0
        textBytes = 0
    }

    private static func fill(_ column: Gathered, _ kind: TableColumn.Kind, _ room: ArrowStream.Room) {
        if let validity = room.validity {
            for (row, isValid) in column.isValid.enumerated() where isValid { validity[row >> 3] |= 1 << (row & 7) }
        }
        switch kind {
        case .text:
            for (row, end) in column.ends.enumerated() { room.offsets?[row + 1] = end }
            column.bytes.withUnsafeBytes {
                if $0.count > 0 { room.values.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            }
        case .flag:
            let bits = room.values.assumingMemoryBound(to: UInt8.self)
            for (row, number) in column.numbers.enumerated() where number != 0 { bits[row >> 3] |= 1 << (row & 7) }
        case .date, .word:
            let values = room.values.assumingMemoryBound(to: Int32.self)
            for (row, number) in column.numbers.enumerated() { values[row] = Int32(truncatingIfNeeded: number) }
        case .integer, .number, .time:
            column.numbers.withUnsafeBytes {
                if $0.count > 0 { room.values.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            }
        }
    }
}
