/// Reads JSON value by value, in the order of the bytes, without building anything.
///
/// ```swift
/// try reader.enterObject()
/// while let key = try reader.nextKey() {
///     switch key {
///     case "p": price = try reader.number()
///     case "s": symbol = try reader.text()
///     default: try reader.skip()
///     }
/// }
/// ```
///
/// After ``nextKey()`` or ``nextElement()`` exactly one value has to be read or skipped. Keys may come in any order and
/// twice. Nothing is allocated but scratch memory, once, when a text has escapes.
public struct JSONReader {
    /// Lists and objects inside each other.
    public static let deepest = 64

    @usableFromInline let start: UnsafePointer<UInt8>
    @usableFromInline let end: UnsafePointer<UInt8>
    @usableFromInline var at: UnsafePointer<UInt8>
    @usableFromInline var depth = 0
    // Whether nothing of the innermost list or object was read yet, so no comma may come.
    @usableFromInline var isFresh = false
    let scratch: UnsafeMutablePointer<JSONScratch.Storage>

    /// Begins at the first byte; `bytes` and `scratch` must outlive the reader, and texts of an earlier reader with the
    /// same scratch memory are no longer valid.
    public init(_ bytes: UnsafeRawBufferPointer, scratch: JSONScratch) {
        let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? Self.nothing
        start = base
        at = base
        end = base + bytes.count
        self.scratch = scratch.storage
        // No call where nothing was used: most messages have no escapes.
        if self.scratch.pointee.used > 0 { self.scratch.pointee.reset() }
    }

    /// Bytes read so far.
    @inlinable
    public var offset: Int { at - start }

    /// All bytes of the message.
    @inlinable
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: end - start) }

    // MARK: Values

    /// What comes next.
    @inlinable @inline(__always)
    public mutating func kind() throws(JSONError) -> JSONKind {
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        switch at.pointee {
        case UInt8(ascii: "\""): return .text
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .flag
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw JSONError(.unexpectedByte, offset: offset)
        }
    }

    /// Enters an object.
    @inlinable @inline(__always)
    public mutating func enterObject() throws(JSONError) { try enter(.object, UInt8(ascii: "{")) }

    /// Enters a list.
    @inlinable @inline(__always)
    public mutating func enterArray() throws(JSONError) { try enter(.array, UInt8(ascii: "[")) }

    /// Enters an object, or skips what is there in its place.
    @inlinable
    public mutating func enterObjectIfAny() throws(JSONError) -> Bool {
        if try kind() == .object {
            try enterObject()
            return true
        }
        try skip()
        return false
    }

    /// Enters a list, or skips what is there in its place.
    @inlinable
    public mutating func enterArrayIfAny() throws(JSONError) -> Bool {
        if try kind() == .array {
            try enterArray()
            return true
        }
        try skip()
        return false
    }

    /// The next key of the object that was entered; `nil` = it has ended.
    @inlinable @inline(__always)
    public mutating func nextKey() throws(JSONError) -> JSONText? {
        guard try next(UInt8(ascii: "}")) else { return nil }
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, offset: offset) }
        let key = try text()
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, offset: offset) }
        at += 1
        return key
    }

    /// Whether the list that was entered has another element, which is to be read next.
    @inlinable @inline(__always)
    public mutating func nextElement() throws(JSONError) -> Bool { try next(UInt8(ascii: "]")) }

    /// `true` or `false`.
    public mutating func flag() throws(JSONError) -> Bool {
        guard try kind() == .flag else { throw JSONError(.otherKind(expected: .flag), offset: offset) }
        if at.pointee == UInt8(ascii: "t") {
            try word("true")
            return true
        }
        try word("false")
        return false
    }

    /// Passes one value, whatever it is.
    public mutating func skip() throws(JSONError) {
        switch try kind() {
        case .text: _ = try rawText()
        case .number: try skipNumber()
        case .null: try word("null")
        case .flag: _ = try flag()
        case .array:
            try enterArray()
            while try nextElement() { try skip() }
        case .object:
            try enterObject()
            while try nextKeyUnread() { try skip() }
        }
    }

    /// Nothing but blanks may be left.
    public mutating func finish() throws(JSONError) {
        skipBlanks()
        guard at == end else { throw JSONError(.trailingBytes, offset: offset) }
    }

    // MARK: Places

    /// A place in the message to return to, for what must be read after something that stands behind it.
    public struct Place {
        @usableFromInline let at: UnsafePointer<UInt8>
        @usableFromInline let depth: Int
        @usableFromInline let isFresh: Bool

        @usableFromInline
        init(at: UnsafePointer<UInt8>, depth: Int, isFresh: Bool) {
            self.at = at
            self.depth = depth
            self.isFresh = isFresh
        }
    }

    /// Where the reader is.
    @inlinable
    public var place: Place { Place(at: at, depth: depth, isFresh: isFresh) }

    /// Goes back, or forth, to a place of the same message.
    @inlinable
    public mutating func go(to place: Place) {
        at = place.at
        depth = place.depth
        isFresh = place.isFresh
    }

    // MARK: Grammar

    @inlinable @inline(__always)
    mutating func skipBlanks() {
        while at < end {
            let byte = at.pointee
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            at += 1
        }
    }

    @inlinable @inline(__always)
    mutating func enter(_ kind: JSONKind, _ byte: UInt8) throws(JSONError) {
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == byte else { throw JSONError(.otherKind(expected: kind), offset: offset) }
        guard depth < Self.deepest else { throw JSONError(.tooDeep, offset: offset) }
        at += 1
        depth += 1
        isFresh = true
    }

    @inlinable @inline(__always)
    mutating func next(_ close: UInt8) throws(JSONError) -> Bool {
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        let byte = at.pointee
        if byte == close {
            at += 1
            depth -= 1
            isFresh = false
            return false
        }
        if isFresh {
            isFresh = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, offset: offset) }
        at += 1
        skipBlanks()
        return true
    }

    private mutating func nextKeyUnread() throws(JSONError) -> Bool {
        guard try next(UInt8(ascii: "}")) else { return false }
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, offset: offset) }
        _ = try rawText()
        skipBlanks()
        guard at < end else { throw JSONError(.truncated, offset: offset) }
        guard at.pointee == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, offset: offset) }
        at += 1
        return true
    }

    mutating func word(_ text: StaticString) throws(JSONError) {
        for index in 0..<text.utf8CodeUnitCount {
            guard at < end else { throw JSONError(.truncated, offset: offset) }
            guard at.pointee == text.utf8Start[index] else { throw JSONError(.unexpectedByte, offset: offset) }
            at += 1
        }
    }

    // What an empty buffer without an address stands on.
    private nonisolated(unsafe) static let nothing = UnsafePointer(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))
}
