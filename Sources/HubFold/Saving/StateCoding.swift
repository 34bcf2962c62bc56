/// Why a saved state cannot be used. The journal then has to be folded from its start, or from an older checkpoint.
public enum FoldStateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It does not begin as a saved fold does.
    case notAFold
    /// It was written by another version of the hub.
    case version(found: UInt32, expected: UInt32)
    /// Its checksum is not that of its bytes, or what they say is impossible.
    case damaged(at: Int)

    public var description: String {
        switch self {
        case .notAFold: "not the saved state of a fold"
        case .version(let found, let expected):
            "the saved state has format \(found), this hub reads \(expected); fold the journal from its start"
        case .damaged(let at): "the saved state is damaged at byte \(at); use an older checkpoint"
        }
    }
}

/// Writes the parts of a state one after another, little-endian, texts and bytes with their length before them.
struct StateWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ value: Double) { put(value.bitPattern) }

    mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func put(_ text: String) {
        put(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func put(raw: UnsafeRawBufferPointer) {
        put(UInt32(raw.count))
        bytes.append(contentsOf: raw)
    }
}

/// Reads what `StateWriter` wrote; anything that does not fit is damage.
struct StateReader {
    private let bytes: [UInt8]
    private var at: Int
    private let end: Int
    /// Of the format that is read.
    let version: UInt32

    init(_ bytes: [UInt8], from start: Int, to end: Int, version: UInt32 = Fold.stateVersion) {
        self.version = version
        self.bytes = bytes
        at = start
        self.end = end
    }

    var isAtEnd: Bool { at == end }

    func damage() -> FoldStateError { .damaged(at: at) }

    mutating func get<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(FoldStateError) -> Value {
        let size = Value.bitWidth / 8
        guard end - at >= size else { throw damage() }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: Value.self) }
        at += size
        return Value(littleEndian: value)
    }

    mutating func double() throws(FoldStateError) -> Double { Double(bitPattern: try get(UInt64.self)) }

    mutating func bool() throws(FoldStateError) -> Bool {
        let value = try get(UInt8.self)
        guard value < 2 else { throw damage() }
        return value == 1
    }

    mutating func text() throws(FoldStateError) -> String {
        guard let text = String(validating: try raw(), as: UTF8.self) else { throw damage() }
        return text
    }

    mutating func raw() throws(FoldStateError) -> ArraySlice<UInt8> {
        let length = Int(try get(UInt32.self))
        guard end - at >= length else { throw damage() }
        defer { at += length }
        return bytes[at..<(at + length)]
    }

    /// A number of elements of at least that size each.
    mutating func count(elementBytes: Int = 1) throws(FoldStateError) -> Int {
        let count = Int(try get(UInt32.self))
        guard count <= (end - at) / elementBytes else { throw damage() }
        return count
    }
}

/// FNV-1a over words of 8 bytes (the last one filled with zeros): finds damage, not intent.
enum StateChecksum {
    static func of(_ bytes: [UInt8], through end: Int) -> UInt64 {
        bytes.withUnsafeBytes { raw in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            var at = 0
            while at + 8 <= end {
                hash = (hash ^ UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
                hash = (hash ^ hash >> 29) &* 0x100_0000_01b3
                at += 8
            }
            var rest: UInt64 = 0
            while at < end {
                rest = rest << 8 | UInt64(raw[at])
                at += 1
            }
            return (hash ^ rest ^ UInt64(end)) &* 0x100_0000_01b3
        }
    }
}
