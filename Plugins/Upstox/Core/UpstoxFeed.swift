package import PluginABI
import PluginKit

/// What was in one message of the feed.
package struct FeedFrame: Equatable {
    /// Instruments whose update became records.
    package var updates = 0
    /// Updates of keys that are not subscribed (any more).
    var unknownKeys = 0
    /// Updates that are malformed; their neighbours are not affected.
    var malformed = 0
    /// The message itself is malformed; nothing of it counted.
    var isMalformed = false
    /// The records of the last updates did not fit into one call.
    var isOverfull = false
}

/// Decodes messages of Upstox's Market Data Feed V3 into records.
///
/// Written against the vendor's schema, without generated code: unknown fields are passed by their wire type. An update
/// says what changed; what it does not mention is as it was, so each key's state is kept and every record is complete.
/// Nothing here allocates.
package struct UpstoxFeed: ~Copyable {
    package var keys: KeyTable
    private let reader: FeedReader
    /// The type of a first state; the vendor's samples have others there, too.
    private static let initialFeed: UInt64 = 0

    package init(minimumCapacity: Int = 64) {
        keys = KeyTable(minimumCapacity: minimumCapacity)
        let levels = UnsafeMutablePointer<hub_level>.allocate(capacity: 2 * FeedReader.mostLevels)
        levels.initialize(repeating: hub_level(), count: 2 * FeedReader.mostLevels)
        reader = FeedReader(levels: levels)
    }

    deinit { reader.levels.deallocate() }

    /// Emits the records of one message; the last one is marked as the last of it.
    package func decode(_ message: UnsafeRawBufferPointer, into out: UnsafeMutablePointer<hub_out>) -> FeedFrame {
        var frame = FeedFrame()
        // Type and time stand behind the feeds, or anywhere: they are read first.
        var type: UInt64 = 0
        var milliseconds: Int64 = 0
        var scan = WireReader(message)
        while let tag = scan.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.varint): type = scan.varint()
            case (3, WireReader.Tag.varint): milliseconds = scan.integer()
            default: scan.skip(tag)
            }
        }
        guard !scan.isMalformed else {
            frame.isMalformed = true
            return frame
        }
        let time = UpstoxFeed.nanoseconds(milliseconds)
        var last: UnsafeMutablePointer<hub_record>?
        var fields = WireReader(message)
        while let tag = fields.next() {
            switch (tag.field, tag.type) {
            case (2, WireReader.Tag.bytes):
                guard feed(fields.bytes(), type, time, out, &frame, &last) else {
                    frame.isOverfull = true
                    last?.pointee.flags |= RecordFlags.lastOfMessage.rawValue
                    return frame
                }
            case (4, WireReader.Tag.bytes):
                MarketPhases.emit(fields.bytes(), time, out, &frame, &last)
            default: fields.skip(tag)
            }
        }
        last?.pointee.flags |= RecordFlags.lastOfMessage.rawValue
        return frame
    }

    /// Milliseconds of the vendor; beyond what fits: not given.
    static func nanoseconds(_ milliseconds: Int64) -> Int64 {
        let (product, isOver) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return isOver || product < 0 ? 0 : product
    }

    /// One entry of the map of feeds: key and update, in any order. False: no room.
    @inline(__always)
    private func feed(
        _ entry: UnsafeRawBufferPointer, _ type: UInt64, _ time: Int64, _ out: UnsafeMutablePointer<hub_out>,
        _ frame: inout FeedFrame, _ last: inout UnsafeMutablePointer<hub_record>?
    ) -> Bool {
        var key = UnsafeRawBufferPointer(start: nil, count: 0)
        var value = key
        var fields = WireReader(entry)
        while let tag = fields.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes): key = fields.bytes()
            case (2, WireReader.Tag.bytes): value = fields.bytes()
            default: fields.skip(tag)
            }
        }
        guard !fields.isMalformed else {
            frame.malformed += 1
            return true
        }
        guard let slot = keys.find(key) else {
            frame.unknownKeys += 1
            return true
        }
        var update = FeedUpdate()
        guard reader.read(value, into: &update) else {
            frame.malformed += 1
            return true
        }
        let isFirst = !slot.pointee.isSeen
        slot.pointee.isSeen = true
        let flags: RecordFlags = isFirst || type == UpstoxFeed.initialFeed ? .snapshot : []
        guard emit(update, slot, time, flags, out, &last) else { return false }
        frame.updates += 1
        return true
    }

    // MARK: Records

    @inline(__always)
    private func emit(
        _ update: FeedUpdate, _ slot: UnsafeMutablePointer<KeySlot>, _ time: Int64, _ flags: RecordFlags,
        _ out: UnsafeMutablePointer<hub_out>, _ last: inout UnsafeMutablePointer<hub_record>?
    ) -> Bool {
        let kinds = slot.pointee.kinds
        let hasTick = merge(update, into: &slot.pointee.state)
        if hasTick, kinds.contains(.tick), !slot.pointee.state.last.isNaN {
            guard let space = hub_emit(out, 2, UInt8(HUB_TICK)) else { return false }
            let tick = space.assumingMemoryBound(to: hub_tick.self)
            tick.pointee.head.flags = flags.rawValue
            if slot.pointee.state.last == 0 { tick.pointee.head.flags |= RecordFlags.suspect.rawValue }
            tick.pointee.head.stream = slot.pointee.handle
            tick.pointee.head.ts_event = time
            tick.pointee.last = slot.pointee.state.last
            tick.pointee.last_size = slot.pointee.state.lastSize
            tick.pointee.average = slot.pointee.state.average
            tick.pointee.volume = slot.pointee.state.volume
            tick.pointee.open_interest = slot.pointee.state.openInterest
            tick.pointee.open = slot.pointee.state.open
            tick.pointee.high = slot.pointee.state.high
            tick.pointee.low = slot.pointee.state.low
            tick.pointee.previous_close = slot.pointee.state.previousClose
            tick.pointee.total_buy = slot.pointee.state.totalBuy
            tick.pointee.total_sell = slot.pointee.state.totalSell
            tick.pointee.last_trade_time = UpstoxFeed.nanoseconds(slot.pointee.state.lastTradeMilliseconds)
            last = space.assumingMemoryBound(to: hub_record.self)
        }
        if update.hasBook {
            if kinds.contains(.quote), !isQuoted(update, slot) {
                guard let space = hub_emit(out, 1, UInt8(HUB_QUOTE)) else { return false }
                let quote = space.assumingMemoryBound(to: hub_quote.self)
                quote.pointee.head.flags = flags.rawValue
                quote.pointee.head.stream = slot.pointee.handle
                quote.pointee.head.ts_event = time
                quote.pointee.bid = update.bid
                quote.pointee.bid_size = update.bidSize
                quote.pointee.ask = update.ask
                quote.pointee.ask_size = update.askSize
                last = space.assumingMemoryBound(to: hub_record.self)
            }
            if kinds.contains(.book) {
                guard let record = emitBook(update, slot.pointee.handle, time, flags, out) else { return false }
                last = record
            }
        }
        if kinds.contains(.greeks), hasGreeks(update) {
            guard let space = hub_emit(out, 2, UInt8(HUB_GREEKS)) else { return false }
            let greeks = space.assumingMemoryBound(to: hub_greeks.self)
            greeks.pointee.head.flags = flags.rawValue
            greeks.pointee.head.stream = slot.pointee.handle
            greeks.pointee.head.ts_event = time
            greeks.pointee.delta = slot.pointee.state.delta
            greeks.pointee.gamma = slot.pointee.state.gamma
            greeks.pointee.theta = slot.pointee.state.theta
            greeks.pointee.vega = slot.pointee.state.vega
            greeks.pointee.rho = slot.pointee.state.rho
            greeks.pointee.implied_volatility = slot.pointee.state.impliedVolatility
            greeks.pointee.reserved = (0, 0, 0, 0, 0, 0)
            last = space.assumingMemoryBound(to: hub_record.self)
        }
        return true
    }

    private func emitBook(
        _ update: FeedUpdate, _ handle: UInt32, _ time: Int64, _ flags: RecordFlags,
        _ out: UnsafeMutablePointer<hub_out>
    ) -> UnsafeMutablePointer<hub_record>? {
        guard
            let levels = Output(out).book(
                handle, timeNanoseconds: time, bids: update.bids, asks: update.asks, flags: flags)
        else { return nil }
        levels.update(from: reader.levels, count: update.bids)
        (levels + update.bids).update(from: reader.levels + FeedReader.mostLevels, count: update.asks)
        return (UnsafeMutableRawPointer(levels) - MemoryLayout<hub_book>.size)
            .assumingMemoryBound(to: hub_record.self)
    }

    // MARK: Merging

    /// Takes over what an update mentions; whether any of it belongs into a tick.
    @inline(__always)
    private func merge(_ update: FeedUpdate, into state: inout FeedUpdate) -> Bool {
        var isAny = false
        func take(_ new: Double, _ old: inout Double) {
            guard !new.isNaN else { return }
            old = new
            isAny = true
        }
        take(update.last, &state.last)
        take(update.lastSize, &state.lastSize)
        take(update.previousClose, &state.previousClose)
        take(update.average, &state.average)
        take(update.volume, &state.volume)
        take(update.openInterest, &state.openInterest)
        take(update.totalBuy, &state.totalBuy)
        take(update.totalSell, &state.totalSell)
        take(update.open, &state.open)
        take(update.high, &state.high)
        take(update.low, &state.low)
        if update.lastTradeMilliseconds > 0 {
            state.lastTradeMilliseconds = update.lastTradeMilliseconds
            isAny = true
        }
        let isTick = isAny
        take(update.delta, &state.delta)
        take(update.gamma, &state.gamma)
        take(update.theta, &state.theta)
        take(update.vega, &state.vega)
        take(update.rho, &state.rho)
        take(update.impliedVolatility, &state.impliedVolatility)
        return isTick
    }

    private func hasGreeks(_ update: FeedUpdate) -> Bool {
        !(update.delta.isNaN && update.gamma.isNaN && update.theta.isNaN && update.vega.isNaN && update.rho.isNaN
            && update.impliedVolatility.isNaN)
    }

    /// Whether the first level is that of the last quote; if not, it is from now on.
    @inline(__always)
    private func isQuoted(_ update: FeedUpdate, _ slot: UnsafeMutablePointer<KeySlot>) -> Bool {
        func same(_ left: Double, _ right: Double) -> Bool { left.bitPattern == right.bitPattern }
        let state = slot.pointee.state
        if slot.pointee.isQuoted, same(update.bid, state.bid), same(update.bidSize, state.bidSize),
            same(update.ask, state.ask), same(update.askSize, state.askSize)
        {
            return true
        }
        slot.pointee.state.bid = update.bid
        slot.pointee.state.bidSize = update.bidSize
        slot.pointee.state.ask = update.ask
        slot.pointee.state.askSize = update.askSize
        slot.pointee.isQuoted = true
        return false
    }
}
