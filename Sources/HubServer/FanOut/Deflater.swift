import CZlib

/// Compresses messages, each on its own, as permessage-deflate wants them (RFC 7692, section 7.2.1).
///
/// Without a context that goes on from message to message one compressed message is good for every client of a group.
/// Belongs to one thread.
final class Deflater {
    /// In one place all its life: zlib keeps a pointer back to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var output: UnsafeMutableRawBufferPointer

    /// - Parameter windowBits: logarithm of how far back repetitions are looked for, 9 to 15.
    init?(windowBits: Int) {
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: 64 << 10, alignment: 16)
        // The fastest level: market data is repetitive enough, and the loop has others to serve.
        let result = deflateInit2_(
            stream, 1, Z_DEFLATED, -Int32(windowBits), 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// The compressed message without the empty block at its end; good until the next call.
    func deflate(_ payload: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let most = Int(deflateBound(stream, uLong(payload.count))) + 16
        if output.count < most {
            output.deallocate()
            output = .allocate(byteCount: most, alignment: 16)
        }
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: payload.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = uInt(payload.count)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = uInt(output.count)
        let result = CZlib.deflate(stream, Z_SYNC_FLUSH)
        let isWhole = result == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
        let count = output.count - Int(stream.pointee.avail_out)
        deflateReset(stream)
        // Every flush ends with 00 00 FF FF, which the receiver puts there itself.
        guard isWhole, count > 4 else { return nil }
        return UnsafeRawBufferPointer(rebasing: output[..<(count - 4)])
    }
}
