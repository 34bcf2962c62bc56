/// Reads the protobuf wire format, field by field, within given bytes.
///
/// A fault (bytes that end within a field, a number of more than ten bytes, a group) ends the reading: the reader stands at
/// its end and ``isMalformed`` says so. It never reads past its bytes and never allocates.
struct WireReader {
    private(set) var at: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private(set) var isMalformed = false

    /// A field's number and how it is stored.
    struct Tag {
        var field: UInt32
        var type: UInt32

        static let varint: UInt32 = 0
        static let fixed64: UInt32 = 1
        static let bytes: UInt32 = 2
        static let fixed32: UInt32 = 5
    }

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped
        at = base
        end = base + bytes.count
    }

    @inline(__always)
    private mutating func fail() {
        isMalformed = true
        at = end
    }

    /// The next field; nil = there is none, or the bytes are malformed.
    @inline(__always)
    mutating func next() -> Tag? {
        guard at < end else { return nil }
        let first = at.load(as: UInt8.self)
        // Nearly all tags are one byte.
        if first < 0x80 {
            at += 1
            guard first >= 8 else {
                fail()
                return nil
            }
            return Tag(field: UInt32(first >> 3), type: UInt32(first & 7))
        }
        let tag = varint()
        guard !isMalformed, tag >> 3 > 0, tag >> 3 < 1 << 29 else {
            fail()
            return nil
        }
        return Tag(field: UInt32(tag >> 3), type: UInt32(tag & 7))
    }

    @inline(__always)
    mutating func varint() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end, shift < 70 {
            let byte = at.load(as: UInt8.self)
            at += 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift += 7
        }
        fail()
        return 0
    }

    @inline(__always)
    mutating func integer() -> Int64 { Int64(bitPattern: varint()) }

    @inline(__always)
    mutating func double() -> Double {
        guard end - at >= 8 else {
            fail()
            return .nan
        }
        let bits = UInt64(littleEndian: at.loadUnaligned(as: UInt64.self))
        at += 8
        return Double(bitPattern: bits)
    }

    /// The bytes of a text or a message.
    @inline(__always)
    mutating func bytes() -> UnsafeRawBufferPointer {
        let count = varint()
        guard !isMalformed, count <= UInt64(end - at) else {
            fail()
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let start = at
        at += Int(count)
        return UnsafeRawBufferPointer(start: start, count: Int(count))
    }

    /// Passes a field that is not known, or is stored in another way than the schema says.
    @inline(__always)
    mutating func skip(_ tag: Tag) {
        switch tag.type {
        case Tag.varint: _ = varint()
        case Tag.fixed64: _ = double()
        case Tag.bytes: _ = bytes()
        case Tag.fixed32:
            guard end - at >= 4 else { return fail() }
            at += 4
        // Groups are of proto2, and the other two are no types.
        default: fail()
        }
    }
}
