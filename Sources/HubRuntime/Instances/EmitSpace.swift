import PluginABI

/// Room for what one callback emits, outside a ring: indicators and views.
final class EmitSpace {
    private let base: UnsafeMutableRawPointer
    private let bytes: Int

    init(lines: Int) {
        bytes = lines * Int(HUB_LINE)
        base = .allocate(byteCount: bytes, alignment: Int(HUB_LINE))
    }

    deinit { base.deallocate() }

    /// Calls `body` with an empty `hub_out`, and hands what it emitted to `take` if it returned normally.
    func collect<E: Error>(
        _ body: (UnsafeMutablePointer<hub_out>) throws(E) -> Void, _ take: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(E) {
        var out = hub_out.over(UnsafeMutableRawBufferPointer(start: base, count: bytes))
        try body(&out)
        let space = UnsafeMutableRawBufferPointer(start: base, count: bytes)
        take(UnsafeMutableRawBufferPointer(start: base, count: out.emitted(into: space) ?? 0))
    }
}

extension hub_out {
    /// Room without more behind it. Whoever asks for more is refused, and `shortage`, if given, becomes true.
    static func over(_ space: UnsafeMutableRawBufferPointer, shortage: UnsafeMutablePointer<Bool>? = nil) -> hub_out {
        let start = space.baseAddress!.assumingMemoryBound(to: UInt8.self)
        return hub_out(
            at: start, end: start + space.count, host: shortage,
            more: { out, _ in
                out?.pointee.host?.assumingMemoryBound(to: Bool.self).pointee = true
                return 0
            })
    }

    /// Bytes that were emitted into `space`; `nil` where a plugin moved the end to where it cannot be.
    func emitted(into space: UnsafeMutableRawBufferPointer) -> Int? {
        let bytes = UnsafeMutableRawPointer(at) - space.baseAddress!
        return bytes >= 0 && bytes <= space.count && bytes % Int(HUB_LINE) == 0 ? bytes : nil
    }
}
