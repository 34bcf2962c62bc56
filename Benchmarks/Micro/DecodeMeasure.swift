import Glibc
import PluginABI
import PluginKit
import UpstoxCore
import ZerodhaCore

/// What one core decodes: vendors' bytes in, records in the host's memory out.
enum DecodeMeasure {
    /// What was done in how long.
    struct Result {
        var items: Int
        var records: Int
        var bytes: Int
        var seconds: Double

        var json: String {
            let rate = Int(Double(items) / seconds)
            return #"{"per_second":\#(rate),"items":\#(items),"records":\#(records),"bytes":\#(bytes)}"#
        }
    }

    private static let kinds: KindSet = [.tick, .quote]

    /// Full packets of Kite's ticker, 50 in a frame, of 3,000 instruments; the first level changes from one to the next.
    static func kite(seconds: Double) -> Result {
        let count = 3000
        var ticker = KiteTicker(minimumCapacity: count)
        let tokens = (0..<count).map { UInt32(($0 * 37 + 1000) << 8 | 1) }
        for (index, token) in tokens.enumerated() { ticker.tokens.set(token, handle: UInt32(index + 1), kinds: kinds) }
        let frames = (0..<120).map { number in
            kiteFrame((0..<50).map { (token: tokens[(number * 50 + $0) % count], price: 100_000 + number * 5) })
        }
        return measure(frames, seconds: seconds) { bytes, out in ticker.decode(bytes, into: out).packets }
    }

    /// Full-mode updates of Upstox's feed, 20 in a message, of 2,000 instruments; each has five levels and two bars.
    static func upstox(seconds: Double) -> Result {
        let count = 2000
        var feed = UpstoxFeed(minimumCapacity: count)
        let keys = (0..<count).map { "NSE_EQ|INE\(100_000 + $0)01018" }
        for (index, key) in keys.enumerated() { feed.keys.set(key, handle: UInt32(index + 1), kinds: kinds) }
        let messages = (0..<200).map { number in
            upstoxMessage((0..<20).map { (key: keys[(number * 20 + $0) % count], price: 1000 + Double(number) * 0.05) })
        }
        return measure(messages, seconds: seconds) { bytes, out in feed.decode(bytes, into: out).updates }
    }

    private static func measure(
        _ messages: [[UInt8]], seconds: Double,
        _ decode: (UnsafeRawBufferPointer, UnsafeMutablePointer<hub_out>) -> Int
    ) -> Result {
        let capacity = 4096 * 64
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
        defer {
            memory.deallocate()
            out.deallocate()
        }
        var result = Result(items: 0, records: 0, bytes: 0, seconds: 0)
        let start = monotonic()
        repeat {
            for message in messages {
                out.initialize(
                    to: hub_out(
                        at: memory.assumingMemoryBound(to: UInt8.self),
                        end: (memory + capacity).assumingMemoryBound(to: UInt8.self), host: nil, more: { _, _ in 0 }))
                result.items += message.withUnsafeBytes { decode($0, out) }
                result.bytes += message.count
                // What the host does next: it reads every head.
                var at = UnsafeRawPointer(memory)
                while at < UnsafeRawPointer(out.pointee.at.unsafelyUnwrapped) {
                    at += Int(at.load(as: UInt8.self)) * 64
                    result.records += 1
                }
            }
            result.seconds = Double(monotonic() - start) / 1e9
        } while result.seconds < seconds
        return result
    }

    private static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    // MARK: Messages as the vendors make them

    private static func kiteFrame(_ packets: [(token: UInt32, price: Int)]) -> [UInt8] {
        func bytes(_ number: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: number >> ((count - 1 - $0) * 8)) }
        }
        var frame = bytes(packets.count, 2)
        for packet in packets {
            frame += bytes(184, 2) + bytes(Int(packet.token), 4)
            let price = packet.price
            frame += [price, 7, price - 3, 1_192_471, 256_443, 363_009, price - 9, price + 20, price - 30, price - 5]
                .flatMap { bytes($0, 4) }
            frame += [1_736_135_100, 2_215_400, 2_301_125, 2_190_050, 1_736_135_101].flatMap { bytes($0, 4) }
            for level in 0..<10 {
                let step = level < 5 ? -5 * (level + 1) : 5 * (level - 4)
                frame += bytes(100 * (level + 1), 4) + bytes(price + step, 4) + bytes(level + 1, 2) + [0, 0]
            }
        }
        return frame
    }

    private static func upstoxMessage(_ updates: [(key: String, price: Double)]) -> [UInt8] {
        func varint(_ number: UInt64) -> [UInt8] {
            var rest = number
            var bytes: [UInt8] = []
            while rest >= 0x80 {
                bytes.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            return bytes + [UInt8(rest)]
        }
        func integer(_ field: UInt8, _ number: UInt64) -> [UInt8] { [field << 3] + varint(number) }
        func double(_ field: UInt8, _ number: Double) -> [UInt8] {
            [field << 3 | 1] + withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
        }
        func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] {
            [field << 3 | 2] + varint(UInt64(body.count)) + body
        }
        func bar(_ interval: String, _ price: Double) -> [UInt8] {
            message(
                1,
                message(1, Array(interval.utf8)) + double(2, price) + double(3, price + 1) + double(4, price - 1)
                    + double(5, price) + integer(6, 1_183_220) + integer(7, 1_736_121_600_000))
        }
        var bytes = integer(1, 1)
        for update in updates {
            let price = update.price
            let last = double(1, price) + integer(2, 1_736_135_100_880) + integer(3, 5) + double(4, price - 3)
            let levels = (0..<5).flatMap { level in
                let step = Double(level + 1) * 0.05
                return message(
                    1,
                    integer(1, UInt64(100 * (level + 1))) + double(2, price - step) + integer(3, 90)
                        + double(4, price + step))
            }
            let market =
                message(1, last) + message(2, levels) + message(4, bar("1d", price) + bar("I1", price))
                + double(5, price - 1) + integer(6, 1_183_220) + double(9, 512_233) + double(10, 640_112)
            let feed = message(2, message(1, market)) + integer(4, 1)
            bytes += message(2, message(1, Array(update.key.utf8)) + message(2, feed))
        }
        return bytes + integer(3, 1_736_135_100_900)
    }
}
