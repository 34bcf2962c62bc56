import CHubSystem

/// Little-endian numbers in a growing array of bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// ASCII, filled up with zeros or cut.
    mutating func append(_ text: String, padded count: Int) {
        let utf8 = Array(text.utf8.prefix(count))
        bytes.append(contentsOf: utf8)
        bytes.append(contentsOf: repeatElement(0, count: count - utf8.count))
    }

    var checksum: UInt32 { bytes.withUnsafeBytes { hub_crc32c(0, $0.baseAddress, $0.count) } }
}

extension UnsafeRawPointer {
    func number<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type = Number.self) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    func text(_ offset: Int, _ count: Int) -> String {
        let bytes = UnsafeRawBufferPointer(start: self + offset, count: count)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    func checksum(_ offset: Int, _ count: Int) -> UInt32 { hub_crc32c(0, self + offset, count) }
}
