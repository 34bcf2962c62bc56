import EventFormat
import GRDB
import PluginABI

/// Keeps the newest revision of every bar where it can be read quickly: long runs in blocks of columns (`bar_block`), what came
/// lately as single rows (`bar_tail`).
///
/// A second form of what `entry` and `event` hold, written in the same transactions. A row of the tail stands for its time,
/// whether a block has that time or not; when a series has gathered enough of them they go into its blocks, which never
/// overlap. So a bar costs one small row, and every hundredth a block. Only within a write of the pool.
final class BarShelf {
    /// Rows that go into blocks together.
    static let tailRows = 96
    /// Bars of a block that is full; one that is added to in its midst may have twice as many before it is cut in two.
    static let blockBars = 1024

    private let insertTail: RawStatement
    private let selectTail: RawStatement
    private let deleteTail: RawStatement
    private let selectBlocks: RawStatement
    private let insertBlock: RawStatement
    private let deleteBlock: RawStatement
    private let selectLater: RawStatement
    private let removeFromTail: RawStatement
    private let removeSeries: [RawStatement]
    private let selectNewest: RawStatement
    /// Rows of a series in the tail; may be too many after retention, which only makes blocks earlier.
    private var tails: [Int64: Int] = [:]
    /// Bars of the records taken since the last `put`, by series.
    private var taken: [Int64: [StoredBar]] = [:]

    init(_ db: Database) throws {
        insertTail = try RawStatement(
            db,
            """
            INSERT INTO bar_tail (series, time, seq, body) VALUES (?, ?, ?, ?)
            ON CONFLICT (series, time) DO UPDATE SET seq = excluded.seq, body = excluded.body
            WHERE excluded.seq >= seq
            """)
        selectTail = try RawStatement(db, "SELECT body FROM bar_tail WHERE series = ? ORDER BY time")
        deleteTail = try RawStatement(db, "DELETE FROM bar_tail WHERE series = ?")
        selectBlocks = try RawStatement(
            db,
            """
            SELECT id, first, body FROM bar_block WHERE series = ?1 AND first <= ?3 AND first >= coalesce(
                (SELECT max(first) FROM bar_block WHERE series = ?1 AND first <= ?2), ?2)
            ORDER BY first
            """)
        insertBlock = try RawStatement(
            db, "INSERT INTO bar_block (series, first, last, count, body) VALUES (?, ?, ?, ?, ?)")
        deleteBlock = try RawStatement(db, "DELETE FROM bar_block WHERE id = ?")
        selectLater = try RawStatement(db, "SELECT 1 FROM bar_block WHERE series = ? AND first > ? LIMIT 1")
        removeFromTail = try RawStatement(
            db, "DELETE FROM bar_tail WHERE series = ? AND time >= ? AND time <= ? AND seq <= ?")
        removeSeries = try [
            "DELETE FROM bar_tail WHERE series = ?", "DELETE FROM bar_block WHERE series = ?",
        ].map { try RawStatement(db, $0) }
        selectNewest = try RawStatement(
            db,
            """
            SELECT body FROM (SELECT time, max(seq) AS newest FROM entry WHERE series = ? GROUP BY time)
            JOIN event ON event.seq = newest ORDER BY time
            """)
        let counts = try RawStatement(db, "SELECT series, count(*) FROM bar_tail GROUP BY series")
        while try counts.step() { tails[counts.integer(0)] = Int(counts.integer(1)) }
    }

    // MARK: Taking in

    /// Notes a bar; `put` writes it. In the order of `seq`.
    func take(_ bar: StoredBar, of series: Int64) { taken[series, default: []].append(bar) }

    /// Writes what was noted.
    func put() throws {
        defer { taken.removeAll(keepingCapacity: true) }
        for (series, bars) in taken {
            let count = tails[series, default: 0] + bars.count
            if count < Self.tailRows {
                for bar in bars { try insert(bar, series) }
                tails[series] = count
            } else {
                try merge(bars, series)
                tails[series] = 0
            }
        }
    }

    private func insert(_ bar: StoredBar, _ series: Int64) throws {
        insertTail.bind(series, at: 1)
        insertTail.bind(bar.time, at: 2)
        insertTail.bind(Int64(bar.seq), at: 3)
        try withUnsafeBytes(of: bar) { bytes in
            insertTail.bind(bytes, at: 4)
            try insertTail.run()
        }
    }

    /// Puts the tail of a series and further bars into its blocks.
    private func merge(_ bars: [StoredBar], _ series: Int64) throws {
        var rows: [StoredBar] = []
        selectTail.bind(series, at: 1)
        while try selectTail.step() { selectTail.withBar(0) { rows.append($0) } }
        deleteTail.bind(series, at: 1)
        try deleteTail.run()
        rows = Self.newest(rows + bars)
        guard let first = rows.first, let last = rows.last else { return }
        let blocks = try blocks(of: series, from: first.time, to: last.time)
        var at = 0
        for (index, block) in blocks.enumerated() {
            // A block takes what lies before the next one.
            let isLast = index == blocks.count - 1
            var end = at
            while end < rows.count, isLast || rows[end].time < blocks[index + 1].first { end += 1 }
            guard end > at else { continue }
            let merged = Self.merge(block.bars, rows[at..<end])
            at = end
            try delete(block.id)
            try write(merged, series, isLast: try isLast && !hasBlock(of: series, after: block.first))
        }
        if blocks.isEmpty { try write(rows, series, isLast: true) }
    }

    /// The newest of each time, sorted by time.
    private static func newest(_ bars: [StoredBar]) -> [StoredBar] {
        var sorted = bars
        let isSorted = zip(bars, bars.dropFirst()).allSatisfy { $0.time < $1.time }
        if isSorted { return bars }
        sorted.sort { ($0.time, $0.seq) < ($1.time, $1.seq) }
        var rows: [StoredBar] = []
        rows.reserveCapacity(sorted.count)
        for bar in sorted {
            if rows.last?.time == bar.time { rows.removeLast() }
            rows.append(bar)
        }
        return rows
    }

    private static func merge(_ left: [StoredBar], _ right: ArraySlice<StoredBar>) -> [StoredBar] {
        if let last = left.last, let first = right.first, last.time < first.time { return left + right }
        return newest(left + right)
    }

    private struct Block {
        var id: Int64
        var first: Int64
        var bars: [StoredBar]
    }

    /// The blocks that a range of times belongs to, oldest first: also the one before it, which is added to.
    private func blocks(of series: Int64, from: Int64, to: Int64) throws -> [Block] {
        selectBlocks.bind(series, at: 1)
        selectBlocks.bind(from, at: 2)
        selectBlocks.bind(to, at: 3)
        var blocks: [Block] = []
        while try selectBlocks.step() {
            let bars = try Self.bars(selectBlocks.bytes(2))
            blocks.append(Block(id: selectBlocks.integer(0), first: selectBlocks.integer(1), bars: bars))
        }
        if blocks.isEmpty {
            // All blocks begin later: the first of them is added to.
            return try firstBlock(of: series)
        }
        return blocks
    }

    private func hasBlock(of series: Int64, after first: Int64) throws -> Bool {
        selectLater.bind(series, at: 1)
        selectLater.bind(first, at: 2)
        defer { selectLater.reset() }
        return try selectLater.step()
    }

    private func firstBlock(of series: Int64) throws -> [Block] {
        selectBlocks.bind(series, at: 1)
        selectBlocks.bind(Int64.min, at: 2)
        selectBlocks.bind(Int64.max, at: 3)
        defer { selectBlocks.reset() }
        guard try selectBlocks.step() else { return [] }
        return [
            Block(
                id: selectBlocks.integer(0), first: selectBlocks.integer(1),
                bars: try Self.bars(selectBlocks.bytes(2)))
        ]
    }

    static func bars(_ bytes: UnsafeRawBufferPointer) throws -> [StoredBar] {
        let count = BarBlock.count(bytes) ?? 0
        return try [StoredBar](unsafeUninitializedCapacity: count) { room, filled in
            guard BarBlock.decode(bytes, into: room) else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
            filled = count
        }
    }

    private func delete(_ id: Int64) throws {
        deleteBlock.bind(id, at: 1)
        try deleteBlock.run()
    }

    /// - Parameter isLast: of the series: it will be added to at its end, so it is cut where a block is full.
    private func write(_ bars: [StoredBar], _ series: Int64, isLast: Bool) throws {
        guard !bars.isEmpty else { return }
        var size = bars.count
        if isLast {
            size = Self.blockBars
        } else if bars.count > 2 * Self.blockBars {
            size = (bars.count + 1) / 2
            while size > 2 * Self.blockBars { size = (size + 1) / 2 }
        }
        var at = 0
        while at < bars.count {
            let end = min(at + size, bars.count)
            let body = bars[at..<end].withUnsafeBufferPointer { BarBlock.encode($0) }
            insertBlock.bind(series, at: 1)
            insertBlock.bind(bars[at].time, at: 2)
            insertBlock.bind(bars[end - 1].time, at: 3)
            insertBlock.bind(Int64(end - at), at: 4)
            try body.withUnsafeBytes { bytes in
                insertBlock.bind(bytes, at: 5)
                try insertBlock.run()
            }
            at = end
        }
    }

    // MARK: Taking away

    /// Removes the bars whose newest event was removed: those up to a position, at times within a range.
    func remove(through seq: Int64, of series: Int64, times: ClosedRange<Int64>) throws {
        removeFromTail.bind(series, at: 1)
        removeFromTail.bind(times.lowerBound, at: 2)
        removeFromTail.bind(times.upperBound, at: 3)
        removeFromTail.bind(seq, at: 4)
        try removeFromTail.run()
        for block in try blocks(of: series, from: times.lowerBound, to: times.upperBound) {
            let left = block.bars.filter { Int64($0.seq) > seq }
            guard left.count < block.bars.count else { continue }
            try delete(block.id)
            try write(left, series, isLast: false)
        }
    }

    /// Series of bars that have an event behind a position.
    static func series(after seq: Int64, _ db: Database) throws -> [Int64] {
        try Int64.fetchAll(
            db,
            sql: """
                SELECT DISTINCT series FROM entry JOIN series ON series.id = entry.series
                WHERE entry.seq > ? AND series.kind = ?
                """, arguments: [seq, Int64(HUB_BAR)])
    }

    /// Makes series anew out of their events.
    func rebuild(_ all: [Int64]) throws {
        let scratch = RecordScratch()
        for series in all {
            for statement in removeSeries {
                statement.bind(series, at: 1)
                try statement.run()
            }
            tails[series] = 0
            var bars: [StoredBar] = []
            selectNewest.bind(series, at: 1)
            while try selectNewest.step() {
                scratch.withRecord(selectNewest.bytes(0)) { bars.append(StoredBar(RecordPointer($0).asBar.pointee)) }
                if bars.count == Self.blockBars {
                    try write(bars, series, isLast: true)
                    bars.removeAll(keepingCapacity: true)
                }
            }
            try write(bars, series, isLast: true)
        }
    }

    /// The same for every series of bars there is.
    static func rebuildAll(_ db: Database) throws {
        let all = try Int64.fetchAll(db, sql: "SELECT id FROM series WHERE kind = ?", arguments: [Int64(HUB_BAR)])
        try BarShelf(db).rebuild(all)
    }
}
