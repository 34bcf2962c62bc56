package import PluginABI
import PluginKit

/// What was in one binary frame of the ticker.
package struct KiteFrame: Equatable {
    /// Packets that became records.
    package var packets = 0
    /// Of tokens that are not subscribed (any more).
    var unknownTokens = 0
    /// Packets of a length that is none of the protocol's; skipped.
    var unknownLengths = 0
    /// The frame ends within a packet, or before all it announced.
    var isTruncated = false
    /// The records of the last packets did not fit into one call.
    var isOverfull = false
}

/// Decodes the binary frames of Kite's ticker into records.
///
/// A frame is a count and then packets, each with its length in front; all integers are big-endian. The length of a packet
/// decides what it is, not the mode that was asked for: after a change of mode packets of the old size still arrive. A
/// frame too short for a count is the keep-alive. Nothing here allocates.
package struct KiteTicker: ~Copyable {
    package var tokens: TokenTable

    package init(minimumCapacity: Int = 64) { tokens = TokenTable(minimumCapacity: minimumCapacity) }

    private enum Length {
        static let last = 8
        static let indexQuote = 28
        static let indexFull = 32
        static let quote = 44
        static let full = 184
    }

    private static let levels = 5
    private static let levelBytes = 12

    /// Emits the records of one frame; the last one is marked as the last of its message.
    package func decode(_ frame: UnsafeRawBufferPointer, into out: UnsafeMutablePointer<hub_out>) -> KiteFrame {
        var result = KiteFrame()
        guard frame.count >= 2, let base = frame.baseAddress else { return result }
        let end = base + frame.count
        var at = base + 2
        var last: UnsafeMutablePointer<hub_record>?
        for _ in 0..<Int(KiteTicker.half(base, 0)) {
            guard end - at >= 2 else {
                result.isTruncated = true
                break
            }
            let length = Int(KiteTicker.half(at, 0))
            at += 2
            guard length <= end - at else {
                result.isTruncated = true
                break
            }
            let packet = at
            at += length
            switch length {
            case Length.full, Length.quote, Length.last, Length.indexQuote, Length.indexFull: break
            default:
                result.unknownLengths += 1
                continue
            }
            guard let slot = tokens.find(KiteTicker.word(packet, 0)) else {
                result.unknownTokens += 1
                continue
            }
            guard emit(packet, length, slot, out, &last) else {
                result.isOverfull = true
                break
            }
            result.packets += 1
        }
        last?.pointee.flags |= RecordFlags.lastOfMessage.rawValue
        return result
    }

    // MARK: Packets

    @inline(__always)
    private func emit(
        _ packet: UnsafeRawPointer, _ length: Int, _ slot: UnsafeMutablePointer<TokenSlot>,
        _ out: UnsafeMutablePointer<hub_out>, _ last: inout UnsafeMutablePointer<hub_record>?
    ) -> Bool {
        let bits = slot.pointee.bits
        var flags: UInt16 = 0
        if !bits.contains(.seen) {
            flags = RecordFlags.snapshot.rawValue
            slot.pointee.bits.insert(.seen)
        }
        let time = length == Length.full ? seconds(packet, 60) : length == Length.indexFull ? seconds(packet, 28) : 0
        let divisor = Double(slot.pointee.divisor)
        if bits.contains(.wantsTick) {
            guard let space = hub_emit(out, 2, UInt8(HUB_TICK)) else { return false }
            let tick = space.assumingMemoryBound(to: hub_tick.self)
            tick.pointee.head.flags = flags
            tick.pointee.head.stream = slot.pointee.handle
            tick.pointee.head.ts_event = time
            fill(tick, packet, length, divisor)
            last = space.assumingMemoryBound(to: hub_record.self)
        }
        guard length == Length.full else { return true }
        if bits.contains(.wantsQuote), !isQuoted(packet, slot) {
            guard let space = hub_emit(out, 1, UInt8(HUB_QUOTE)) else { return false }
            let quote = space.assumingMemoryBound(to: hub_quote.self)
            quote.pointee.head.flags = flags
            quote.pointee.head.stream = slot.pointee.handle
            quote.pointee.head.ts_event = time
            fill(quote, packet, divisor)
            slot.pointee.bits.insert(.quoted)
            last = space.assumingMemoryBound(to: hub_record.self)
        }
        if bits.contains(.wantsBook) {
            guard let record = emitBook(packet, slot.pointee.handle, time, flags, divisor, out) else { return false }
            last = record
        }
        return true
    }

    @inline(__always)
    private func fill(
        _ tick: UnsafeMutablePointer<hub_tick>, _ packet: UnsafeRawPointer, _ length: Int, _ divisor: Double
    ) {
        let last = KiteTicker.word(packet, 4)
        tick.pointee.last = KiteTicker.price(last, divisor)
        // A tick has to have a price; of what was never traded there is none, and the zero is not to be believed.
        if last == 0 { tick.pointee.head.flags |= RecordFlags.suspect.rawValue }
        tick.pointee.open_interest = .nan
        tick.pointee.last_trade_time = 0
        guard length >= Length.quote else {
            tick.pointee.last_size = .nan
            tick.pointee.average = .nan
            tick.pointee.volume = .nan
            tick.pointee.total_buy = .nan
            tick.pointee.total_sell = .nan
            let isIndex = length != Length.last
            // High and low stand before open here, unlike in the packets of what is traded.
            tick.pointee.high = isIndex ? KiteTicker.given(packet, 8, divisor) : .nan
            tick.pointee.low = isIndex ? KiteTicker.given(packet, 12, divisor) : .nan
            tick.pointee.open = isIndex ? KiteTicker.given(packet, 16, divisor) : .nan
            tick.pointee.previous_close = isIndex ? KiteTicker.given(packet, 20, divisor) : .nan
            return
        }
        tick.pointee.last_size = Double(KiteTicker.word(packet, 8))
        tick.pointee.average = KiteTicker.given(packet, 12, divisor)
        tick.pointee.volume = Double(KiteTicker.word(packet, 16))
        tick.pointee.total_buy = Double(KiteTicker.word(packet, 20))
        tick.pointee.total_sell = Double(KiteTicker.word(packet, 24))
        tick.pointee.open = KiteTicker.given(packet, 28, divisor)
        tick.pointee.high = KiteTicker.given(packet, 32, divisor)
        tick.pointee.low = KiteTicker.given(packet, 36, divisor)
        tick.pointee.previous_close = KiteTicker.given(packet, 40, divisor)
        guard length == Length.full else { return }
        tick.pointee.last_trade_time = seconds(packet, 44)
        tick.pointee.open_interest = Double(KiteTicker.word(packet, 48))
    }

    /// Whether the first level is that of the last quote; if not, it is from now on.
    @inline(__always)
    private func isQuoted(_ packet: UnsafeRawPointer, _ slot: UnsafeMutablePointer<TokenSlot>) -> Bool {
        let bid = Int32(bitPattern: KiteTicker.word(packet, 68))
        let bidQuantity = KiteTicker.word(packet, 64)
        let ask = Int32(bitPattern: KiteTicker.word(packet, 128))
        let askQuantity = KiteTicker.word(packet, 124)
        if slot.pointee.bits.contains(.quoted), slot.pointee.bid == bid, slot.pointee.bidQuantity == bidQuantity,
            slot.pointee.ask == ask, slot.pointee.askQuantity == askQuantity
        {
            return true
        }
        slot.pointee.bid = bid
        slot.pointee.bidQuantity = bidQuantity
        slot.pointee.ask = ask
        slot.pointee.askQuantity = askQuantity
        return false
    }

    @inline(__always)
    private func fill(_ quote: UnsafeMutablePointer<hub_quote>, _ packet: UnsafeRawPointer, _ divisor: Double) {
        let hasBid = KiteTicker.isLevel(packet + 64)
        let hasAsk = KiteTicker.isLevel(packet + 124)
        quote.pointee.bid = hasBid ? KiteTicker.price(KiteTicker.word(packet, 68), divisor) : .nan
        quote.pointee.bid_size = hasBid ? Double(KiteTicker.word(packet, 64)) : .nan
        quote.pointee.ask = hasAsk ? KiteTicker.price(KiteTicker.word(packet, 128), divisor) : .nan
        quote.pointee.ask_size = hasAsk ? Double(KiteTicker.word(packet, 124)) : .nan
    }

    private func emitBook(
        _ packet: UnsafeRawPointer, _ handle: UInt32, _ time: Int64, _ flags: UInt16, _ divisor: Double,
        _ out: UnsafeMutablePointer<hub_out>
    ) -> UnsafeMutablePointer<hub_record>? {
        let bids = KiteTicker.countLevels(packet + 64)
        let asks = KiteTicker.countLevels(packet + 124)
        guard
            var level = Output(out).book(
                handle, timeNanoseconds: time, bids: bids, asks: asks, flags: RecordFlags(rawValue: flags))
        else { return nil }
        let record = UnsafeMutableRawPointer(level) - MemoryLayout<hub_book>.size
        for side in stride(from: 64, to: Length.full, by: 60) {
            for index in 0..<KiteTicker.levels {
                let entry = packet + side + index * KiteTicker.levelBytes
                guard KiteTicker.isLevel(entry) else { continue }
                level.pointee = hub_level(
                    price: KiteTicker.price(KiteTicker.word(entry, 4), divisor),
                    size: Double(KiteTicker.word(entry, 0)), orders: UInt32(KiteTicker.half(entry, 8)), reserved: 0)
                level += 1
            }
        }
        return record.assumingMemoryBound(to: hub_record.self)
    }

    private static func countLevels(_ side: UnsafeRawPointer) -> Int {
        var count = 0
        for index in 0..<levels where isLevel(side + index * levelBytes) { count += 1 }
        return count
    }

    /// Levels that are not in use are there with zeros.
    @inline(__always)
    private static func isLevel(_ entry: UnsafeRawPointer) -> Bool { word(entry, 0) | word(entry, 4) != 0 }

    // MARK: Numbers

    @inline(__always)
    private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt32 {
        UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    private static func half(_ base: UnsafeRawPointer, _ offset: Int) -> UInt16 {
        UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// Prices are signed (crude oil was below zero in 2020), quantities are not.
    @inline(__always)
    private static func price(_ word: UInt32, _ divisor: Double) -> Double {
        Double(Int32(bitPattern: word)) / divisor
    }

    /// A price of which zero means that there is none.
    @inline(__always)
    private static func given(_ base: UnsafeRawPointer, _ offset: Int, _ divisor: Double) -> Double {
        let word = word(base, offset)
        return word == 0 ? .nan : price(word, divisor)
    }

    /// Unix seconds as nanoseconds; 0 stays 0: not given.
    @inline(__always)
    private func seconds(_ base: UnsafeRawPointer, _ offset: Int) -> Int64 {
        Int64(KiteTicker.word(base, offset)) &* 1_000_000_000
    }
}
