import PluginABI

extension String {
    /// The text of a C text; bytes that are not UTF-8 become U+FFFD. `limit` guards against a length that lies.
    init(_ text: hub_text, limit: UInt64 = 1 << 24) {
        guard let data = text.data, text.length > 0 else {
            self = ""
            return
        }
        let bytes = UnsafeRawBufferPointer(start: data, count: Int(Swift.min(text.length, limit)))
        self = String(decoding: bytes, as: UTF8.self)
    }

    /// Calls `body` with this text as the ABI passes texts; good only during the call.
    func withHubText<Result>(_ body: (hub_text) -> Result) -> Result {
        var copy = self
        return copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { body(hub_text(data: $0.baseAddress, length: UInt64($0.count))) }
        }
    }
}

extension PluginFailure {
    /// Runs a fallible call of a plugin with a fresh error and turns what it answers into a throw.
    static func check(
        _ what: String, _ body: (UnsafeMutablePointer<hub_error>) -> hub_status
    ) throws(PluginFailure) {
        let status: hub_status
        let failure: PluginFailure?
        (status, failure) = withFreshError { error in
            let status = body(error)
            return (status, status == HUB_OK ? nil : PluginFailure(status: status, error: error, what: what))
        }
        _ = status
        if let failure { throw failure }
    }

    /// A zeroed error of the host, on the stack.
    static func withFreshError<Result>(_ body: (UnsafeMutablePointer<hub_error>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: hub_error.self, capacity: 1) { space in
            let error = space.baseAddress!
            // Only the first bytes of the texts have to be zero: they are NUL-terminated.
            let raw = UnsafeMutableRawPointer(error)
            raw.storeBytes(of: UInt32(MemoryLayout<hub_error>.size), as: UInt32.self)
            raw.storeBytes(of: -1, toByteOffset: 4, as: Int32.self)
            raw.storeBytes(of: 0, toByteOffset: textOffset, as: UInt8.self)
            raw.storeBytes(of: 0, toByteOffset: pointerOffset, as: UInt8.self)
            return body(error)
        }
    }

    private static let textOffset = 8
    private static let pointerOffset = 8 + 512

    init(status: hub_status, error: UnsafeMutablePointer<hub_error>, what: String) {
        let raw = UnsafeRawPointer(error)
        let text = Self.text(raw + Self.textOffset, limit: 512)
        let advice = error.pointee.retry_after_ms
        self.init(
            status: status,
            text: text.isEmpty ? "\(what) failed (\(PluginFailure.word(status))) and gave no reason" : text,
            pointer: Self.text(raw + Self.pointerOffset, limit: 256),
            retryAfterMilliseconds: advice >= 0 ? Int(advice) : nil)
    }

    private static func text(_ bytes: UnsafeRawPointer, limit: Int) -> String {
        var count = 0
        while count < limit, bytes.load(fromByteOffset: count, as: UInt8.self) != 0 { count += 1 }
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
