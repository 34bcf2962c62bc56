/// A place within the bytes of one column. Nothing is read behind its end, but for whole words in ``BitPacking``, for which
/// every chunk has padding behind its last column.
struct ByteReader {
    private let base: UnsafeRawPointer
    private(set) var offset = 0
    let count: Int

    init(_ base: UnsafeRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    /// Takes that many bytes.
    @inline(__always)
    mutating func take(_ bytes: Int) throws(ChunkError) -> UnsafeRawPointer {
        guard bytes <= count - offset else { throw short(bytes) }
        defer { offset += bytes }
        return base + offset
    }

    @inline(never)
    private func short(_ bytes: Int) -> ChunkError {
        ChunkError("\(bytes) bytes expected at byte \(offset) of the column, but it has \(count)")
    }

    @inline(__always)
    mutating func number<T: FixedWidthInteger>(_: T.Type) throws(ChunkError) -> T {
        T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
    }

    mutating func variable() throws(ChunkError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try number(UInt8.self)
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift += 7
            guard shift < 64 else {
                throw ChunkError("a number has more than 10 bytes at byte \(offset) of the column")
            }
        }
    }

    mutating func signedVariable() throws(ChunkError) -> Int64 { ZigZag.decode(try variable()) }

    func checkEnd() throws(ChunkError) {
        guard offset == count else {
            throw ChunkError("the column has \(count) bytes, but its values end after \(offset)")
        }
    }
}
