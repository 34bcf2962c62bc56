public import PluginABI

/// Where a callback puts its records: space in host memory, valid until the callback returns.
///
/// Everything put here is taken in order when the callback returns, and dropped whole when it throws. Each emitter
/// returns false when the record does not fit into the limit of one call (`maxLines` of the ``Descriptor``); a plugin
/// that keeps to its budget need not look. Prices and sizes are doubles; "not given" is NaN.
@frozen
public struct Output {
    /// The host's struct.
    public let raw: UnsafeMutablePointer<hub_out>

    /// Wraps the host's struct.
    @inlinable
    public init(_ raw: UnsafeMutablePointer<hub_out>) { self.raw = raw }

    /// Space for a record of any kind, its head zeroed but for lines and kind; the body must be written whole, the
    /// unused bytes of the last line with zeros. nil = over the limit of one call.
    @inlinable
    public func reserve(lines: Int, kind: UInt8) -> UnsafeMutableRawPointer? {
        hub_emit(raw, UInt32(truncatingIfNeeded: lines), kind)
    }

    /// A trade. Price finite, size finite and not negative; identifier 0 = none.
    @inlinable
    @discardableResult
    public func trade(
        _ stream: UInt32, timeNanoseconds: Int64, price: Double, size: Double, side: TradeSide = .none,
        conditions: TradeConditions = [], identifier: UInt64 = 0, flags: RecordFlags = []
    ) -> Bool {
        guard let space = hub_emit(raw, 1, 1) else { return false }
        let record = space.assumingMemoryBound(to: hub_trade.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.price = price
        record.pointee.size = size
        record.pointee.trade_id = identifier
        record.pointee.conditions = conditions.rawValue
        record.pointee.side = side.rawValue
        record.pointee.reserved = (0, 0, 0)
        return true
    }

    /// A quote: both sides as in force; a NaN price = nobody on that side.
    @inlinable
    @discardableResult
    public func quote(
        _ stream: UInt32, timeNanoseconds: Int64, bid: Double, bidSize: Double, ask: Double, askSize: Double,
        flags: RecordFlags = []
    ) -> Bool {
        guard let space = hub_emit(raw, 1, 2) else { return false }
        let record = space.assumingMemoryBound(to: hub_quote.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.bid = bid
        record.pointee.bid_size = bidSize
        record.pointee.ask = ask
        record.pointee.ask_size = askSize
        return true
    }

    /// A book. Returns the levels to fill, `bids` best first, then `asks` best first; nil = it does not fit, or more
    /// than 678 levels together.
    @inlinable
    public func book(_ stream: UInt32, timeNanoseconds: Int64, bids: Int, asks: Int, flags: RecordFlags = [])
        -> UnsafeMutablePointer<hub_level>?
    {
        let fixed = 40
        let bytes = fixed + (bids + asks) * MemoryLayout<hub_level>.stride
        let lines = (bytes + 63) / 64
        guard bids >= 0, asks >= 0, lines <= 255, let space = hub_emit(raw, UInt32(lines), 4) else { return nil }
        let record = space.assumingMemoryBound(to: hub_book.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.bids = UInt16(bids)
        record.pointee.asks = UInt16(asks)
        record.pointee.reserved = 0
        let used = (space + bytes).assumingMemoryBound(to: UInt8.self)
        used.update(repeating: 0, count: lines * 64 - bytes)
        return (space + fixed).assumingMemoryBound(to: hub_level.self)
    }

    /// A vendor's snapshot. Returns it with every number NaN and `last` set, to fill in what is known; nil = it does
    /// not fit.
    public func tick(_ stream: UInt32, timeNanoseconds: Int64, last: Double, flags: RecordFlags = [])
        -> UnsafeMutablePointer<hub_tick>?
    {
        guard let space = hub_emit(raw, 2, 3) else { return nil }
        let record = space.assumingMemoryBound(to: hub_tick.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.last = last
        record.pointee.last_size = .nan
        record.pointee.average = .nan
        record.pointee.volume = .nan
        record.pointee.open_interest = .nan
        record.pointee.open = .nan
        record.pointee.high = .nan
        record.pointee.low = .nan
        record.pointee.previous_close = .nan
        record.pointee.total_buy = .nan
        record.pointee.total_sell = .nan
        record.pointee.last_trade_time = 0
        return record
    }

    /// A provider's own closed bar. `openNanoseconds` is its open; `notional` and `openInterest` NaN = not known.
    @discardableResult
    public func bar(
        _ stream: UInt32, openNanoseconds: Int64, intervalSeconds: UInt32, open: Double, high: Double, low: Double,
        close: Double, volume: Double, notional: Double = .nan, count: UInt64 = 0, openInterest: Double = .nan,
        flags: RecordFlags = []
    ) -> Bool {
        guard let space = hub_emit(raw, 2, 5) else { return false }
        let record = space.assumingMemoryBound(to: hub_bar.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = openNanoseconds
        record.pointee.interval = intervalSeconds
        record.pointee.state = 1
        record.pointee.built_from = BuiltFrom.provider.rawValue
        record.pointee.revision = 0
        record.pointee.open = open
        record.pointee.high = high
        record.pointee.low = low
        record.pointee.close = close
        record.pointee.volume = volume
        record.pointee.notional = notional
        record.pointee.count = count
        record.pointee.first_seq = 0
        record.pointee.last_seq = 0
        record.pointee.open_interest = openInterest
        record.pointee.reserved = 0
        return true
    }

    /// Greeks: theta per day, vega and rho per 1 %, volatility 1 = 100 % a year; NaN = not given.
    @discardableResult
    public func greeks(
        _ stream: UInt32, timeNanoseconds: Int64, delta: Double = .nan, gamma: Double = .nan, theta: Double = .nan,
        vega: Double = .nan, rho: Double = .nan, impliedVolatility: Double = .nan, flags: RecordFlags = []
    ) -> Bool {
        guard let space = hub_emit(raw, 2, 7) else { return false }
        let record = space.assumingMemoryBound(to: hub_greeks.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.delta = delta
        record.pointee.gamma = gamma
        record.pointee.theta = theta
        record.pointee.vega = vega
        record.pointee.rho = rho
        record.pointee.implied_volatility = impliedVolatility
        record.pointee.reserved = (0, 0, 0, 0, 0, 0)
        return true
    }

    /// Says where the source can go on from after everything emitted before it: 24 bytes, opaque to the host, given
    /// back by ``Host/lastPosition()`` at the next start.
    @discardableResult
    public func position(_ position: Position) -> Bool {
        withUnsafeBytes(of: position) { bytes in
            hub_emit_position(raw, bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)) == 1
        }
    }

    /// The value of one bar. Returns the outputs to fill in the order of the definition (NaN while not ready); nil = it
    /// does not fit, or not 1 to 28 outputs.
    @inlinable
    public func value(
        series: UInt32, definition: UInt32, bar: UnsafePointer<hub_bar>, outputs: Int, ready: Bool, stable: Bool
    ) -> UnsafeMutablePointer<Double>? {
        let fixed = 56
        let bytes = fixed + outputs * 8
        let lines = (bytes + 63) / 64
        guard outputs >= 1, outputs <= 28, let space = hub_emit(raw, UInt32(lines), 6) else { return nil }
        let record = space.assumingMemoryBound(to: hub_value.self)
        record.pointee.head.stream = series
        record.pointee.head.ts_event = bar.pointee.head.ts_event
        record.pointee.definition = definition
        record.pointee.revision = bar.pointee.revision
        record.pointee.outputs = UInt8(outputs)
        record.pointee.bits = (ready ? 1 : 0) | (stable ? 2 : 0)
        record.pointee.bar_time = bar.pointee.head.ts_event
        record.pointee.cause = bar.pointee.head.seq
        let used = (space + bytes).assumingMemoryBound(to: UInt8.self)
        used.update(repeating: 0, count: lines * 64 - bytes)
        return (space + fixed).assumingMemoryBound(to: Double.self)
    }
}

/// Where a source can go on: three numbers, opaque to the host.
@frozen
public struct Position: Sendable, Hashable {
    public var first: UInt64
    public var second: UInt64
    public var third: UInt64

    /// Makes a position.
    @inlinable
    public init(_ first: UInt64, _ second: UInt64, _ third: UInt64) {
        self.first = first
        self.second = second
        self.third = third
    }
}
