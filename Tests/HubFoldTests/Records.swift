import EventFormat
import PluginABI

/// Records as bytes, for tests.
enum Make {
    static func record<Body>(_ body: Body, lines: Int, kind: Int, texts: [String] = []) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: lines * 64)
        bytes.withUnsafeMutableBytes { raw in
            raw.baseAddress?.storeBytes(of: body, as: Body.self)
            let head = raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: hub_record.self)
            head.pointee.lines = UInt8(lines)
            head.pointee.kind = UInt8(kind)
            if !texts.isEmpty {
                RecordText.write(
                    texts, after: MemoryLayout<Body>.size, in: raw.baseAddress.unsafelyUnwrapped, lines: lines)
            }
        }
        return bytes
    }

    static func head(_ stream: UInt32, _ time: Int64, received: Int64? = nil, flags: Int = 0) -> hub_record {
        var head = hub_record()
        head.stream = stream
        head.ts_event = time
        head.ts_recv = received ?? time
        head.flags = UInt16(flags)
        return head
    }

    static func trade(
        _ stream: UInt32, _ time: Int64, _ price: Double, _ size: Double, received: Int64? = nil, flags: Int = 0,
        id: UInt64 = 0
    ) -> [UInt8] {
        var trade = hub_trade()
        trade.head = head(stream, time, received: received, flags: flags)
        trade.price = price
        trade.size = size
        trade.trade_id = id
        return record(trade, lines: 1, kind: HUB_TRADE)
    }

    static func quote(
        _ stream: UInt32, _ time: Int64, _ bid: Double, _ ask: Double, received: Int64? = nil
    ) -> [UInt8] {
        var quote = hub_quote()
        quote.head = head(stream, time, received: received)
        quote.bid = bid
        quote.bid_size = 1
        quote.ask = ask
        quote.ask_size = 1
        return record(quote, lines: 1, kind: HUB_QUOTE)
    }

    static func tick(
        _ stream: UInt32, _ time: Int64, last: Double, volume: Double = .nan, openInterest: Double = .nan,
        received: Int64? = nil
    ) -> [UInt8] {
        var tick = hub_tick()
        tick.head = head(stream, time, received: received)
        tick.last = last
        tick.volume = volume
        tick.open_interest = openInterest
        for field in [
            \hub_tick.last_size, \.average, \.open, \.high, \.low, \.previous_close, \.total_buy, \.total_sell,
        ] { tick[keyPath: field] = .nan }
        return record(tick, lines: 2, kind: HUB_TICK)
    }

    /// Levels of one unit each.
    static func book(_ stream: UInt32, _ time: Int64, bids: [Double], asks: [Double]) -> [UInt8] {
        var book = hub_book()
        book.head = head(stream, time)
        book.bids = UInt16(bids.count)
        book.asks = UInt16(asks.count)
        var bytes = record(book, lines: (40 + 24 * (bids.count + asks.count) + 63) / 64, kind: HUB_BOOK)
        bytes.withUnsafeMutableBytes { raw in
            for (index, price) in (bids + asks).enumerated() {
                raw.storeBytes(
                    of: hub_level(price: price, size: 1, orders: 0, reserved: 0), toByteOffset: 40 + 24 * index,
                    as: hub_level.self)
            }
        }
        return bytes
    }

    static func bar(
        _ stream: UInt32, _ time: Int64, interval: UInt32, open: Double, high: Double, low: Double, close: Double,
        volume: Double, count: UInt64 = 1, notional: Double = .nan, received: Int64? = nil, flags: Int = 0
    ) -> [UInt8] {
        var bar = hub_bar()
        bar.head = head(stream, time, received: received, flags: flags)
        bar.interval = interval
        bar.open = open
        bar.high = high
        bar.low = low
        bar.close = close
        bar.volume = volume
        bar.notional = notional
        bar.count = count
        bar.open_interest = .nan
        return record(bar, lines: 2, kind: HUB_BAR)
    }

    static func control(
        _ what: Int, stream: UInt32, _ time: Int64, received: Int64? = nil, state: Int = 0, previous: Int = 0,
        skipped: UInt32 = 0, texts: [String] = []
    ) -> [UInt8] {
        var control = hub_control()
        control.head = head(stream, time, received: received)
        control.what = UInt8(what)
        control.state = UInt8(state)
        control.previous = UInt8(previous)
        control.skipped = skipped
        let lines = RecordText.linesNeeded(fixedBytes: 48, texts: texts)
        return record(control, lines: lines, kind: HUB_CONTROL, texts: texts)
    }

    static func clock(_ time: Int64) -> [UInt8] { control(HUB_CONTROL_CLOCK, stream: 0, time) }

    static func failover(
        _ stream: UInt32, _ time: Int64, pipeline: String, from: String, to: String, skipped: UInt32 = 0
    ) -> [UInt8] {
        control(
            HUB_CONTROL_FAILOVER, stream: stream, time, skipped: skipped, texts: [pipeline, from, to, "a reason"])
    }

    static func position(_ stream: UInt32, _ time: Int64, _ data: [UInt8]) -> [UInt8] {
        var position = hub_position()
        position.head = head(stream, time)
        position.what = UInt8(HUB_CONTROL_POSITION)
        withUnsafeMutableBytes(of: &position.data) { $0.copyBytes(from: data.prefix(24)) }
        return record(position, lines: 1, kind: HUB_CONTROL)
    }

    static func gap(
        _ stream: UInt32, _ time: Int64, state: Int, from: Int64, to: Int64, symbols: [String], openedBy: UInt64 = 0
    ) -> [UInt8] {
        var gap = hub_gap()
        gap.head = head(stream, time)
        gap.state = UInt8(state)
        gap.reason = UInt8(HUB_GAP_SOURCE_DOWN)
        gap.repair = UInt8(HUB_REPAIR_PENDING)
        gap.types = 1 << UInt32(HUB_TRADE)
        gap.opened_by = openedBy
        gap.from = from
        gap.to = to
        let texts = [symbols.joined(separator: "\n")]
        return record(
            gap, lines: RecordText.linesNeeded(fixedBytes: 64, texts: texts), kind: HUB_GAP, texts: texts)
    }

    static func define(_ stream: StreamDefinition) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: DefineRecord.lines(stream) * 64)
        bytes.withUnsafeMutableBytes {
            DefineRecord.write(stream, to: $0.baseAddress.unsafelyUnwrapped)
        }
        return bytes
    }
}
