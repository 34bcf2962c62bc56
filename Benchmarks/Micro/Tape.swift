import CZlib
import PluginABI

/// A day of trades as records, in memory.
///
/// A file has the columns that the replay plugin reads (`ts_event_ns,price,size,exchange,condition,suspicious`), and the
/// records are what a replay makes of it, but for the conditions: those are the file's own bits, which are more.
final class Tape {
    enum Received {
        /// Played back as fast as it goes: the records of one call have one time.
        case replayed
        /// One to three milliseconds after the event, never before the record in front.
        case live
    }

    // What the hub asks a source for at once.
    private static let recordsInCall = 2048
    private static let recordsBetweenPositions = 1024

    let records: UnsafeMutableBufferPointer<hub_trade>

    init(_ trades: [hub_trade], received: Received) {
        records = .allocate(capacity: trades.count)
        var random = TapeRandom()
        var seq: UInt64 = 1
        var time: Int64 = received == .replayed ? 1_700_000_000_000_000_000 : 0
        for (index, trade) in trades.enumerated() {
            var trade = trade
            switch received {
            case .replayed:
                if index % Self.recordsInCall == 0 { time += 400_000 + Int64(random.next() % 100_000) }
            case .live: time = max(time, trade.head.ts_event + 1_000_000 + Int64(random.next() % 2_000_000))
            }
            trade.head.ts_recv = time
            seq += index % Self.recordsBetweenPositions == 0 ? 2 : 1
            trade.head.seq = seq
            (records.baseAddress! + index).initialize(to: trade)
        }
    }

    deinit { records.deallocate() }

    /// The records, by chunks of at most `most`; of each stream alone, or as if all were of one.
    func chunks(most: Int, byStream: Bool) -> [[UnsafePointer<hub_record>]] {
        var open: [UInt32: [UnsafePointer<hub_record>]] = [:]
        var full: [[UnsafePointer<hub_record>]] = []
        for index in records.indices {
            let record = UnsafeRawPointer(records.baseAddress! + index).assumingMemoryBound(to: hub_record.self)
            let stream = byStream ? record.pointee.stream : 0
            open[stream, default: []].append(record)
            if open[stream]!.count == most { full.append(open.removeValue(forKey: stream)!) }
        }
        return full + open.sorted { $0.key < $1.key }.map(\.value)
    }

    // MARK: Where the trades come from

    /// - Parameter venues: a stream for each exchange, as a replay defines them.
    static func trades(path: String, venues: Bool) throws -> [hub_trade] {
        guard let file = gzopen(path, "rb") else { throw TapeError("\(path): cannot be opened") }
        defer { gzclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard gzgets(file, &line, 256) != nil, text(line).hasPrefix("ts_event_ns,price,size,exchange,condition") else {
            throw TapeError("\(path): a first line ts_event_ns,price,size,exchange,condition,suspicious is expected")
        }
        var trades: [hub_trade] = []
        while gzgets(file, &line, 256) != nil {
            let fields = text(line).split(separator: ",", omittingEmptySubsequences: false)
            guard fields.count == 6, let time = Int64(fields[0]), let price = Double(fields[1]),
                let size = Double(fields[2]), let conditions = UInt64(fields[4], radix: 16)
            else { throw TapeError("\(path), row \(trades.count + 1): a trade is expected") }
            var trade = hub_trade()
            trade.head.lines = 1
            trade.head.kind = UInt8(HUB_TRADE)
            trade.head.flags = UInt16(HUB_FLAG_RECORDED | (fields[5].hasPrefix("0") ? 0 : HUB_FLAG_SUSPECT))
            trade.head.stream = venues ? fields[3].utf8.reduce(1) { $0 * 256 + UInt32($1) } : 1
            trade.head.ts_event = time
            (trade.price, trade.size) = (price, size)
            trade.conditions = UInt32(truncatingIfNeeded: conditions)
            trades.append(trade)
        }
        return trades
    }

    private static func text(_ line: [CChar]) -> String {
        String(decoding: line.prefix { $0 != 0 && $0 != 10 }.lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Trades much like a busy day's: bursts within a millisecond, cents, round lots more often than others.
    static func synthetic(_ count: Int) -> [hub_trade] {
        var random = TapeRandom()
        var (time, cents): (Int64, Int64) = (1_381_219_217_034_000_000, 16_742)
        return (0..<count).map { _ in
            let draw = random.next()
            if draw & 1 == 0 { time += Int64(draw >> 8 & (draw & 6 == 0 ? 0x3ff : 0x3f)) * 1_000_000 }
            if draw >> 20 & 7 == 0 { cents += draw >> 23 & 1 == 0 ? 1 : -1 }
            var trade = hub_trade()
            trade.head.lines = 1
            trade.head.kind = UInt8(HUB_TRADE)
            trade.head.flags = UInt16(HUB_FLAG_RECORDED)
            trade.head.stream = UInt32(draw >> 24 & 7) + 1
            trade.head.ts_event = time
            trade.price = Double(cents) / 100
            trade.size =
                draw >> 30 & 1 == 0
                ? 100 : draw >> 31 & 1 == 0 ? Double(draw >> 40 & 0xf) * 100 : Double(draw >> 44 & 0x1ff)
            trade.conditions = draw >> 54 & 1 == 0 ? 0 : draw >> 55 & 7 == 0 ? 1 << 12 : 1 << 6
            return trade
        }
    }
}

struct TapeError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// The same numbers in every run.
struct TapeRandom: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ state >> 33
    }
}
