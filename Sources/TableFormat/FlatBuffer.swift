/// Builds a FlatBuffer: the encoding of Arrow's metadata (https://flatbuffers.dev/internals).
///
/// Children before parents, the buffer grows towards its beginning: so it is kept backwards, and turned round at the end. An
/// *offset* here is a distance from the end of the buffer.
struct FlatBuffer {
    typealias Offset = Int

    private var backwards: [UInt8] = []
    private var greatestAlignment = 1

    private var used: Offset { backwards.count }

    /// Pads so that, after `more` further bytes, what follows is aligned.
    private mutating func align(_ size: Int, after more: Int = 0) {
        greatestAlignment = max(greatestAlignment, size)
        while (used + more) % size != 0 { backwards.append(0) }
    }

    private mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.bigEndian) { backwards.append(contentsOf: $0) }
    }

    private mutating func push<Number: FixedWidthInteger>(_ number: Number) {
        align(MemoryLayout<Number>.size)
        put(number)
    }

    /// A reference is a distance forward from where it stands.
    private mutating func push(reference target: Offset) {
        align(4)
        put(UInt32(used + 4 - target))
    }

    mutating func text(_ text: String) -> Offset {
        let bytes = Array(text.utf8)
        align(4, after: bytes.count + 1)
        backwards.append(0)
        backwards.append(contentsOf: bytes.reversed())
        push(UInt32(bytes.count))
        return used
    }

    mutating func vector(_ references: [Offset]) -> Offset {
        align(4, after: references.count * 4)
        for reference in references.reversed() { push(reference: reference) }
        push(UInt32(references.count))
        return used
    }

    /// A vector of structs of two 64-bit numbers.
    mutating func vector(_ pairs: [(Int64, Int64)]) -> Offset {
        align(4, after: pairs.count * 16)
        align(8, after: pairs.count * 16)
        for pair in pairs.reversed() {
            put(pair.1)
            put(pair.0)
        }
        push(UInt32(pairs.count))
        return used
    }

    /// A value of a table's field.
    enum Field {
        case absent
        case byte(UInt8)
        case short(Int16)
        case int(Int32)
        case long(Int64)
        case reference(Offset)
    }

    /// - Parameter fields: by the number of the field in the schema.
    mutating func table(_ fields: [Field]) -> Offset {
        let start = used
        var places: [Offset] = []
        for field in fields {
            switch field {
            case .absent:
                places.append(0)
                continue
            case .byte(let value): push(value)
            case .short(let value): push(value)
            case .int(let value): push(value)
            case .long(let value): push(value)
            case .reference(let target): push(reference: target)
            }
            places.append(used)
        }
        // The table begins with the distance to its list of places, known only when that is written.
        push(Int32(0))
        let table = used
        for place in places.reversed() { push(UInt16(place == 0 ? 0 : table - place)) }
        push(UInt16(table - start))
        push(UInt16(4 + 2 * places.count))
        withUnsafeBytes(of: Int32(used - table).bigEndian) { bytes in
            for (index, byte) in bytes.enumerated() { backwards[table - 4 + index] = byte }
        }
        return table
    }

    /// The finished buffer, whose root is a table.
    consuming func finish(_ root: Offset) -> [UInt8] {
        align(greatestAlignment, after: 4)
        push(reference: root)
        return backwards.reversed()
    }
}
