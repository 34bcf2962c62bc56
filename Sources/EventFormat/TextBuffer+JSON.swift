/// JSON written by hand, compact, with the commas placed by the buffer.
///
/// The buffer knows whether a member or element stands in front, so the caller only names things in order:
/// ```swift
/// buffer.beginObject()
/// buffer.member("count", 2)
/// buffer.key("data"); buffer.beginArray(); buffer.element("a"); buffer.element(1); buffer.endArray()
/// buffer.endObject()      // {"count":2,"data":["a",1]}
/// ```
/// Nothing checks the nesting: an object that is not ended is not.
extension TextBuffer {
    @inline(__always)
    public mutating func beginObject() {
        separate()
        append(byte: UInt8(ascii: "{"))
        needsComma = false
    }

    @inline(__always)
    public mutating func endObject() {
        append(byte: UInt8(ascii: "}"))
        needsComma = true
    }

    @inline(__always)
    public mutating func beginArray() {
        separate()
        append(byte: UInt8(ascii: "["))
        needsComma = false
    }

    @inline(__always)
    public mutating func endArray() {
        append(byte: UInt8(ascii: "]"))
        needsComma = true
    }

    /// A comma, if a value stands in front; call it before raw bytes that form a value, and `wroteValue()` after them.
    @inline(__always)
    public mutating func separate() {
        if needsComma { append(byte: UInt8(ascii: ",")) }
    }

    /// Says that raw bytes just appended were a complete value.
    @inline(__always)
    public mutating func wroteValue() { needsComma = true }

    /// A name that needs no escapes, and its colon; the value follows.
    @inline(__always)
    public mutating func key(_ name: StaticString) {
        separate()
        append(byte: UInt8(ascii: "\""))
        append(name)
        append("\":")
        needsComma = false
    }

    /// Any name, and its colon; the value follows.
    public mutating func key(text name: String) {
        separate()
        append(jsonString: name)
        append(byte: UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values, as elements of an array or after `key`

    public mutating func element(_ text: String) {
        separate()
        append(jsonString: text)
        needsComma = true
    }

    public mutating func element(_ number: Int64) {
        separate()
        append(number)
        needsComma = true
    }

    public mutating func element(_ number: Int) { element(Int64(number)) }

    public mutating func element(_ number: UInt64) {
        separate()
        append(number)
        needsComma = true
    }

    /// The shortest decimal; `null` for NaN and infinities.
    public mutating func element(_ number: Double) {
        separate()
        append(number)
        needsComma = true
    }

    public mutating func element(_ flag: Bool) {
        separate()
        if flag { append("true") } else { append("false") }
        needsComma = true
    }

    public mutating func elementNull() {
        separate()
        append("null")
        needsComma = true
    }

    /// A time in nanoseconds.
    public mutating func element(time nanoseconds: Int64, style: TimeStyle) {
        separate()
        append(time: nanoseconds, style: style)
        needsComma = true
    }

    /// Bytes that are already a JSON value.
    public mutating func element(raw bytes: UnsafeRawBufferPointer) {
        separate()
        append(bytes)
        needsComma = true
    }

    // MARK: Members

    public mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        element(text)
    }

    public mutating func member(_ name: StaticString, _ number: Int) {
        key(name)
        element(Int64(number))
    }

    public mutating func member(_ name: StaticString, _ number: Int64) {
        key(name)
        element(number)
    }

    public mutating func member(_ name: StaticString, _ number: UInt64) {
        key(name)
        element(number)
    }

    /// The shortest decimal; `null` for NaN and infinities.
    public mutating func member(_ name: StaticString, _ number: Double) {
        key(name)
        element(number)
    }

    public mutating func member(_ name: StaticString, _ flag: Bool) {
        key(name)
        element(flag)
    }

    public mutating func member(_ name: StaticString, time nanoseconds: Int64, style: TimeStyle) {
        key(name)
        element(time: nanoseconds, style: style)
    }

    public mutating func memberNull(_ name: StaticString) {
        key(name)
        elementNull()
    }

    public mutating func member(_ name: StaticString, _ texts: [String]) {
        key(name)
        beginArray()
        for text in texts { element(text) }
        endArray()
    }

    /// A member that is left out when there is no value.
    public mutating func member(_ name: StaticString, ifPresent text: String?) {
        if let text { member(name, text) }
    }

    /// A member that is left out when there is no value, or when it is NaN.
    public mutating func member(_ name: StaticString, ifPresent number: Double?) {
        if let number, number.isFinite { member(name, number) }
    }

    /// A member that is left out when there is no value.
    public mutating func member(_ name: StaticString, ifPresent number: Int64?) {
        if let number { member(name, number) }
    }
}
