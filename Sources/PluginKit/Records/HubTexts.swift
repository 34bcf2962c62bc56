import PluginABI

/// Many texts at once as the ABI has them.
enum HubTexts {
    /// Calls `body` with both sides of the pairs; the pointers die when it returns.
    static func with<Result>(
        _ pairs: [(String, String)],
        _ body: (UnsafeBufferPointer<hub_text>, UnsafeBufferPointer<hub_text>) throws -> Result
    ) rethrows -> Result {
        var bytes: [UInt8] = []
        var ends: [(Int, Int)] = []
        for (first, second) in pairs {
            bytes.append(contentsOf: first.utf8)
            let middle = bytes.count
            bytes.append(contentsOf: second.utf8)
            ends.append((middle, bytes.count))
        }
        return try bytes.withUnsafeBytes { space in
            var from = 0
            func text(to end: Int) -> hub_text {
                defer { from = end }
                let start = end > from ? space.baseAddress.unsafelyUnwrapped + from : nil
                return hub_text(data: start?.assumingMemoryBound(to: CChar.self), length: UInt64(end - from))
            }
            var firsts: [hub_text] = []
            var seconds: [hub_text] = []
            for (middle, end) in ends {
                firsts.append(text(to: middle))
                seconds.append(text(to: end))
            }
            return try firsts.withUnsafeBufferPointer { firsts in
                try seconds.withUnsafeBufferPointer { try body(firsts, $0) }
            }
        }
    }
}
