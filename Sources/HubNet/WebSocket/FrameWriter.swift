import NIOCore

/// Writes the frames of a client: masked, as RFC 6455, section 5.3 wants it.
enum FrameWriter {
    /// - Parameter mask: four random bytes.
    static func frame(
        _ opcode: FrameHeader.Opcode, _ payload: some Collection<UInt8>, isCompressed: Bool = false, mask: UInt32,
        allocator: ByteBufferAllocator
    ) -> ByteBuffer {
        let count = payload.count
        var buffer = allocator.buffer(capacity: count + 14)
        buffer.writeInteger(0x80 | (isCompressed ? 0x40 : 0) | opcode.rawValue)
        switch count {
        case ...125: buffer.writeInteger(0x80 | UInt8(count))
        case ...65_535:
            buffer.writeInteger(0x80 | UInt8(126))
            buffer.writeInteger(UInt16(count))
        default:
            buffer.writeInteger(0x80 | UInt8(127))
            buffer.writeInteger(UInt64(count))
        }
        buffer.writeInteger(mask)
        let start = buffer.writerIndex
        buffer.writeBytes(payload)
        let offset = start - buffer.readerIndex
        buffer.withUnsafeMutableReadableBytes { bytes in
            let key = mask.bigEndian
            let wide = UInt64(key) << 32 | UInt64(key)
            let body = UnsafeMutableRawBufferPointer(rebasing: bytes[offset...])
            var index = 0
            while index + 8 <= body.count {
                let word = body.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                body.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
                index += 8
            }
            while index < body.count {
                body[index] ^= UInt8(truncatingIfNeeded: key >> UInt32(index % 4 * 8))
                index += 1
            }
        }
        return buffer
    }

    /// The payload of a close frame.
    static func close(_ code: UInt16, _ reason: String) -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(UTF8Text.prefix(reason, bytes: 123).utf8)
    }
}
