import PluginABI

/// What one update says of one instrument; NaN = nothing. Infinities are not numbers of a market either.
struct FeedUpdate {
    var last = Double.nan
    var lastTradeMilliseconds: Int64 = 0
    var lastSize = Double.nan
    var previousClose = Double.nan
    var average = Double.nan
    var volume = Double.nan
    var openInterest = Double.nan
    var totalBuy = Double.nan
    var totalSell = Double.nan
    var open = Double.nan
    var high = Double.nan
    var low = Double.nan
    var delta = Double.nan
    var gamma = Double.nan
    var theta = Double.nan
    var vega = Double.nan
    var rho = Double.nan
    var impliedVolatility = Double.nan
    /// Whether there are levels; then they are all of them.
    var hasBook = false
    /// Levels of either side that somebody stands on, in the scratch memory.
    var bids = 0
    var asks = 0
    /// Price and size of the first one; NaN = nobody.
    var bid = Double.nan
    var bidSize = Double.nan
    var ask = Double.nan
    var askSize = Double.nan
}

/// Reads a `Feed` message of the Market Data Feed V3.
struct FeedReader {
    /// Levels of each side that are kept: the vendor has five, or thirty.
    static let mostLevels = 64

    /// Where levels are put: bids, then asks from ``mostLevels`` on.
    let levels: UnsafeMutablePointer<hub_level>

    /// False: the message is malformed, and nothing of it counts.
    @inline(__always)
    func read(_ bytes: UnsafeRawBufferPointer, into update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            guard tag.type == WireReader.Tag.bytes else {
                reader.skip(tag)
                continue
            }
            switch tag.field {
            case 1:
                guard last(reader.bytes(), &update) else { return false }
            case 2:
                guard full(reader.bytes(), &update) else { return false }
            case 3:
                guard firstLevel(reader.bytes(), &update) else { return false }
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    private func full(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes):
                guard market(reader.bytes(), &update) else { return false }
            case (2, WireReader.Tag.bytes):
                guard index(reader.bytes(), &update) else { return false }
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    @inline(__always)
    private func market(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes):
                guard last(reader.bytes(), &update) else { return false }
            case (2, WireReader.Tag.bytes):
                guard book(reader.bytes(), &update) else { return false }
            case (3, WireReader.Tag.bytes):
                guard greeks(reader.bytes(), &update) else { return false }
            case (4, WireReader.Tag.bytes):
                guard bars(reader.bytes(), &update) else { return false }
            case (5, WireReader.Tag.fixed64): update.average = price(reader.double())
            case (6, WireReader.Tag.varint): update.volume = Double(reader.integer())
            case (7, WireReader.Tag.fixed64): update.openInterest = finite(reader.double())
            case (8, WireReader.Tag.fixed64): update.impliedVolatility = finite(reader.double())
            case (9, WireReader.Tag.fixed64): update.totalBuy = finite(reader.double())
            case (10, WireReader.Tag.fixed64): update.totalSell = finite(reader.double())
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    private func index(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes):
                guard last(reader.bytes(), &update) else { return false }
            case (2, WireReader.Tag.bytes):
                guard bars(reader.bytes(), &update) else { return false }
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    private func firstLevel(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes):
                guard last(reader.bytes(), &update) else { return false }
            case (2, WireReader.Tag.bytes):
                update.hasBook = true
                guard level(reader.bytes(), &update) else { return false }
            case (3, WireReader.Tag.bytes):
                guard greeks(reader.bytes(), &update) else { return false }
            case (4, WireReader.Tag.varint): update.volume = Double(reader.integer())
            case (5, WireReader.Tag.fixed64): update.openInterest = finite(reader.double())
            case (6, WireReader.Tag.fixed64): update.impliedVolatility = finite(reader.double())
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    @inline(__always)
    private func last(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.fixed64): update.last = finite(reader.double())
            case (2, WireReader.Tag.varint): update.lastTradeMilliseconds = reader.integer()
            case (3, WireReader.Tag.varint): update.lastSize = Double(reader.integer())
            case (4, WireReader.Tag.fixed64): update.previousClose = price(reader.double())
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    @inline(__always)
    private func book(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        update.hasBook = true
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            guard tag.field == 1, tag.type == WireReader.Tag.bytes else {
                reader.skip(tag)
                continue
            }
            guard level(reader.bytes(), &update) else { return false }
        }
        return !reader.isMalformed
    }

    /// One bid and one ask; either may be nobody's, and is then not there.
    @inline(__always)
    private func level(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var bid = hub_level(price: 0, size: 0, orders: 0, reserved: 0)
        var ask = bid
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            // Field and type at once, as they are on the wire: of all messages these are the most.
            switch tag.field << 3 | tag.type {
            case 0x08: bid.size = Double(reader.integer())
            case 0x11: bid.price = reader.double()
            case 0x18: ask.size = Double(reader.integer())
            case 0x21: ask.price = reader.double()
            default: reader.skip(tag)
            }
        }
        guard !reader.isMalformed else { return false }
        if bid.price.isFinite, bid.price != 0 || bid.size > 0, bid.size >= 0, update.bids < FeedReader.mostLevels {
            levels[update.bids] = bid
            if update.bids == 0 { (update.bid, update.bidSize) = (bid.price, bid.size) }
            update.bids += 1
        }
        if ask.price.isFinite, ask.price != 0 || ask.size > 0, ask.size >= 0, update.asks < FeedReader.mostLevels {
            levels[FeedReader.mostLevels + update.asks] = ask
            if update.asks == 0 { (update.ask, update.askSize) = (ask.price, ask.size) }
            update.asks += 1
        }
        return true
    }

    private func greeks(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            guard tag.type == WireReader.Tag.fixed64 else {
                reader.skip(tag)
                continue
            }
            switch tag.field {
            case 1: update.delta = finite(reader.double())
            case 2: update.theta = finite(reader.double())
            case 3: update.gamma = finite(reader.double())
            case 4: update.vega = finite(reader.double())
            case 5: update.rho = finite(reader.double())
            default: reader.skip(tag)
            }
        }
        return !reader.isMalformed
    }

    /// Bars of the running day and minute; of the day's we take what a tick has room for.
    @inline(__always)
    private func bars(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            guard tag.field == 1, tag.type == WireReader.Tag.bytes else {
                reader.skip(tag)
                continue
            }
            guard bar(reader.bytes(), &update) else { return false }
        }
        return !reader.isMalformed
    }

    @inline(__always)
    private func bar(_ bytes: UnsafeRawBufferPointer, _ update: inout FeedUpdate) -> Bool {
        var isDay = false
        var open = Double.nan
        var high = Double.nan
        var low = Double.nan
        var reader = WireReader(bytes)
        while let tag = reader.next() {
            switch (tag.field, tag.type) {
            case (1, WireReader.Tag.bytes):
                let interval = reader.bytes()
                isDay = interval.count == 2 && interval[0] == UInt8(ascii: "1") && interval[1] == UInt8(ascii: "d")
                // Of other bars nothing is taken, and their interval stands first.
                guard isDay else { return !reader.isMalformed }
            case (2, WireReader.Tag.fixed64): open = price(reader.double())
            case (3, WireReader.Tag.fixed64): high = price(reader.double())
            case (4, WireReader.Tag.fixed64): low = price(reader.double())
            default: reader.skip(tag)
            }
        }
        guard !reader.isMalformed else { return false }
        if isDay { (update.open, update.high, update.low) = (open, high, low) }
        return true
    }

    @inline(__always)
    private func finite(_ number: Double) -> Double { number.isFinite ? number : .nan }

    /// A price of which zero means that there is none.
    @inline(__always)
    private func price(_ number: Double) -> Double { number.isFinite && number != 0 ? number : .nan }
}
