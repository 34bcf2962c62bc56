internal import PluginABI

extension StateWriter {
    mutating func put(_ bar: BarState) {
        put(bar.volume)
        put(bar.notional)
        put(bar.floor)
        put(bar.end)
        put(bar.start)
        put(bar.openTime)
        put(bar.closeTime)
        put(bar.open)
        put(bar.high)
        put(bar.low)
        put(bar.close)
        put(bar.count)
        put(bar.firstSeq)
        put(bar.lastSeq)
        put(bar.openInterest)
        put(bar.stream)
        put(bar.revision)
        put(bar.builtFrom)
        put(bar.bits)
    }

    mutating func put(_ series: Series) {
        put(series.interval)
        put(series.source)
        put(series.forming)
        put(series.evictedStart)
        put(series.ownFirst)
        put(UInt32(series.closedCount))
        for index in 0..<Int(series.closedCount) { if let bar = series.closed?[index] { put(bar) } }
        put(series.hasHistory)
        if series.hasHistory {
            put(series.historyExists)
            put(series.historyIsRemade)
            put(series.history)
        }
        put(series.hasNewest)
        if series.hasNewest { withUnsafeBytes(of: series.newest) { put(raw: $0) } }
    }

    mutating func put(_ day: DayState) {
        put(day.number)
        put(day.open)
        put(day.high)
        put(day.low)
        put(day.close)
        put(day.volume)
        put(day.notional)
        put(day.count)
        put(day.openTime)
        put(day.closeTime)
    }
}

extension StateReader {
    static var barBytes: Int { 32 + 5 * 8 + 4 * 8 + 4 * 8 + 8 }

    mutating func bar() throws(FoldStateError) -> BarState {
        let volume = try get(Int128.self)
        let notional = try get(Int128.self)
        var bar = BarState(floor: try get(), end: try get())
        bar.volume = volume
        bar.notional = notional
        bar.start = try get()
        bar.openTime = try get()
        bar.closeTime = try get()
        bar.open = try double()
        bar.high = try double()
        bar.low = try double()
        bar.close = try double()
        bar.count = try get()
        bar.firstSeq = try get()
        bar.lastSeq = try get()
        bar.openInterest = try double()
        bar.stream = try get()
        bar.revision = try get()
        bar.builtFrom = try get()
        bar.bits = try get()
        return bar
    }

    /// Reads a series into the one it belongs to, whose interval is set already.
    mutating func series(into series: inout Series) throws(FoldStateError) {
        series.source = try get()
        series.forming = try bar()
        series.evictedStart = try get()
        series.ownFirst = try get()
        let evicted = series.evictedStart
        for _ in 0..<(try count(elementBytes: StateReader.barBytes)) { series.keep(try bar()) }
        series.evictedStart = evicted
        series.hasHistory = try bool()
        if version < 2 {
            // A bar whose record was made was kept; now it is found again when it is needed.
            series.historyExists = try bool()
            if series.hasHistory || series.historyExists { series.history = try bar() }
        } else if series.hasHistory {
            series.historyExists = try bool()
            series.historyIsRemade = try bool()
            series.history = try bar()
        }
        series.hasNewest = try bool()
        if series.hasNewest {
            let raw = try raw()
            guard raw.count == MemoryLayout<hub_bar>.size else { throw damage() }
            series.newest = raw.withUnsafeBytes { $0.loadUnaligned(as: hub_bar.self) }
        }
    }

    mutating func day() throws(FoldStateError) -> DayState {
        var day = DayState()
        day.number = try get()
        day.open = try double()
        day.high = try double()
        day.low = try double()
        day.close = try double()
        day.volume = try get()
        day.notional = try get()
        day.count = try get()
        day.openTime = try get()
        day.closeTime = try get()
        return day
    }
}
