#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Bytes of text under construction: grows by doubling, keeps its memory when cleared.
///
/// One owner, no reference counting. Not for several threads at once; it may be handed from one to another.
public struct TextBuffer: ~Copyable, @unchecked Sendable {
    @usableFromInline private(set) var base: UnsafeMutablePointer<UInt8>
    /// Bytes written so far.
    public private(set) var count: Int
    public private(set) var capacity: Int
    /// Whether the next JSON member or element needs a comma in front of it; see `TextBuffer+JSON.swift`.
    @usableFromInline var needsComma = false

    public init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        base = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
        count = 0
    }

    deinit { base.deallocate() }

    public var isEmpty: Bool { count == 0 }

    /// What was written; good until the next change.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// The first byte; moves when the buffer grows.
    @inline(__always)
    var start: UnsafePointer<UInt8> { UnsafePointer(base) }

    /// A copy of what was written.
    public var array: [UInt8] { Array(bytes) }

    /// What was written, as text.
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Forgets the text and keeps the memory.
    public mutating func clear() {
        count = 0
        needsComma = false
    }

    /// Cuts the text back to an earlier `count`; what came after it is forgotten.
    ///
    /// `afterValue` says whether the remaining text ends with a JSON value, so that a comma is due before the next.
    public mutating func truncate(to earlier: Int, afterValue: Bool = false) {
        count = min(count, max(0, earlier))
        needsComma = afterValue
    }

    /// Makes room for `extra` more bytes.
    @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memcpy(moved, base, count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    /// Lets `body` write up to `most` bytes at the end; it answers how many it wrote.
    @inline(__always)
    public mutating func withRoom(_ most: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(most)
        count &+= body(base + count)
    }

    @inline(__always)
    public mutating func append(byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    public mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        reserve(length)
        memcpy(base + count, text.utf8Start, length)
        count &+= length
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        memcpy(base + count, source, bytes.count)
        count &+= bytes.count
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Appends text as it is, without quotes or escapes.
    public mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    public mutating func append(text: Substring) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    public mutating func append(_ number: Int64) {
        withRoom(20) { IntegerText.write(number, to: $0) }
    }

    @inline(__always)
    public mutating func append(_ number: UInt64) {
        withRoom(20) { IntegerText.write(number, to: $0) }
    }

    @inline(__always)
    public mutating func append(_ number: Int) { append(Int64(number)) }

    /// Appends the shortest decimal that reads back to the same double, as `NumberText` says; `null` for NaN and
    /// infinities.
    @inline(__always)
    public mutating func append(_ number: Double) {
        withRoom(NumberText.maximumBytes) { NumberText.write(number, to: $0) }
    }

    /// Appends a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
    public mutating func append(jsonString bytes: UnsafeRawBufferPointer) {
        // Six bytes for each byte at worst (\u0000), and the quotes.
        withRoom(bytes.count * 6 + 2) { JSONString.write(bytes, to: $0) }
    }

    /// Appends a JSON string with its quotes.
    public mutating func append(jsonString text: String) {
        var text = text
        text.withUTF8 { append(jsonString: UnsafeRawBufferPointer($0)) }
    }

    /// Appends lower-case hexadecimal digits, two for each byte, without quotes.
    public mutating func append(hex bytes: UnsafeRawBufferPointer) {
        withRoom(bytes.count * 2) { out in
            var at = 0
            for byte in bytes {
                out[at] = HexDigits.lower(byte >> 4)
                out[at + 1] = HexDigits.lower(byte & 15)
                at += 2
            }
            return at
        }
    }
}

enum HexDigits {
    @inline(__always)
    static func lower(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? nibble &+ UInt8(ascii: "0") : nibble &+ (UInt8(ascii: "a") - 10)
    }
}
