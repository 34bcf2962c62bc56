import PluginABI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes into room that was reserved before: no checks, so the fast kinds of events reserve their greatest length
/// once.
struct ByteCursor {
    var at: UnsafeMutablePointer<UInt8>
    let style: TimeStyle

    @inline(__always)
    mutating func put(_ text: StaticString) {
        memcpy(at, text.utf8Start, text.utf8CodeUnitCount)
        at += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        at.pointee = byte
        at += 1
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
        memcpy(at, bytes, length)
        at += length
    }

    @inline(__always)
    mutating func put(_ number: UInt64) {
        at += IntegerText.write(number, to: at)
    }

    @inline(__always)
    mutating func put(_ number: Double) {
        at += NumberText.write(number, to: at)
    }

    @inline(__always)
    mutating func put(time nanoseconds: Int64) {
        at += TimeText.write(nanoseconds, style: style, to: at)
    }

    /// A member of a number that is left out when it is not given.
    @inline(__always)
    mutating func put(_ key: StaticString, ifGiven number: Double) {
        guard number.isFinite else { return }
        put(key)
        put(number)
    }

    /// A word of a fixed list: at most 16 bytes.
    @inline(__always)
    mutating func put(word: String) {
        var word = word
        word.withUTF8 { bytes in
            if let base = bytes.baseAddress { put(base, bytes.count) }
        }
    }

    /// `,"flags":[…]`, if there are any to tell.
    mutating func put(flags: UInt16) {
        guard flags & Words.toldFlags != 0 else { return }
        put(",\"flags\":[")
        var first = true
        for flag in Words.flags where flags & flag.bit != 0 {
            put(first ? "\"" : ",\"")
            put(word: flag.word)
            put(byte: UInt8(ascii: "\""))
            first = false
        }
        put(byte: UInt8(ascii: "]"))
    }

    /// `,"conditions":[…]`, if there are any.
    mutating func put(conditions: UInt32) {
        let known = (UInt32(1) << UInt32(Words.conditions.count)) - 1
        // Bits of a later version are conditions that this hub has no word for.
        let told = conditions & ~known != 0 ? (conditions & known) | UInt32(HUB_CONDITION_OTHER) : conditions
        put(",\"conditions\":[")
        var first = true
        for (bit, word) in Words.conditions.enumerated() where told & (1 << UInt32(bit)) != 0 {
            put(first ? "\"" : ",\"")
            put(word: word)
            put(byte: UInt8(ascii: "\""))
            first = false
        }
        put(byte: UInt8(ascii: "]"))
    }
}
