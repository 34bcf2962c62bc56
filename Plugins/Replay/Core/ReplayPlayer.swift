import PluginKit

/// The files of a replay, merged by time and paced. One owner; ``close()`` frees it.
struct ReplayPlayer {
    /// A position follows so many rows at the latest; paced, also a second's worth of rows.
    static let rowsPerPosition: UInt64 = 1024
    private static let longStop: Int64 = 5_000_000_000
    private static let day: Int64 = 86400 * 1_000_000_000
    /// How many bad rows of a file are logged one by one.
    static let loggedBadRows = 20

    private let settings: ReplaySettings
    private let host: Host
    private let handles: [UInt32]
    private let files: UnsafeMutablePointer<ReplayFile>
    private let badRows: UnsafeMutablePointer<Int>
    private var openFiles = 0
    private let count: Int

    private var position = ReplayPosition()
    private var shift: Int64 = 0
    private var firstTime = Int64.max
    private var lastTime = Int64.min
    private var rowsSincePosition: UInt64 = 0
    private var positionKey: Int64?
    private var positionIsDue = false
    private var isPaced = false
    // Bad rows up to behind this row were told by the run that is gone on from.
    private var toldRows: UInt64?
    private var failure: PluginError?
    private var isOver = false

    /// Opens all files and goes to a position. `handles`: of each file's symbol, 0 = not wanted.
    init(_ settings: ReplaySettings, handles: [UInt32], resuming: ReplayPosition?, host: Host) throws {
        self.settings = settings
        self.host = host
        self.handles = handles
        count = settings.files.count
        files = .allocate(capacity: count)
        badRows = .allocate(capacity: count)
        badRows.initialize(repeating: 0, count: count)
        if let resuming {
            toldRows = resuming.pass > 0 ? .max : resuming.rows
        }
        do {
            try open()
            if let resuming {
                try skip(to: resuming)
            } else {
                // The very first record, so that a run cut short before its first position can go on.
                positionIsDue = true
            }
        } catch {
            close()
            throw error
        }
    }

    func close() {
        for index in 0..<openFiles { files[index].close() }
        files.deallocate()
        badRows.deallocate()
    }

    /// Rows that could not be used, of all files.
    var badRowCount: Int { (0..<count).reduce(0) { $0 + badRows[$1] } }

    private mutating func open() throws {
        for (index, file) in settings.files.enumerated() {
            (files + index).initialize(to: try ReplayFile(file, handle: handles[index]))
            openFiles = index + 1
            try advance(index)
        }
    }

    private func advance(_ index: Int) throws {
        let host = host
        let badRows = badRows
        // What an earlier run or pass has told is not told again.
        let isTold = position.pass > 0 || toldRows.map { position.rows <= $0 } ?? false
        try files[index].advance { file, reason in
            badRows[index] += 1
            guard !isTold else { return }
            Self.complain(file, reason, badRows[index], host)
        }
    }

    private static func complain(_ file: ReplayFile, _ reason: String, _ count: Int, _ host: Host) {
        let text = "\(file.settings.path), line \(file.reader.line): \(reason); the row is skipped (\(count) so far)"
        guard count <= loggedBadRows else {
            // 100, 1000, …: rows are never skipped silently, and the log is not flooded.
            var power = 100
            while power < count { power *= 10 }
            if power == count { host.log(.warning, text) }
            return
        }
        host.log(.warning, text)
        host.feed(.degraded, reason: text)
    }

    private mutating func skip(to wanted: ReplayPosition) throws {
        position.playedFrom = wanted.playedFrom
        position.pass = wanted.pass
        position.daysInPass = wanted.daysInPass
        shift = Int64(wanted.pass) * Int64(wanted.daysInPass) * Self.day
        while position.rows < wanted.rows {
            guard let index = next() else { throw changed(wanted, "they end after \(position.rows)") }
            files[index].absorb(host)
            note(index)
            positionKey = files[index].key
            try advance(index)
        }
        guard position.isSamePlace(as: wanted) else { throw changed(wanted, "their contents differ") }
        host.log(.info, "goes on after row \(wanted.rows)" + (wanted.pass > 0 ? " of pass \(wanted.pass + 1)" : ""))
    }

    private func changed(_ wanted: ReplayPosition, _ how: String) -> PluginError {
        PluginError(
            .configuration,
            "the files are not those that were replayed up to row \(wanted.rows): \(how); restore them, or change the "
                + "settings to begin anew", at: "/files")
    }

    /// The file whose row is next: the earliest, of equal ones the first.
    @inline(__always)
    private func next() -> Int? {
        var best = 0
        for index in 1..<max(count, 1) where files[index].key < files[best].key { best = index }
        return files[best].hasRow ? best : nil
    }

    @inline(__always)
    private mutating func note(_ index: Int) {
        position.add(files[index].reader.row)
        firstTime = min(firstTime, files[index].key)
        lastTime = max(lastTime, files[index].key)
        positionKey = positionKey ?? files[index].key
    }

    /// Emits at most `budget` records that are due.
    mutating func pull(_ budget: Int, _ output: Output, _ now: Int64) throws -> PullResult {
        var budget = budget
        // Rows nobody wants cost no budget, but time.
        var rows = max(budget, 4096)
        var hasEmitted = false
        while true {
            if positionIsDue {
                guard budget > 0, output.position(position.packed) else { return .more }
                budget -= 1
                hasEmitted = true
                positionIsDue = false
                rowsSincePosition = 0
            }
            if let failure {
                // What was emitted in this call would be dropped with the error: it comes with the next one.
                if hasEmitted { return .more }
                throw failure
            }
            if isOver { return .end }
            guard let index = next() else {
                endPass()
                continue
            }
            let isWanted = files[index].handle != 0
            if isWanted {
                if let due = due(files[index].key &+ shift, now), due > now { return .until(due) }
                guard budget > 0, files[index].emit(shift: shift, output, host) else { return .more }
                budget -= 1
                hasEmitted = true
            } else {
                files[index].absorb(host)
            }
            finishRow(index)
            rows -= 1
            if rows == 0 { return .more }
        }
    }

    /// When a row is due by the pace; nil = at once.
    @inline(__always)
    private mutating func due(_ key: Int64, _ now: Int64) -> Int64? {
        guard let speed = settings.speed else { return nil }
        // An absolute deadline by the same arithmetic in every run: what was late does not delay what follows, and a run that
        // goes on from a position plays on to the nanosecond.
        let ahead = Int64(min(Double(key) / speed, 4e18))
        if !isPaced { begin(ahead, now) }
        return position.playedFrom &+ ahead
    }

    /// Begins to pace with the row that is `ahead` of time 0: where an earlier run would play it, else now.
    ///
    /// What has been stopped for more than a few seconds goes on from here too, rather than rush through what it missed.
    /// Positions stand so close that the first row behind one is at most about two seconds overdue when a run goes on at
    /// once.
    private mutating func begin(_ ahead: Int64, _ now: Int64) {
        isPaced = true
        if position.playedFrom == 0 || now &- (position.playedFrom &+ ahead) > Self.longStop {
            position.playedFrom = now &- ahead
            // Known to the next run from its first row on.
            positionIsDue = true
        }
    }

    @inline(__always)
    private mutating func finishRow(_ index: Int) {
        let key = files[index].key
        note(index)
        rowsSincePosition &+= 1
        if rowsSincePosition >= Self.rowsPerPosition {
            positionIsDue = true
        } else if let speed = settings.speed, Double(key &- (positionKey ?? key)) >= 1e9 * speed {
            positionIsDue = true
        }
        do {
            try advance(index)
            // The last row before a pause is followed by a position: see `begin`.
            if let speed = settings.speed, let next = next(), Double(files[next].key &- key) >= 1e9 * speed {
                positionIsDue = true
            }
            if positionIsDue { positionKey = key }
        } catch {
            failure = error as? PluginError ?? PluginError(.internal, String(describing: error))
            fail()
        }
    }

    private mutating func fail() {
        guard let failure else { return }
        positionIsDue = positionIsDue || rowsSincePosition > 0
        host.log(.error, failure.text)
        host.feed(.failed, reason: failure.text)
    }

    /// Begins the next pass, or ends the replay.
    private mutating func endPass() {
        let bad = badRowCount
        if bad > 0 { host.log(.warning, "\(bad) rows of this pass could not be used") }
        guard settings.loops, position.rows > 0 else {
            isOver = true
            positionIsDue = rowsSincePosition > 0
            return
        }
        let days =
            position.pass == 0
            ? UInt32(clamping: (lastTime - firstTime) / Self.day + 1) : position.daysInPass
        position = ReplayPosition(
            pass: position.pass + 1, daysInPass: days, playedFrom: position.playedFrom)
        shift = Int64(position.pass) * Int64(days) * Self.day
        positionKey = nil
        positionIsDue = true
        for index in 0..<openFiles { files[index].close() }
        openFiles = 0
        badRows.update(repeating: 0, count: count)
        do {
            try open()
        } catch {
            failure = error as? PluginError ?? PluginError(.internal, String(describing: error))
            fail()
        }
    }
}
