public import PluginABI

extension String {
    /// Copies a text of the ABI; bytes that are not UTF-8 are repaired.
    public init(_ text: hub_text) {
        let start = UnsafeRawPointer(text.data)?.assumingMemoryBound(to: UInt8.self)
        self.init(decoding: UnsafeBufferPointer(start: start, count: Int(text.length)), as: UTF8.self)
    }

    /// Calls `body` with this text as the ABI has it; the pointer dies when `body` returns.
    @inlinable
    public func withHubText<Result, Failure: Error>(_ body: (hub_text) throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        var copy = self
        copy.makeContiguousUTF8()
        // withUTF8 is not typed in what it throws, so the outcome is carried out of it.
        var outcome: Swift.Result<Result, Failure>?
        copy.withUTF8 { bytes in
            let text = hub_text(
                data: UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self),
                length: UInt64(bytes.count))
            do throws(Failure) { outcome = .success(try body(text)) } catch { outcome = .failure(error) }
        }
        return try outcome.unsafelyUnwrapped.get()
    }
}

/// Texts that live for ever, as entry, descriptors and function tables must.
enum Immortal {
    static func text(_ string: String) -> hub_text {
        let bytes = Array(string.utf8)
        guard !bytes.isEmpty else { return hub_text(data: nil, length: 0) }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyMemory(from: bytes, byteCount: bytes.count)
        return hub_text(data: UnsafePointer(copy.assumingMemoryBound(to: CChar.self)), length: UInt64(bytes.count))
    }

    static func array<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let copy = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        copy.initialize(from: elements, count: elements.count)
        return UnsafePointer(copy)
    }

    static func value<Value>(_ value: Value) -> UnsafePointer<Value> {
        let copy = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        copy.initialize(to: value)
        return UnsafePointer(copy)
    }
}
