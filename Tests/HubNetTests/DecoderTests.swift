import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import HubNet

/// The decoder alone, and beside the one of swift-nio.
@Suite struct DecoderTests {
    /// What a stream held, as texts; ends with the violation that ended it.
    private func decode(_ bytes: [UInt8], cuts: [Int], limit: Int = 1 << 16) -> [String] {
        let inflater = MessageInflater(keepsContext: true, limit: limit)
        let decoder = MessageDecoder(limit: limit, inflater: inflater)
        var seen: [String] = []
        var pending: [UInt8] = []
        var start = 0
        for end in cuts + [bytes.count] {
            pending += bytes[start..<end]
            start = end
            var consumed = 0
            let isOver = pending.withUnsafeBytes { buffer in
                while consumed < buffer.count {
                    do throws(Violation) {
                        let rest = UnsafeRawBufferPointer(rebasing: buffer[consumed...])
                        switch try decoder.next(rest, consumed: &consumed) {
                        case .incomplete(let needed):
                            #expect(needed > rest.count)
                            return false
                        case .part: break
                        case .message(let message, let isText): seen.append("\(isText) \(Array(message))")
                        case .ping(let payload): seen.append("ping \(Array(payload))")
                        case .pong(let payload): seen.append("pong \(Array(payload))")
                        case .close(let code, let reason):
                            seen.append("close \(code ?? 0) \(reason)")
                            return true
                        }
                    } catch {
                        seen.append("\(error.code) \(error.reason)")
                        return true
                    }
                }
                return false
            }
            if isOver { return seen }
            pending.removeFirst(consumed)
        }
        return seen
    }

    @Test("anything at all ends in messages or a violation, the same however it is cut")
    func anything() {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        let first: [UInt8] = [0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x88, 0xC1, 0x41, 0xC2]
        for _ in 0..<2_000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                if Int.random(in: 0..<20, using: &random) == 0 {
                    bytes += (0..<Int.random(in: 1...20, using: &random)).map { _ in
                        .random(in: 0...255, using: &random)
                    }
                }
                let count = Int.random(in: 0...(Bool.random(using: &random) ? 10 : 300), using: &random)
                let payload = (0..<count).map { _ in UInt8.random(in: 0x20...0x7E, using: &random) }
                var frame = ServerFrame.bytes(1, payload)
                frame[0] = first.randomElement(using: &random)!
                bytes += frame
            }
            let whole = decode(bytes, cuts: [])
            let cuts = (0..<5).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(decode(bytes, cuts: cuts) == whole, "HUB_SEED=\(seed)")
        }
    }

    @Test("what the client writes is what swift-nio's decoder reads, whatever the length")
    func frames() throws {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        for count in [0, 1, 7, 8, 125, 126, 127, 65_535, 65_536, 100_003] {
            let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let frame = FrameWriter.frame(
                .binary, payload, mask: .random(in: 0...UInt32.max, using: &random), allocator: ByteBufferAllocator())
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 20)))
            try channel.writeInbound(frame)
            let read = try #require(try channel.readInbound(as: WebSocketFrame.self))
            #expect(read.fin && read.opcode == .binary && read.maskKey != nil)
            #expect(Array(read.unmaskedData.readableBytesView) == payload, "HUB_SEED=\(seed), \(count)")
        }
    }

    @Test("what is UTF-8 and what is not is as the standard library has it")
    func utf8() {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        let pieces: [[UInt8]] = [
            Array("plain ascii text".utf8), Array("é".utf8), Array("₹".utf8), Array("😀".utf8), [0xC0, 0x80],
            [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xE0, 0x9F, 0xBF], [0xFF], [0x80],
            [0xE2, 0x82], [0xF0, 0x9F, 0x98],
        ]
        for _ in 0..<5_000 {
            let bytes = (0..<Int.random(in: 0...6, using: &random)).flatMap { _ in
                pieces[Int.random(in: 0..<(Bool.random(using: &random) ? 4 : pieces.count), using: &random)]
            }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            #expect(bytes.withUnsafeBytes { UTF8Text.isValid($0) } == isValid, "HUB_SEED=\(seed) \(bytes)")
        }
        #expect(UTF8Text.prefix("ab₹", bytes: 4) == "ab")
    }
}
