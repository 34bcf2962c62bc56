public import EventFormat

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes the Arrow IPC streaming format: a schema, dictionaries, record batches, an end
/// (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format).
///
/// Pure: it appends to a buffer and remembers nothing between messages but the schema. Little-endian machines only.
public struct ArrowStream: Sendable {
    public let columns: [TableColumn]
    let unit: TimeStyle

    /// - Parameter timeStyle: gives the unit of times; text is no unit, so `iso` has nanoseconds.
    public init(_ columns: [TableColumn], timeStyle: TimeStyle) {
        self.columns = columns
        unit = timeStyle
    }

    /// Bytes of one value; 0 for those that have no fixed size in bytes.
    static func width(_ kind: TableColumn.Kind) -> Int {
        switch kind {
        case .integer, .number, .time: 8
        case .date, .word: 4
        case .text, .flag: 0
        }
    }

    // MARK: Schema

    /// Writes the schema and the dictionaries of the words.
    public func begin(_ text: inout TextBuffer) {
        var buffer = FlatBuffer()
        var fields: [FlatBuffer.Offset] = []
        for (index, column) in columns.enumerated() {
            let name = buffer.text(column.name)
            let (type, typeTable) = type(column.kind, &buffer)
            var dictionary = FlatBuffer.Field.absent
            if case .word = column.kind {
                let indexType = buffer.table([.int(32), .byte(1)])
                dictionary = .reference(buffer.table([.long(Int64(index)), .reference(indexType)]))
            }
            let children = buffer.vector([FlatBuffer.Offset]())
            fields.append(
                buffer.table([
                    .reference(name), .byte(1), .byte(type), .reference(typeTable), dictionary, .reference(children),
                ]))
        }
        let list = buffer.vector(fields)
        let schema = buffer.table([.short(0), .reference(list)])
        message(1, schema, buffer, bodyBytes: 0, &text)
        for (index, column) in columns.enumerated() {
            if case .word(let words) = column.kind { dictionary(Int64(index), words, &text) }
        }
    }

    /// The number of a type in Arrow's schema, and its table.
    private func type(_ kind: TableColumn.Kind, _ buffer: inout FlatBuffer) -> (UInt8, FlatBuffer.Offset) {
        switch kind {
        case .integer: return (2, buffer.table([.int(64), .byte(1)]))
        case .number: return (3, buffer.table([.short(2)]))
        case .text, .word: return (5, buffer.table([]))
        case .flag: return (6, buffer.table([]))
        case .date: return (8, buffer.table([.short(0)]))
        case .time:
            let zone = buffer.text("UTC")
            let code: Int16 =
                switch unit {
                case .seconds: 0
                case .milliseconds: 1
                case .microseconds: 2
                case .nanoseconds, .iso: 3
                }
            return (10, buffer.table([.short(code), .reference(zone)]))
        }
    }

    private func dictionary(_ id: Int64, _ words: [String], _ text: inout TextBuffer) {
        var offsets: [Int32] = [0]
        var bytes: [UInt8] = []
        for word in words {
            bytes.append(contentsOf: word.utf8)
            offsets.append(Int32(bytes.count))
        }
        var layout = BodyLayout()
        layout.add(rows: words.count, nulls: 0)
        layout.buffer(0)
        layout.buffer(offsets.count * 4)
        layout.buffer(bytes.count)
        var buffer = FlatBuffer()
        let batch = layout.table(rows: words.count, &buffer)
        let dictionary = buffer.table([.long(id), .reference(batch)])
        message(2, dictionary, buffer, bodyBytes: layout.bytes, &text)
        text.withRoom(layout.bytes) { body in
            memset(body, 0, layout.bytes)
            offsets.withUnsafeBytes { body.update(from: $0, at: layout.buffers[1].0) }
            bytes.withUnsafeBytes { body.update(from: $0, at: layout.buffers[2].0) }
            return layout.bytes
        }
    }

    // MARK: Batches

    /// What a column needs in a batch.
    public struct Need {
        /// Rows without a value.
        public var nulls: Int
        /// Bytes of the values; given for texts only.
        public var textBytes: Int
        /// Whether there are bits of validity although no row may lack a value: so that the length is known beforehand.
        public var hasValidity: Bool

        public init(nulls: Int = 0, textBytes: Int = 0, hasValidity: Bool = false) {
            self.nulls = nulls
            self.textBytes = textBytes
            self.hasValidity = hasValidity
        }
    }

    /// Where a column's values go. All bytes are zero before.
    public struct Room {
        /// A bit a row, 1 = there is a value; `nil` where no row lacks one.
        public var validity: UnsafeMutablePointer<UInt8>?
        /// Ends of the texts, rows + 1 numbers of 32 bits; texts only.
        public var offsets: UnsafeMutablePointer<Int32>?
        /// The values.
        public var values: UnsafeMutableRawPointer
    }

    /// A batch of rows that is to be written: what stands in front of the values, and where they go.
    public struct Batch: Sendable {
        /// The message up to its body.
        public let header: [UInt8]
        public let bodyBytes: Int
        private let columns: [TableColumn]
        private let hasNulls: [Bool]
        private let places: [(start: Int, length: Int)]

        fileprivate init(
            header: [UInt8], bodyBytes: Int, columns: [TableColumn], hasNulls: [Bool],
            places: [(start: Int, length: Int)]
        ) {
            self.header = header
            self.bodyBytes = bodyBytes
            self.columns = columns
            self.hasNulls = hasNulls
            self.places = places
        }

        /// Where the values of each column go.
        ///
        /// - Parameters:
        ///   - body: has room for `bodyBytes`.
        ///   - isCleared: whether all values are 0 then; else only bits and what pads the columns are.
        public func rooms(in body: UnsafeMutablePointer<UInt8>, isCleared: Bool = true) -> [Room] {
            if isCleared { memset(body, 0, bodyBytes) }
            var next = 0
            func place(clears: Bool) -> UnsafeMutablePointer<UInt8> {
                let (start, length) = places[next]
                next += 1
                let padded = (length + 7) & ~7
                let kept = clears || isCleared ? 0 : length & ~7
                if !isCleared { memset(body + start + kept, 0, padded - kept) }
                return body + start
            }
            var rooms: [Room] = []
            for (column, hasNulls) in zip(columns, hasNulls) {
                let bits = place(clears: true)
                var room = Room(validity: hasNulls ? bits : nil, values: UnsafeMutableRawPointer(bits))
                if case .text = column.kind {
                    room.offsets = UnsafeMutableRawPointer(place(clears: true)).assumingMemoryBound(to: Int32.self)
                }
                var isFlag = false
                if case .flag = column.kind { isFlag = true }
                room.values = UnsafeMutableRawPointer(place(clears: isFlag))
                rooms.append(room)
            }
            return rooms
        }
    }

    /// Lays out a batch of rows.
    ///
    /// How many bytes it has depends on the number of rows, on which columns lack values, and on the bytes of texts alone.
    /// - Parameter needs: for each column.
    public func batch(rows: Int, needs: [Need]) -> Batch {
        var layout = BodyLayout()
        for (column, need) in zip(columns, needs) {
            layout.add(rows: rows, nulls: need.nulls)
            layout.buffer(need.nulls > 0 || need.hasValidity ? (rows + 7) / 8 : 0)
            switch column.kind {
            case .text:
                layout.buffer((rows + 1) * 4)
                layout.buffer(need.textBytes)
            case .flag: layout.buffer((rows + 7) / 8)
            default: layout.buffer(rows * Self.width(column.kind))
            }
        }
        var buffer = FlatBuffer()
        let table = layout.table(rows: rows, &buffer)
        var header = TextBuffer(capacity: 2048)
        message(3, table, buffer, bodyBytes: layout.bytes, &header)
        return Batch(
            header: header.array, bodyBytes: layout.bytes, columns: columns,
            hasNulls: needs.map { $0.nulls > 0 || $0.hasValidity }, places: layout.buffers)
    }

    /// Writes a batch of rows.
    ///
    /// - Parameters:
    ///   - needs: for each column.
    ///   - fill: writes the values of a column, by its place in `columns`.
    public func batch(
        rows: Int, needs: [Need], to text: inout TextBuffer, fill: (_ column: Int, _ room: Room) -> Void
    ) {
        let batch = batch(rows: rows, needs: needs)
        text.append(batch.header)
        text.withRoom(batch.bodyBytes) { body in
            for (index, room) in batch.rooms(in: body).enumerated() { fill(index, room) }
            return batch.bodyBytes
        }
    }

    /// Bytes that end a stream.
    public static let endBytes = 8

    /// Says that nothing more comes.
    public func end(_ text: inout TextBuffer) {
        append(UInt32.max, &text)
        append(UInt32(0), &text)
    }

    // MARK: Messages

    /// - Parameter kind: number of the header's type in Arrow's schema.
    private func message(
        _ kind: UInt8, _ header: FlatBuffer.Offset, _ buffer: consuming FlatBuffer, bodyBytes: Int,
        _ text: inout TextBuffer
    ) {
        // Version 5 of the metadata, the one since Arrow 1.0.
        let root = buffer.table([.short(4), .byte(kind), .reference(header), .long(Int64(bodyBytes))])
        let metadata = buffer.finish(root)
        let padded = (metadata.count + 7) & ~7
        append(UInt32.max, &text)
        append(UInt32(padded), &text)
        text.append(metadata)
        for _ in metadata.count..<padded { text.append(byte: 0) }
    }

    private func append(_ number: UInt32, _ text: inout TextBuffer) {
        withUnsafeBytes(of: number.littleEndian) { text.append($0) }
    }

    /// Where the buffers of a batch lie in its body, each from a multiple of 8 on.
    private struct BodyLayout {
        private(set) var buffers: [(start: Int, length: Int)] = []
        private var nodes: [(Int64, Int64)] = []
        private(set) var bytes = 0

        mutating func add(rows: Int, nulls: Int) { nodes.append((Int64(rows), Int64(nulls))) }

        mutating func buffer(_ length: Int) {
            buffers.append((bytes, length))
            bytes += (length + 7) & ~7
        }

        func table(rows: Int, _ buffer: inout FlatBuffer) -> FlatBuffer.Offset {
            let places = buffer.vector(buffers.map { (Int64($0.0), Int64($0.1)) })
            let lengths = buffer.vector(nodes)
            return buffer.table([.long(Int64(rows)), .reference(lengths), .reference(places)])
        }
    }
}

extension UnsafeMutablePointer<UInt8> {
    fileprivate func update(from bytes: UnsafeRawBufferPointer, at place: Int) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        memcpy(self + place, base, bytes.count)
    }
}
