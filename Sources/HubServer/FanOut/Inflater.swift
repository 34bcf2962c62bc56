import CZlib

/// Takes compressed messages of clients apart, each on its own, up to a size.
///
/// Belongs to one thread.
final class Inflater {
    enum Failure: Error {
        /// It would be longer than messages may be: however small it is, no more than that is ever unpacked.
        case tooLarge
        case notDeflate
    }

    /// In one place all its life: zlib keeps a pointer back to it.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init?() {
        stream.initialize(to: z_stream())
        let result = inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The message.
    ///
    /// - Parameter limit: its greatest length in bytes.
    func inflate(_ message: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        defer { inflateReset(stream) }
        // What the sender left out: RFC 7692, section 7.2.2.
        var input = message + [0x00, 0x00, 0xFF, 0xFF]
        var output = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        let failure: Failure? = input.withUnsafeMutableBytes { input in
            output.withUnsafeMutableBytes { output in
                stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
                stream.pointee.avail_in = uInt(input.count)
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
                stream.pointee.avail_out = uInt(output.count)
                while stream.pointee.avail_in > 0 {
                    if stream.pointee.avail_out == 0 { return .tooLarge }
                    switch CZlib.inflate(stream, Z_SYNC_FLUSH) {
                    case Z_OK: continue
                    // A last block need not be the end of the message: the sender may put an empty one behind it.
                    case Z_STREAM_END:
                        let (next, left) = (stream.pointee.next_in, stream.pointee.avail_in)
                        let (place, room) = (stream.pointee.next_out, stream.pointee.avail_out)
                        inflateReset(stream)
                        (stream.pointee.next_in, stream.pointee.avail_in) = (next, left)
                        (stream.pointee.next_out, stream.pointee.avail_out) = (place, room)
                    case Z_BUF_ERROR where stream.pointee.avail_out == 0: return .tooLarge
                    default: return .notDeflate
                    }
                }
                count = output.count - Int(stream.pointee.avail_out)
                return count > limit ? .tooLarge : nil
            }
        }
        if let failure { throw failure }
        output.removeLast(output.count - count)
        return output
    }
}
