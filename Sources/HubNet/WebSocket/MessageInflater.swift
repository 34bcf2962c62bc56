import CZlib

/// Unpacks the messages of one connection, up to a size: RFC 7692, section 7.2.2. Belongs to one thread.
package final class MessageInflater {
    /// In one place all its life: zlib keeps a pointer back to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let keepsContext: Bool
    private let limit: Int
    private var output: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - keepsContext: whether a message may refer to the ones before it.
    ///   - limit: greatest length of a message; never more is unpacked.
    package init?(keepsContext: Bool, limit: Int) {
        self.keepsContext = keepsContext
        self.limit = limit
        output = .allocate(byteCount: min(limit, 16 << 10) + 1, alignment: 16)
        stream.initialize(to: z_stream())
        // The largest window reads what was made with any.
        guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// The message, in memory that the next call uses again.
    func inflate(_ message: UnsafeRawBufferPointer) throws(Violation) -> UnsafeRawBufferPointer {
        if output.count > 1 << 20 {
            output.deallocate()
            output = .allocate(byteCount: (16 << 10) + 1, alignment: 16)
        }
        var count = 0
        try feed(message, &count)
        // What the sender left out.
        let tail: (UInt8, UInt8, UInt8, UInt8) = (0x00, 0x00, 0xFF, 0xFF)
        try withUnsafeBytes(of: tail) { bytes throws(Violation) in try feed(bytes, &count) }
        if !keepsContext { inflateReset(stream) }
        return UnsafeRawBufferPointer(rebasing: output[..<count])
    }

    private func feed(_ input: UnsafeRawBufferPointer, _ count: inout Int) throws(Violation) {
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
        stream.pointee.avail_in = uInt(input.count)
        repeat {
            if count == output.count { try grow(count) }
            stream.pointee.next_out = output.baseAddress!.advanced(by: count).assumingMemoryBound(to: Bytef.self)
            stream.pointee.avail_out = uInt(output.count - count)
            let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
            count = output.count - Int(stream.pointee.avail_out)
            switch result {
            case Z_OK: break
            // A last block need not be the end: what follows may still refer to what was before.
            case Z_STREAM_END: inflateResetKeep(stream)
            case Z_BUF_ERROR where stream.pointee.avail_in == 0 || stream.pointee.avail_out == 0: break
            default: throw .badData("a compressed message cannot be unpacked")
            }
        } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
        guard count <= limit else { throw .tooBig(limit: limit) }
    }

    private func grow(_ count: Int) throws(Violation) {
        guard count <= limit else { throw .tooBig(limit: limit) }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(output.count * 2, limit + 1), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: output[..<count]))
        output.deallocate()
        output = larger
    }
}
