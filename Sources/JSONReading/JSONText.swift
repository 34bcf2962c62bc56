#if canImport(Glibc)
    public import Glibc
#elseif canImport(Musl)
    public import Musl
#endif

/// A text of a message, escapes resolved: a piece of the message itself, or of the scratch memory.
///
/// It is valid as long as the bytes that the reader stands on and until the scratch memory is used for the next message.
public struct JSONText {
    public let start: UnsafePointer<UInt8>
    public let count: Int

    /// Makes a text of bytes that somebody else keeps.
    @inlinable
    public init(start: UnsafePointer<UInt8>, count: Int) {
        self.start = start
        self.count = count
    }

    /// Whether it is exactly this text; nothing is allocated.
    @inlinable @inline(__always)
    public static func == (text: JSONText, other: StaticString) -> Bool {
        text.count == other.utf8CodeUnitCount && memcmp(text.start, other.utf8Start, text.count) == 0
    }

    /// Lets `switch` compare keys with literals.
    @inlinable @inline(__always)
    public static func ~= (pattern: StaticString, text: JSONText) -> Bool { text == pattern }

    @inlinable
    public static func == (text: JSONText, other: JSONText) -> Bool {
        text.count == other.count && memcmp(text.start, other.start, text.count) == 0
    }

    /// Whether it starts with this text, capital and small letters of ASCII being the same.
    public func hasPrefix(ignoringCase prefix: StaticString) -> Bool {
        guard count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount
        where Self.small(start[index]) != Self.small(prefix.utf8Start[index]) {
            return false
        }
        return true
    }

    /// Whether this text stands somewhere in it, capital and small letters of ASCII being the same.
    public func contains(ignoringCase piece: StaticString) -> Bool {
        var rest = self
        while rest.count >= piece.utf8CodeUnitCount {
            if rest.hasPrefix(ignoringCase: piece) { return true }
            rest = JSONText(start: rest.start + 1, count: rest.count - 1)
        }
        return false
    }

    @inlinable
    public var isEmpty: Bool { count == 0 }

    @inlinable
    public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// A copy; bytes that are not UTF-8 are repaired.
    @inlinable
    public var string: String { String(decoding: bytes, as: UTF8.self) }

    private static func small(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }
}
