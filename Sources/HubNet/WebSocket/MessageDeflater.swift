import CZlib

/// Packs the messages of one connection: RFC 7692, section 7.2.1. Belongs to one thread.
final class MessageDeflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let keepsContext: Bool

    /// - Parameter windowBits: 9 to 15, as agreed.
    init?(keepsContext: Bool, windowBits: Int) {
        self.keepsContext = keepsContext
        stream.initialize(to: z_stream())
        let result = deflateInit2_(
            stream, 6, Z_DEFLATED, Int32(-windowBits), 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { return nil }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    func deflate(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Int(deflateBound(stream, uLong(message.count))) + 16)
        var count = 0
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: message.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = uInt(message.count)
        repeat {
            if count == output.count { output.append(contentsOf: repeatElement(0, count: output.count)) }
            output.withUnsafeMutableBytes { bytes in
                let space = bytes.count - count
                stream.pointee.next_out = bytes.baseAddress!.advanced(by: count).assumingMemoryBound(to: Bytef.self)
                stream.pointee.avail_out = uInt(space)
                _ = CZlib.deflate(stream, Z_SYNC_FLUSH)
                count += space - Int(stream.pointee.avail_out)
            }
        } while stream.pointee.avail_out == 0
        if !keepsContext { deflateReset(stream) }
        // The empty block at the end is not sent.
        output.removeLast(output.count - (count - 4))
        return output
    }
}
