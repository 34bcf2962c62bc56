/// Takes what a server sends apart into messages: frames put together, unpacked and checked. Belongs to one thread.
package final class MessageDecoder {
    /// What the bytes held. Payloads live until the next call or as long as the bytes.
    package enum Item {
        /// No whole frame: so many bytes at least are needed in all.
        case incomplete(Int)
        /// A part of a message.
        case part
        case message(UnsafeRawBufferPointer, isText: Bool)
        case ping(UnsafeRawBufferPointer)
        case pong(UnsafeRawBufferPointer)
        /// `nil`: it came without a code.
        case close(UInt16?, String)
    }

    private let limit: Int
    private let inflater: MessageInflater?
    /// What came of a message in parts.
    private var parts: [UInt8] = []
    private var open: FrameHeader?
    /// The last message that came in parts: its receiver reads it here.
    private var finished = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 16)

    /// - Parameter limit: greatest length of a message.
    package init(limit: Int, inflater: MessageInflater? = nil) {
        self.limit = limit
        self.inflater = inflater
    }

    deinit { finished.deallocate() }

    /// Whether a message has begun and not ended.
    var isWithinMessage: Bool { open != nil }

    /// The first frame of the bytes.
    ///
    /// - Parameter consumed: its length is added; nothing for `incomplete`.
    package func next(_ bytes: UnsafeRawBufferPointer, consumed: inout Int) throws(Violation) -> Item {
        guard
            let header = try FrameHeader.read(
                bytes, allowsCompression: inflater != nil, maximum: limit, used: parts.count)
        else { return .incomplete(bytes.count + 1) }
        if header.opcode == .continuation {
            guard open != nil else { throw .broken("a continuation without a beginning") }
        } else if !header.opcode.isControl, open != nil {
            throw .broken("a message begins before the one before it ended")
        }
        let size = header.size + header.length
        guard bytes.count >= size else { return .incomplete(size) }
        consumed += size
        let payload = UnsafeRawBufferPointer(rebasing: bytes[header.size..<size])
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close: return try Self.close(payload)
        case .text, .binary, .continuation: return try data(header, payload)
        }
    }

    private func data(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(Violation) -> Item {
        if open == nil {
            if header.isFinal { return try message(header, payload) }
            open = header
        }
        parts.append(contentsOf: payload)
        guard header.isFinal, let first = open else { return .part }
        open = nil
        finished.deallocate()
        finished = .allocate(byteCount: parts.count, alignment: 16)
        finished.copyBytes(from: parts)
        parts.removeAll(keepingCapacity: parts.capacity <= 1 << 20)
        return try message(first, UnsafeRawBufferPointer(finished))
    }

    private func message(_ first: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(Violation) -> Item {
        var payload = payload
        if first.isCompressed, let inflater { payload = try inflater.inflate(payload) }
        let isText = first.opcode == .text
        if isText, !UTF8Text.isValid(payload) { throw .badData("a text message is not UTF-8") }
        return .message(payload, isText: isText)
    }

    private static func close(_ payload: UnsafeRawBufferPointer) throws(Violation) -> Item {
        guard !payload.isEmpty else { return .close(nil, "") }
        guard payload.count >= 2 else { throw .broken("a close frame has half a code") }
        let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        guard (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code) || (3000...4999).contains(code) else {
            throw .broken("a close frame has the code \(code), which cannot be sent")
        }
        let reason = UnsafeRawBufferPointer(rebasing: payload[2...])
        guard UTF8Text.isValid(reason) else { throw .badData("the reason of a close frame is not UTF-8") }
        return .close(code, String(decoding: reason, as: UTF8.self))
    }
}
