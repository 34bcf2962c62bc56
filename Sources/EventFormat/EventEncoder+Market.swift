import PluginABI

/// Events as vendors deliver them: trade, quote, tick, book, greeks.
extension EventEncoder {
    func writeTrade(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        let trade = pointer.asTrade
        cursor.put(",\"price\":")
        cursor.put(trade.pointee.price)
        cursor.put(",\"size\":")
        cursor.put(trade.pointee.size)
        switch Int(trade.pointee.side) {
        case HUB_SIDE_BUY: cursor.put(",\"side\":\"buy\"")
        case HUB_SIDE_SELL: cursor.put(",\"side\":\"sell\"")
        default: break
        }
        if trade.pointee.trade_id != 0 {
            cursor.put(",\"trade_id\":\"")
            cursor.put(trade.pointee.trade_id)
            cursor.put(byte: UInt8(ascii: "\""))
        }
        writeVenue(stream, &cursor)
        if trade.pointee.conditions != 0 { cursor.put(conditions: trade.pointee.conditions) }
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }

    func writeQuote(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        let quote = pointer.asQuote
        cursor.put(",\"bid\":")
        cursor.put(quote.pointee.bid)
        cursor.put(",\"bid_size\":", ifGiven: quote.pointee.bid_size)
        cursor.put(",\"ask\":")
        cursor.put(quote.pointee.ask)
        cursor.put(",\"ask_size\":", ifGiven: quote.pointee.ask_size)
        writeVenue(stream, &cursor)
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }

    func writeTick(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        let tick = pointer.asTick
        cursor.put(",\"last\":")
        cursor.put(tick.pointee.last)
        cursor.put(",\"last_size\":", ifGiven: tick.pointee.last_size)
        if tick.pointee.last_trade_time != 0 {
            cursor.put(",\"last_time\":")
            cursor.put(time: tick.pointee.last_trade_time)
        }
        cursor.put(",\"average\":", ifGiven: tick.pointee.average)
        cursor.put(",\"volume\":", ifGiven: tick.pointee.volume)
        cursor.put(",\"open\":", ifGiven: tick.pointee.open)
        cursor.put(",\"high\":", ifGiven: tick.pointee.high)
        cursor.put(",\"low\":", ifGiven: tick.pointee.low)
        cursor.put(",\"previous_close\":", ifGiven: tick.pointee.previous_close)
        cursor.put(",\"open_interest\":", ifGiven: tick.pointee.open_interest)
        cursor.put(",\"total_buy\":", ifGiven: tick.pointee.total_buy)
        cursor.put(",\"total_sell\":", ifGiven: tick.pointee.total_sell)
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }

    func writeBook(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        let book = pointer.asBook
        let bids = Int(book.pointee.bids)
        cursor.put(",\"bids\":[")
        writeLevels(pointer.bookLevels, bids, &cursor)
        cursor.put("],\"asks\":[")
        writeLevels(pointer.bookLevels + bids, Int(book.pointee.asks), &cursor)
        cursor.put("]}")
        return cursor.at - out
    }

    private func writeLevels(_ levels: UnsafePointer<hub_level>, _ count: Int, _ cursor: inout ByteCursor) {
        var first = true
        for index in 0..<count {
            let level = levels[index]
            guard level.price.isFinite, level.size != 0 else { continue }
            cursor.put(first ? "[" : ",[")
            cursor.put(level.price)
            cursor.put(byte: UInt8(ascii: ","))
            cursor.put(level.size)
            if level.orders != 0 {
                cursor.put(byte: UInt8(ascii: ","))
                cursor.put(UInt64(level.orders))
            }
            cursor.put(byte: UInt8(ascii: "]"))
            first = false
        }
    }

    func writeGreeks(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor)
        let greeks = pointer.asGreeks
        cursor.put(",\"delta\":", ifGiven: greeks.pointee.delta)
        cursor.put(",\"gamma\":", ifGiven: greeks.pointee.gamma)
        cursor.put(",\"theta\":", ifGiven: greeks.pointee.theta)
        cursor.put(",\"vega\":", ifGiven: greeks.pointee.vega)
        cursor.put(",\"rho\":", ifGiven: greeks.pointee.rho)
        cursor.put(",\"implied_volatility\":", ifGiven: greeks.pointee.implied_volatility)
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }
}
