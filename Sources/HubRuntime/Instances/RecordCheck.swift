import Glibc
import PluginABI

/// What the host checks in every record before anybody else sees it: size, kind, handle, mandatory numbers. A tight loop
/// over what one callback emitted; bad records are squeezed out.
struct RecordCheck {
    /// The first bad record of a batch, for the log.
    struct Fault {
        var reason: StaticString
        var bytes: [UInt8]
    }

    /// Handles below are known to the instance; 0 is none.
    var handleCount: UInt32
    /// Values come from indicators, whose definitions the host knows, and from nobody else.
    private let takesValues: Bool
    private(set) var rejected: UInt64 = 0
    private(set) var firstFault: Fault?
    /// Which record of its batch that was, counted from 1.
    private(set) var firstFaultNumber = 0
    private var number = 0

    init(handleCount: UInt32, takesValues: Bool = false) {
        self.handleCount = handleCount
        self.takesValues = takesValues
    }

    /// Checks `space`, stamps the receive time, and returns how many bytes of good records are left at its start.
    mutating func run(_ space: UnsafeMutableRawBufferPointer, receivedNanoseconds: Int64) -> Int {
        guard let base = space.baseAddress else { return 0 }
        var from = base
        var to = base
        let end = base + space.count
        let known = handleCount &- 1
        number = 0
        while from < end {
            number += 1
            let record = from.assumingMemoryBound(to: hub_record.self)
            // Lines and kind at once.
            let shape = UInt16(littleEndian: from.load(as: UInt16.self))
            var bytes = Int(HUB_LINE)
            if shape != RecordCheck.tradeShape || !RecordCheck.isSound(from, known) {
                bytes *= Int(shape & 0xff)
                guard bytes > 0, bytes <= end - from else {
                    // Where the next record begins is not known any more.
                    reject("its size is 0, or more than was emitted", record, end - from)
                    break
                }
                if let reason = otherFault(record) {
                    reject(reason, record, bytes)
                    from += bytes
                    continue
                }
            }
            record.pointee.flags &= UInt16(HUB_FLAGS_OF_PLUGIN)
            record.pointee.ts_recv = receivedNanoseconds
            record.pointee.seq = 0
            if to != from { memmove(to, from, bytes) }
            to += bytes
            from += bytes
        }
        return to - base
    }

    /// A trade of one line.
    private static let tradeShape = UInt16(HUB_TRADE) << 8 | 1

    /// Whether a trade can be taken: nearly all records are trades that can, and this is all that is spent on them.
    @inline(__always)
    private static func isSound(_ raw: UnsafeMutableRawPointer, _ known: UInt32) -> Bool {
        let trade = raw.assumingMemoryBound(to: hub_trade.self)
        return trade.pointee.head.stream &- 1 < known && trade.pointee.price.isFinite
            && trade.pointee.size >= 0 && trade.pointee.size < .infinity
    }

    private mutating func reject(_ reason: StaticString, _ record: UnsafePointer<hub_record>, _ bytes: Int) {
        rejected += 1
        guard firstFault == nil else { return }
        firstFaultNumber = number
        let shown = min(bytes, 2 * Int(HUB_LINE))
        firstFault = Fault(reason: reason, bytes: Array(UnsafeRawBufferPointer(start: record, count: shown)))
    }

    @inline(__always)
    private func isKnown(_ handle: UInt32) -> Bool { handle &- 1 < handleCount &- 1 }

    /// What is wrong with a record; `nil` if nothing is.
    @inline(never)
    private func otherFault(_ record: UnsafePointer<hub_record>) -> StaticString? {
        let raw = UnsafeRawPointer(record)
        let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
        let kind = Int(record.pointee.kind)
        if kind == HUB_CONTROL {
            guard raw.load(fromByteOffset: 32, as: UInt8.self) == UInt8(HUB_CONTROL_POSITION), record.pointee.lines == 1
            else { return "of the controls a plugin emits positions only, of one line" }
            return record.pointee.stream == 0 ? nil : "a position belongs to the source: its handle is 0"
        }
        // Of a venue, or of the source, one speaks with handle 0.
        let mayBeZero = kind == HUB_STATUS || kind >= 192
        guard isKnown(record.pointee.stream) || (mayBeZero && record.pointee.stream == 0) else {
            return "its handle is not one of this instance"
        }
        switch kind {
        case HUB_TRADE:
            guard record.pointee.lines == 1 else { return "a trade is one line" }
            let trade = raw.assumingMemoryBound(to: hub_trade.self).pointee
            guard trade.price.isFinite, trade.size.isFinite, trade.size >= 0 else {
                return "price and size of a trade are finite numbers, and the size is not negative"
            }
            return nil
        case HUB_QUOTE:
            guard record.pointee.lines == 1 else { return "a quote is one line" }
            let quote = raw.assumingMemoryBound(to: hub_quote.self).pointee
            guard !quote.bid.isInfinite, !quote.ask.isInfinite, isSize(quote.bid_size), isSize(quote.ask_size) else {
                return "prices of a quote are finite or NaN, sizes are not negative or NaN"
            }
            return nil
        case HUB_TICK:
            guard record.pointee.lines == 2 else { return "a tick is two lines" }
            let tick = raw.assumingMemoryBound(to: hub_tick.self).pointee
            guard tick.last.isFinite else { return "'last' of a tick is a finite number" }
            return noInfinity(raw, 32, 11) ? nil : "numbers of a tick are finite or NaN"
        case HUB_BOOK: return bookFault(raw, bytes)
        case HUB_BAR:
            guard record.pointee.lines == 2 else { return "a bar is two lines" }
            let bar = raw.assumingMemoryBound(to: hub_bar.self).pointee
            guard RecordCheck.intervals.contains(bar.interval) else { return "its interval is none of the hub's" }
            guard bar.open.isFinite, bar.high.isFinite, bar.low.isFinite, bar.close.isFinite, bar.volume.isFinite else {
                return "open, high, low, close and volume of a bar are finite numbers"
            }
            guard bar.high >= bar.low, bar.volume >= 0, bar.head.ts_event != 0 else {
                return "a bar's high is not below its low, its volume is not negative, its time is given"
            }
            return !bar.notional.isInfinite && !bar.open_interest.isInfinite
                ? nil : "numbers of a bar are finite or NaN"
        case HUB_GREEKS:
            guard record.pointee.lines == 2 else { return "greeks are two lines" }
            return noInfinity(raw, 32, 6) ? nil : "numbers of greeks are finite or NaN"
        case HUB_VALUE where takesValues:
            let outputs = Int(raw.assumingMemoryBound(to: hub_value.self).pointee.outputs)
            guard outputs > 0, 56 + outputs * 8 <= bytes else { return "a value holds as many numbers as it says" }
            return noInfinity(raw, 56, outputs) ? nil : "numbers of a value are finite or NaN"
        case HUB_SIGNAL: return textFault(raw, bytes, from: MemoryLayout<hub_signal>.size, texts: 2)
        case HUB_STATUS: return textFault(raw, bytes, from: MemoryLayout<hub_trading_status>.size, texts: 2)
        case 192...255: return nil
        default: return "its kind is none that a plugin may emit"
        }
    }

    private static let intervals: Set<UInt32> = [
        1, 5, 15, 30, 60, 180, 300, 900, 1800, 3600, 7200, 14400, 86400, 604_800, 2_592_000,
    ]

    private func bookFault(_ raw: UnsafeRawPointer, _ bytes: Int) -> StaticString? {
        let book = raw.assumingMemoryBound(to: hub_book.self).pointee
        let levels = Int(book.bids) + Int(book.asks)
        guard MemoryLayout<hub_book>.size + levels * MemoryLayout<hub_level>.size <= bytes else {
            return "a book has more levels than its lines hold"
        }
        for index in 0..<levels {
            let level = (raw + MemoryLayout<hub_book>.size + index * MemoryLayout<hub_level>.size)
                .assumingMemoryBound(to: hub_level.self).pointee
            guard level.price.isFinite, level.size.isFinite, level.size >= 0 else {
                return "price and size of a level are finite numbers, and the size is not negative"
            }
        }
        return nil
    }

    private func textFault(_ raw: UnsafeRawPointer, _ bytes: Int, from fixed: Int, texts: Int) -> StaticString? {
        var at = fixed
        for _ in 0..<texts {
            guard at + 2 <= bytes else { return "a text of it ends outside" }
            at += 2 + Int(raw.loadUnaligned(fromByteOffset: at, as: UInt16.self))
        }
        return at <= bytes ? nil : "a text of it ends outside"
    }

    private func isSize(_ size: Double) -> Bool { size.isNaN || (size >= 0 && size.isFinite) }

    private func noInfinity(_ raw: UnsafeRawPointer, _ offset: Int, _ count: Int) -> Bool {
        for index in 0..<count where raw.load(fromByteOffset: offset + index * 8, as: Double.self).isInfinite {
            return false
        }
        return true
    }
}
