import CZlib
import Foundation
import Synchronization
import Testing

@testable import HubNet

/// permessage-deflate.
@Suite struct DeflateTests {
    /// Packs as a server does; keeps its context between messages where `keeps`.
    private final class Packer {
        private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        private let keeps: Bool

        init(keeps: Bool) {
            self.keeps = keeps
            stream.initialize(to: z_stream())
            deflateInit2_(
                stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        }

        deinit {
            deflateEnd(stream)
            stream.deallocate()
        }

        /// - Parameter flush: `Z_FINISH` ends with a last block, which a server may do, too.
        func pack(_ bytes: [UInt8], flush: Int32 = Z_SYNC_FLUSH) -> [UInt8] {
            var (input, output) = (bytes, [UInt8](repeating: 0, count: bytes.count + 1_000))
            let count = input.withUnsafeMutableBufferPointer { input in
                output.withUnsafeMutableBufferPointer { output in
                    stream.pointee.next_in = input.baseAddress
                    stream.pointee.avail_in = uInt(input.count)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = uInt(output.count)
                    _ = deflate(stream, flush)
                    return output.count - Int(stream.pointee.avail_out)
                }
            }
            if !keeps || flush == Z_FINISH { deflateReset(stream) }
            return flush == Z_FINISH ? Array(output[..<count]) + [0] : Array(output[..<(count - 4)])
        }
    }

    @Test("messages are unpacked with the context kept and without, whole and in parts", arguments: [true, false])
    func unpack(keeps: Bool) async throws {
        let texts = (0..<50).map { "{\"type\":\"trade\",\"price\":\(100 + $0),\"symbol\":\"AAPL\"}" }
        let packer = Packer(keeps: keeps)
        var greeting: [UInt8] = []
        var lengths: [Int] = []
        for (index, text) in texts.enumerated() {
            let packed = packer.pack(Array(text.utf8))
            lengths.append(packed.count)
            if index % 3 == 0 {
                greeting += ServerFrame.bytes(1, Array(packed[..<5]), final: false, reserved: 0x40)
                greeting += ServerFrame.bytes(9, [])
                greeting += ServerFrame.bytes(0, Array(packed[5...]))
            } else {
                greeting += ServerFrame.bytes(1, packed, reserved: 0x40)
            }
            // Not every message needs to be packed.
            if index == 20 { greeting += ServerFrame.text("plain") }
        }
        #expect(keeps == (lengths[40] < lengths[0] / 2))
        let loop = NetworkLoop(environment: [:])
        let server = try webSocketServer(
            extensions: "permessage-deflate" + (keeps ? "" : "; server_no_context_takeover"),
            greeting: greeting + ServerFrame.close(1000, ""))
        let recorder = Recorder()
        _ = try loop.open(
            WebSocketRequest(url: "ws://127.0.0.1:\(server.port)", connectTimeoutMilliseconds: 300_000),
            receiver: recorder)
        #expect(await recorder.waitForEnd())
        var expected = texts
        expected.insert("plain", at: 21)
        #expect(recorder.texts == expected)
        #expect(recorder.end?.code == 1000, "\(recorder.all.suffix(1))")
        loop.stop()
    }

    @Test("a message that unpacks to more than may be is refused, however short it is")
    func bomb() throws {
        let packed = Packer(keeps: false).pack([UInt8](repeating: 0, count: 10_000_000))
        #expect(packed.count < 20_000)
        let inflater = try #require(MessageInflater(keepsContext: true, limit: 1 << 20))
        #expect(throws: Violation.tooBig(limit: 1 << 20)) {
            try packed.withUnsafeBytes { _ = try inflater.inflate($0) }
        }
        let exact = Packer(keeps: false).pack([UInt8](repeating: 0, count: 1 << 20))
        let second = try #require(MessageInflater(keepsContext: true, limit: 1 << 20))
        #expect(try exact.withUnsafeBytes { try second.inflate($0).count } == 1 << 20)
    }

    @Test("what is not deflate is refused, and last blocks in the middle of a connection are not an end")
    func oddities() throws {
        let inflater = try #require(MessageInflater(keepsContext: true, limit: 1_000))
        let packer = Packer(keeps: true)
        for text in ["one", "two", "two"] {
            let packed = packer.pack(Array(text.utf8), flush: Z_FINISH)
            #expect(
                try packed.withUnsafeBytes { String(decoding: try inflater.inflate($0), as: UTF8.self) } == text)
        }
        #expect(throws: Violation.self) {
            try [UInt8]([0xFF, 0xFF, 0xFF]).withUnsafeBytes { _ = try inflater.inflate($0) }
        }
    }

    @Test("what the client packs, a server unpacks", arguments: [true, false])
    func pack(keeps: Bool) throws {
        let seed = testSeed()
        var random = SeededRandom(seed: seed)
        let deflater = try #require(MessageDeflater(keepsContext: keeps, windowBits: 9))
        let inflater = try #require(MessageInflater(keepsContext: keeps, limit: 1 << 20))
        for size in [0, 1, 600, 5_000, 100_000, 600] {
            let message = (0..<size).map { _ in UInt8.random(in: 0...40, using: &random) }
            let packed = message.withUnsafeBytes { deflater.deflate($0) }
            #expect(
                try packed.withUnsafeBytes { Array(try inflater.inflate($0)) } == message, "HUB_SEED=\(seed)")
        }
    }

    @Test("a long message goes out packed, a short one as it is")
    func sending() async throws {
        let loop = NetworkLoop(environment: [:])
        let seen = Mutex<[UInt8]>([])
        let server = try webSocketServer(extensions: "permessage-deflate; client_no_context_takeover") { peer, frames in
            for frame in frames where frame.first & 0x0F == 1 {
                let count = seen.withLock { seen in
                    seen.append(frame.first)
                    return seen.count
                }
                peer.write(ServerFrame.bytes(1, frame.payload, reserved: frame.first & 0x40))
                if count == 2 { peer.write(ServerFrame.close(1000, "")) }
            }
        }
        let long = String(repeating: "NSE_EQ|INE002A01018,", count: 200)
        let recorder = Recorder(onOpen: { connection in
            connection.send(text: "short")
            connection.send(text: long)
        })
        _ = try loop.open(
            WebSocketRequest(url: "ws://127.0.0.1:\(server.port)", connectTimeoutMilliseconds: 300_000),
            receiver: recorder)
        #expect(await recorder.waitForEnd())
        #expect(recorder.texts == ["short", long])
        #expect(seen.withLock { $0 } == [0x81, 0xC1])
        loop.stop()
    }

    @Test("what the server agrees to is read, and what was not offered is refused")
    func agreement() throws {
        #expect(try DeflateAgreement.read([]) == nil)
        #expect(try DeflateAgreement.read(["permessage-deflate"]) == DeflateAgreement())
        let all = try DeflateAgreement.read([
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "client_max_window_bits=\"10\"; server_max_window_bits=8"
        ])
        #expect(all == DeflateAgreement(serverKeepsContext: false, clientKeepsContext: false, clientWindowBits: 10))
        for bad in [
            "x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits", "permessage-deflate; foo",
            "permessage-deflate; client_max_window_bits=16", "permessage-deflate, permessage-deflate",
            "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover=1",
        ] {
            #expect(throws: Violation.self, "\(bad)") { _ = try DeflateAgreement.read([bad]) }
        }
    }
}
