/// What stands before the payload of a frame that a server sent: RFC 6455, section 5.2.
struct FrameHeader: Equatable {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    var opcode: Opcode
    var isFinal: Bool
    /// The first reserved bit: RFC 7692 uses it.
    var isCompressed: Bool
    /// Of the payload.
    var length: Int
    /// Bytes of the header itself.
    var size: Int

    /// - Parameters:
    ///   - maximum: greatest length of a message that is taken.
    ///   - used: how much of that the parts before have.
    /// - Returns: `nil` = more bytes are needed.
    static func read(
        _ bytes: UnsafeRawBufferPointer, allowsCompression: Bool, maximum: Int, used: Int = 0
    ) throws(Violation) -> FrameHeader? {
        guard bytes.count >= 2 else { return nil }
        let (first, second) = (bytes[0], bytes[1])
        guard let opcode = Opcode(rawValue: first & 0x0F) else {
            throw .broken("a frame has the unknown opcode \(first & 0x0F)")
        }
        let isFinal = first & 0x80 != 0
        let isCompressed = first & 0x40 != 0
        guard first & 0x30 == 0, !isCompressed || allowsCompression else {
            throw .broken("a frame has reserved bits set")
        }
        guard second & 0x80 == 0 else { throw .broken("a frame of the server is masked") }
        if isCompressed, opcode.isControl || opcode == .continuation {
            throw .broken("a frame that cannot be compressed says it is")
        }
        var header = FrameHeader(
            opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, length: Int(second & 0x7F), size: 2)
        if opcode.isControl {
            guard isFinal else { throw .broken("a control frame is fragmented") }
            guard header.length <= 125 else { throw .broken("a control frame is longer than 125 bytes") }
            return header
        }
        switch header.length {
        case 126:
            guard bytes.count >= 4 else { return nil }
            header.length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            header.size = 4
            guard header.length > 125 else { throw .broken("the length of a frame is written too long") }
        case 127:
            guard bytes.count >= 10 else { return nil }
            let length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            guard length < 1 << 63 else { throw .broken("the length of a frame is negative") }
            guard length > 65_535 else { throw .broken("the length of a frame is written too long") }
            guard length <= UInt64(maximum - used) else { throw .tooBig(limit: maximum) }
            header.length = Int(length)
            header.size = 10
        default: break
        }
        guard header.length <= maximum - used else { throw .tooBig(limit: maximum) }
        return header
    }
}
