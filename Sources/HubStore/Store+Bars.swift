import EventFormat
import GRDB
import PluginABI

extension Store {
    /// Calls `body` with the bars of several instruments, the newest revision of each that is known at `range.through`: by
    /// instrument in the order asked, oldest first, in runs of up to some thousands. Any thread. A run is good only within
    /// `body`, which answers whether it wants more.
    ///
    /// One state of the store, and one query however many instruments there are.
    /// - Parameters:
    ///   - interval: in seconds, as in the record.
    ///   - range: `limit` counts for each instrument. With `takesNewest` there may be older bars in front of the newest
    ///     `limit`: drop them.
    ///   - isExact: with `takesNewest`, reads from the beginning of the range whatever its length.
    /// - Returns: false where an instrument has fewer than `limit` bars only because newer ones were not known yet: ask again
    ///   with `isExact`.
    @discardableResult
    public func readBars(
        of symbols: [String], interval: UInt32, _ range: SeriesRange, isExact: Bool = false,
        _ body: (_ symbol: Int, _ run: UnsafeBufferPointer<StoredBar>) -> Bool
    ) throws(StoreError) -> Bool {
        try StoreError.wrapping(path) {
            try pool.read { db in
                let reading = try BarReading(db, symbols, interval, range, isExact: isExact)
                return try reading.run(body)
            }
        }
    }
}

/// One reading of bars: blocks and tail of each series put together, and what was not known yet left out.
private final class BarReading {
    /// A series that has bars, and what is wanted of it.
    private struct Wanted {
        var symbol: Int
        var id: Int64
        /// Blocks from here on are read.
        var start: Int64
        /// Its rows of the tail, oldest first.
        var tail: [StoredBar] = []
        /// Rows of the tail that were given.
        var tailTaken = 0
        var given = 0
    }

    private let range: SeriesRange
    private let from: Int64
    private let to: Int64
    private let through: UInt64
    private let isExact: Bool
    private var series: [Wanted] = []
    private let selectOlder: RawStatement
    private let selectPlaces: RawStatement
    private let selectTails: RawStatement
    private let selectBlocks: RawStatement
    private let room: UnsafeMutableBufferPointer<StoredBar>
    private var merged: [StoredBar] = []

    init(_ db: Database, _ symbols: [String], _ interval: UInt32, _ range: SeriesRange, isExact: Bool) throws {
        self.range = range
        self.isExact = isExact
        from = range.fromNanoseconds ?? .min
        to = range.toNanoseconds ?? .max
        through = range.through
        selectOlder = try RawStatement(
            db,
            """
            SELECT body FROM entry JOIN event ON event.seq = entry.seq
            WHERE series = ? AND time = ? AND entry.seq <= ? ORDER BY entry.seq DESC LIMIT 1
            """)
        selectPlaces = try RawStatement(
            db,
            """
            SELECT first, last, count FROM bar_block WHERE series = ? AND first < ? AND last >= ? ORDER BY first DESC
            """)
        // The list is the outer loop and the index the inner one, so rows come by series and time.
        selectTails = try RawStatement(
            db,
            """
            SELECT wanted.key, body FROM json_each(?1) AS wanted CROSS JOIN bar_tail AS tail
            ON tail.series = json_extract(wanted.value, '$[0]') AND time >= ?2 AND time < ?3
            """)
        selectBlocks = try RawStatement(
            db,
            """
            SELECT wanted.key, body FROM json_each(?1) AS wanted CROSS JOIN bar_block AS block
            ON block.series = json_extract(wanted.value, '$[0]') AND first < ?2
            AND last >= json_extract(wanted.value, '$[1]')
            """)
        room = .allocate(capacity: 4 * BarShelf.blockBars)
        room.initialize(repeating: StoredBar())
        let find = try RawStatement(
            db,
            """
            SELECT wanted.key, series.id FROM json_each(?) AS wanted
            CROSS JOIN instrument ON instrument.symbol = wanted.value
            CROSS JOIN series ON series.instrument = instrument.id AND series.kind = ? AND series.number = ?
            """)
        find.bind(Self.json(symbols), at: 1)
        find.bind(Int64(HUB_BAR), at: 2)
        find.bind(Int64(interval), at: 3)
        while try find.step() {
            series.append(Wanted(symbol: Int(find.integer(0)), id: find.integer(1), start: from))
        }
    }

    deinit { room.deallocate() }

    private static func json(_ texts: [String]) -> String {
        var buffer = TextBuffer(capacity: texts.count * 24 + 16)
        buffer.beginArray()
        for text in texts { buffer.element(text) }
        buffer.endArray()
        return buffer.string
    }

    /// Series and starts, `[[7,-9223372036854775808],[8,0]]`.
    private var list: String {
        "[" + series.map { "[\($0.id),\($0.start)]" }.joined(separator: ",") + "]"
    }

    func run(_ body: (Int, UnsafeBufferPointer<StoredBar>) throws -> Bool) throws -> Bool {
        guard !series.isEmpty, range.limit > 0 else { return true }
        if range.takesNewest, !isExact {
            for index in series.indices { series[index].start = try start(series[index].id) }
        }
        let list = list
        selectTails.bind(list, at: 1)
        selectTails.bind(from, at: 2)
        selectTails.bind(to, at: 3)
        while try selectTails.step() {
            let index = Int(selectTails.integer(0))
            selectTails.withBar(1) { if $0.time >= series[index].start { series[index].tail.append($0) } }
        }
        selectBlocks.bind(list, at: 1)
        selectBlocks.bind(to, at: 2)
        defer { selectBlocks.reset() }
        var current = 0
        while try selectBlocks.step() {
            let index = Int(selectBlocks.integer(0))
            while current < index {
                guard try giveTail(current, body) else { return true }
                current += 1
            }
            if isFull(index) { continue }
            guard try giveBlock(index, selectBlocks.bytes(1), body) else { return true }
        }
        while current < series.count {
            guard try giveTail(current, body) else { return true }
            current += 1
        }
        return !range.takesNewest || series.allSatisfy { $0.start == from || $0.given >= range.limit }
    }

    /// Where the newest bars of a series begin, by what its blocks hold.
    private func start(_ id: Int64) throws -> Int64 {
        selectPlaces.bind(id, at: 1)
        selectPlaces.bind(to, at: 2)
        selectPlaces.bind(from, at: 3)
        defer { selectPlaces.reset() }
        var count = 0
        while try selectPlaces.step() {
            // Of a block that passes an end of the range nobody knows how much lies within.
            let first = selectPlaces.integer(0)
            if first >= from, selectPlaces.integer(1) < to { count += Int(selectPlaces.integer(2)) }
            if count >= range.limit { return first }
        }
        return from
    }

    private func isFull(_ index: Int) -> Bool { !range.takesNewest && series[index].given >= range.limit }

    private func giveBlock(
        _ index: Int, _ bytes: UnsafeRawBufferPointer, _ body: (Int, UnsafeBufferPointer<StoredBar>) throws -> Bool
    ) throws -> Bool {
        guard let count = BarBlock.count(bytes), BarBlock.decode(bytes, into: room) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a block of bars cannot be read")
        }
        var first = 0
        var end = count
        while first < end, room[first].time < from { first += 1 }
        while end > first, room[end - 1].time >= to { end -= 1 }
        guard first < end else { return true }
        let bars = UnsafeBufferPointer(rebasing: room[first..<end])
        let tail = series[index].tail
        let taken = series[index].tailTaken
        guard taken < tail.count, tail[taken].time <= bars[bars.count - 1].time else {
            return try give(index, bars, body)
        }
        merged.removeAll(keepingCapacity: true)
        var next = taken
        for bar in bars {
            while next < tail.count, tail[next].time < bar.time {
                merged.append(tail[next])
                next += 1
            }
            if next < tail.count, tail[next].time == bar.time {
                merged.append(tail[next])
                next += 1
            } else {
                merged.append(bar)
            }
        }
        series[index].tailTaken = next
        return try merged.withUnsafeBufferPointer { try give(index, $0, body) }
    }

    private func giveTail(
        _ index: Int, _ body: (Int, UnsafeBufferPointer<StoredBar>) throws -> Bool
    ) throws -> Bool {
        let rest = Array(series[index].tail[series[index].tailTaken...])
        series[index].tail = []
        series[index].tailTaken = 0
        guard !rest.isEmpty, !isFull(index) else { return true }
        return try rest.withUnsafeBufferPointer { try give(index, $0, body) }
    }

    private func give(
        _ index: Int, _ bars: UnsafeBufferPointer<StoredBar>,
        _ body: (Int, UnsafeBufferPointer<StoredBar>) throws -> Bool
    ) throws -> Bool {
        if bars.contains(where: { $0.seq > through }) {
            let then = try bars.compactMap { try known($0, series[index].id) }
            return try then.withUnsafeBufferPointer { try giveKnown(index, $0, body) }
        }
        return try giveKnown(index, bars, body)
    }

    private func giveKnown(
        _ index: Int, _ bars: UnsafeBufferPointer<StoredBar>,
        _ body: (Int, UnsafeBufferPointer<StoredBar>) throws -> Bool
    ) throws -> Bool {
        let most = range.takesNewest ? bars.count : min(bars.count, range.limit - series[index].given)
        guard most > 0 else { return true }
        series[index].given += most
        return try body(series[index].symbol, UnsafeBufferPointer(rebasing: bars[..<most]))
    }

    /// The revision of a bar that was known; `nil` if there was none.
    private func known(_ bar: StoredBar, _ id: Int64) throws -> StoredBar? {
        if bar.seq <= through { return bar }
        selectOlder.bind(id, at: 1)
        selectOlder.bind(bar.time, at: 2)
        selectOlder.bind(Int64(clamping: through), at: 3)
        defer { selectOlder.reset() }
        guard try selectOlder.step() else { return nil }
        var found: StoredBar?
        RecordScratch().withRecord(selectOlder.bytes(0)) { found = StoredBar(RecordPointer($0).asBar.pointee) }
        return found
    }
}
