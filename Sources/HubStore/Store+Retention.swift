import EventFormat
import GRDB
import HubJournal
import PluginABI

extension Store {
    /// Removes what is past its age, or beyond the size that is allowed. One thread at a time (others wait for it, and it for
    /// compaction).
    ///
    /// What goes is noted first, so that readers are told of a hole and do not come for it, and removed then; what a crash leaves
    /// over in between is removed the next time. Whole files of days go where nobody keeps anything of them longer.
    @discardableResult
    public func retain(_ retention: StoreRetention, now: Int64) throws(StoreError) -> StoreRemoval {
        var removal = StoreRemoval()
        let result: Result<Void, StoreError> = compactionLock.withLock { _ in
            do throws(StoreError) {
                try StoreError.wrapping(path) {
                    retryUnreadable()
                    let plan = RetentionPlan(retention, definitions, now: now)
                    for part in StorePart.inDayFiles { try retainDays(part, plan, &removal) }
                    removal.events = try retainRows(plan)
                    try shrink(retention, &removal)
                    if let newest = catalogueNow.entries.last?.day { files.settle(before: newest) }
                    onStep?(.retentionDone)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        return removal
    }

    /// Removes bars and the like that were received before a time, of all instruments. One thread at a time.
    ///
    /// - Returns: how many were removed.
    @discardableResult
    public func retain(receivedAtOrAfter nanoseconds: Int64) throws(StoreError) -> Int {
        try retain(StoreRetention(ages: StoreAges(bars: 0)), now: nanoseconds).events
    }

    /// A file that could not be opened may have come back.
    private func retryUnreadable() {
        for key in catalogueNow.unreadable.keys where (try? files.file(key)) != nil {
            catalogue.withLock { catalogue in
                catalogue.unreadable[key] = nil
                catalogue.version += 1
            }
            tell("\(files.path(key)) can be read again")
        }
    }

    // MARK: Days

    private func retainDays(_ part: StorePart, _ plan: RetentionPlan, _ removal: inout StoreRemoval) throws {
        var newest: [Int64: Int64] = [:]
        let entries = catalogueNow.entries
        for entry in entries { newest[entry.day] = max(newest[entry.day] ?? .min, entry.lastReceived) }
        let had = Set(entries.filter { $0[part] != .none }.map(\.day))
        let left = Set(entries.filter { $0[part] == .present || $0[part] == .trimmed }.map(\.day))
        for (day, received) in newest.sorted(by: { $0.key < $1.key }) where had.contains(day) {
            let key = DayKey(part: part, day: day)
            guard left.contains(day) else {
                // Gone already; a crash may have left the file.
                try unlinkIfThere(key)
                continue
            }
            switch plan.verdict(part, received: received) {
            case .keep:
                // Ages of less than a day would wait for its end: single segments go.
                let past = entries.filter {
                    $0.day == day && ($0[part] == .present || $0[part] == .trimmed)
                        && plan.isShort(part) && plan.verdict(part, received: $0.lastReceived) == .remove
                }
                if past.isEmpty {
                    try finishTrim(key)
                } else {
                    try removeSegments(past, of: key)
                    removal.trimmed.append(files.path(key))
                }
            case .remove:
                try removeFile(key)
                removal.files.append(files.path(key))
            case .trim(let streams):
                if try trim(key, streams) { removal.trimmed.append(files.path(key)) }
                if try isEmpty(key) {
                    try removeFile(key)
                    removal.files.append(files.path(key))
                }
            }
        }
    }

    private func removeFile(_ key: DayKey) throws {
        try writeDurably { db in try CatalogueTable.setState(.gone, of: key.part, day: key.day, db) }
        catalogue.withLock { catalogue in
            for index in catalogue.entries.indices
            where catalogue.entries[index].day == key.day && catalogue.entries[index][key.part] != .none {
                catalogue.entries[index][key.part] = .gone
            }
            catalogue.unreadable[key] = nil
            catalogue.version += 1
        }
        onStep?(.retentionNoted)
        try unlinkIfThere(key)
        onStep?(.fileRemoved)
    }

    private func removeSegments(_ past: [CompactedEntry], of key: DayKey) throws {
        try writeDurably { db in
            for entry in past { try CatalogueTable.setGone(entry.firstSeq, key.part, db) }
        }
        let firsts = Set(past.map(\.firstSeq))
        catalogue.withLock { catalogue in
            for index in catalogue.entries.indices where firsts.contains(catalogue.entries[index].firstSeq) {
                catalogue.entries[index][key.part] = .gone
            }
            catalogue.version += 1
        }
        trimsDone.withLock { _ = $0.remove(key) }
        onStep?(.retentionNoted)
        try finishTrim(key)
    }

    private func unlinkIfThere(_ key: DayKey) throws {
        try files.remove(key)
    }

    /// Removes some streams' records of a day; answers whether there was anything new to remove.
    private func trim(_ key: DayKey, _ streams: StreamSet) throws -> Bool {
        let now = catalogueNow
        let known = now.trims[key]
        let ids = StreamSet((known?.ids ?? []) + streams.ids)
        // Segments of the same day may have come meanwhile.
        let isNew = now.entries.contains { $0.day == key.day && $0[key.part] == .present }
        guard ids != known || isNew else {
            try finishTrim(key)
            return false
        }
        try writeDurably { db in
            try CatalogueTable.setTrim(ids, of: key, db)
            try CatalogueTable.setState(.trimmed, of: key.part, day: key.day, db)
        }
        catalogue.withLock { catalogue in
            for index in catalogue.entries.indices
            where catalogue.entries[index].day == key.day && catalogue.entries[index][key.part] == .present {
                catalogue.entries[index][key.part] = .trimmed
            }
            catalogue.trims[key] = ids
            catalogue.version += 1
        }
        trimsDone.withLock { _ = $0.remove(key) }
        onStep?(.retentionNoted)
        try finishTrim(key)
        return true
    }

    /// Removes the rows of what was noted as removed.
    private func finishTrim(_ key: DayKey) throws {
        guard !trimsDone.withLock({ $0.contains(key) }) else { return }
        let now = catalogueNow
        let segments = now.entries.filter { $0.day == key.day }
        let gone = segments.filter { $0[key.part] == .gone }.map(\.firstSeq)
        let trimmed = segments.filter { $0[key.part] == .trimmed }.map { String($0.firstSeq) }.joined(separator: ",")
        let streams = now.trims[key]?.ids ?? []
        guard !gone.isEmpty || !streams.isEmpty, let file = try? files.file(key) else { return }
        try StoreError.wrapping(file.path) {
            try file.pool.write { db in
                let remove = try db.makeStatement(
                    sql: "DELETE FROM chunk WHERE stream = ? AND segment IN (\(trimmed))")
                for id in streams { try remove.execute(arguments: [Int64(id)]) }
                let removeAll = try db.makeStatement(sql: "DELETE FROM chunk WHERE segment = ?")
                for first in gone { try removeAll.execute(arguments: [Int64(first)]) }
                onStep?(.instrumentsRemoved)
            }
            try file.pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA incremental_vacuum")
                _ = try? Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        }
        trimsDone.withLock { _ = $0.insert(key) }
        onStep?(.roomGivenBack)
    }

    private func isEmpty(_ key: DayKey) throws -> Bool {
        guard let file = try? files.file(key) else { return false }
        return try file.pool.read { db in try Row.fetchOne(db, sql: "SELECT 1 FROM chunk LIMIT 1") == nil }
    }

    /// Removes the oldest books, then the oldest ticks, until the data folder is as small as it should be; never the newest
    /// day's.
    private func shrink(_ retention: StoreRetention, _ removal: inout StoreRemoval) throws {
        guard retention.mostBytes != .max else { return }
        for part in [StorePart.books, .ticks] {
            let entries = catalogueNow.entries
            let newest = entries.last?.day
            let days = Set(entries.filter { $0[part] == .present || $0[part] == .trimmed }.map(\.day))
            for day in days.sorted() where day != newest {
                guard retention.usedBytes() > retention.mostBytes else { return }
                let key = DayKey(part: part, day: day)
                try removeFile(key)
                removal.files.append(files.path(key))
                removal.isForSize = true
            }
        }
    }

    // MARK: Rows

    /// Removes rows past their age, each age by its own progress; answers how many.
    private func retainRows(_ plan: RetentionPlan) throws -> Int {
        var removed = 0
        for age in plan.barAges where age != .max {
            // A fixed time (age 0) begins at the first row; ages go on where they were.
            let progress = Fact(name: "kept_gone:\(age)")
            var step = RowStep()
            if age != 0 { step.last = try pool.read { db in try progress.number(db) ?? 0 } }
            while true {
                try pool.write { db in try removeRows(age, plan, &step, db) }
                if step.looked == 0 { break }
                removed += step.removed
                let gone = step.gone
                if !gone.isEmpty {
                    catalogue.withLock { catalogue in
                        for (stream, what) in gone { catalogue.noteKeptGone(stream, what.kinds, through: what.seq) }
                        catalogue.version += 1
                    }
                }
                onStep?(.retentionNoted)
            }
        }
        if removed > 0 { try pool.read { db in try noteFirstKept(db) } }
        return removed
    }

    private static var retentionStep: Int { 5000 }

    private struct RowStep {
        /// Rows up to here were looked at.
        var last: Int64 = 0
        var looked = 0
        var removed = 0
        /// What was removed, by stream.
        var gone: [UInt32: (seq: UInt64, kinds: KindSet)] = [:]
    }

    private func removeRows(_ age: Int64, _ plan: RetentionPlan, _ step: inout RowStep, _ db: Database) throws {
        let rows = try Row.fetchCursor(
            try db.cachedStatement(sql: "SELECT body FROM event WHERE seq > ? ORDER BY seq LIMIT ?"),
            arguments: [step.last, Self.retentionStep])
        var last = step.last
        var isOver = false
        var seqs: [Int64] = []
        var keys: [(kind: Int, stream: UInt32, number: UInt32, time: Int64, seq: Int64)] = []
        var gone: [UInt32: (seq: UInt64, kinds: KindSet)] = [:]
        var looked = 0
        try Self.forEach(rows) { record in
            let pointer = RecordPointer(record)
            guard !isOver, plan.isPast(pointer.receivedNanoseconds, age) else {
                isOver = true
                return
            }
            looked += 1
            last = Int64(pointer.seq)
            guard plan.barAge(ofStream: pointer.stream) == age else { return }
            seqs.append(last)
            var kinds = gone[pointer.stream]?.kinds ?? KindSet([])
            kinds.insert(UInt8(pointer.kind))
            gone[pointer.stream] = (pointer.seq, kinds)
            switch pointer.kind {
            case HUB_BAR:
                keys.append((HUB_BAR, pointer.stream, pointer.asBar.pointee.interval, pointer.eventNanoseconds, last))
            case HUB_VALUE:
                let value = pointer.asValue.pointee
                keys.append((HUB_VALUE, pointer.stream, value.definition, value.bar_time, last))
            default: break
            }
        }
        step.last = last
        step.looked = looked
        step.removed = seqs.count
        step.gone = gone
        guard looked > 0 else { return }
        let definitions = try Self.readDefinitions(db)
        let remove = try db.cachedStatement(sql: "DELETE FROM entry WHERE series = ? AND time = ? AND seq = ?")
        var times: [Int64: ClosedRange<Int64>] = [:]
        for key in keys {
            guard let symbol = definitions.stream(key.stream)?.symbol,
                let series = try Self.series(key.kind, symbol, key.number, db)
            else { continue }
            try remove.execute(arguments: [series, key.time, key.seq])
            if key.kind == HUB_BAR {
                let known = times[series] ?? key.time...key.time
                times[series] = min(known.lowerBound, key.time)...max(known.upperBound, key.time)
            }
        }
        let shelf = try BarShelf(db)
        for (series, times) in times { try shelf.remove(through: last, of: series, times: times) }
        let removeEvent = try db.cachedStatement(sql: "DELETE FROM event WHERE seq = ?")
        for seq in seqs { try removeEvent.execute(arguments: [seq]) }
        for (stream, what) in gone { try CatalogueTable.setKeptGone(stream, what.kinds, through: what.seq, db) }
        // Clocks and positions go with what the hub itself says.
        if plan.barAge(ofStream: 0) == age {
            try db.execute(sql: "DELETE FROM chunk WHERE last_seq <= ?", arguments: [last])
            let hadChunks = db.changesCount > 0
            try db.execute(
                sql: "UPDATE segment SET kept = 3 WHERE kept <> 0 AND last_seq <= ?", arguments: [last])
            let end = UInt64(last)
            catalogue.withLock { catalogue in
                for index in catalogue.entries.indices
                where catalogue.entries[index].lastSeq <= end && catalogue.entries[index].kept == .present {
                    catalogue.entries[index].kept = .gone
                }
            }
            if hadChunks {
                var kinds = gone[0]?.kinds ?? KindSet([])
                kinds.insert(UInt8(HUB_CONTROL))
                step.gone[0] = (end, kinds)
                try CatalogueTable.setKeptGone(0, kinds, through: end, db)
            }
        }
        if age != 0 { try Fact(name: "kept_gone:\(age)").set(last, db) }
    }
}

/// What is past its age at a moment.
struct RetentionPlan {
    enum Verdict: Equatable {
        case keep
        case remove
        /// These streams' records go, those of others stay.
        case trim(StreamSet)
    }

    private let ages: StoreAges
    private let now: Int64
    /// By stream, where an instrument has its own.
    private var agesOfStream: [UInt32: StoreAges] = [:]
    private let plain: [UInt32]
    /// All ages of bars, each once.
    private(set) var barAges: [Int64]

    init(_ retention: StoreRetention, _ definitions: DefinitionTable, now: Int64) {
        ages = retention.ages
        self.now = now
        var plain: [UInt32] = [0]
        var barAges = [ages.bars]
        for stream in definitions.streams {
            guard !stream.symbol.isEmpty, let own = retention.agesOfSymbol(stream.symbol), own != ages else {
                plain.append(stream.id)
                continue
            }
            agesOfStream[stream.id] = own
            if !barAges.contains(own.bars) { barAges.append(own.bars) }
        }
        self.plain = plain
        self.barAges = barAges
    }

    /// Whether a part is kept for less than a day.
    func isShort(_ part: StorePart) -> Bool { ages.age(of: part) < 86_400_000_000_000 }

    func barAge(ofStream stream: UInt32) -> Int64 { agesOfStream[stream]?.bars ?? ages.bars }

    func isPast(_ received: Int64, _ age: Int64) -> Bool { age != .max && received < now.subtractingClamped(age) }

    func verdict(_ part: StorePart, received: Int64) -> Verdict {
        var past: [UInt32] = isPast(received, ages.age(of: part)) ? plain : []
        var kept = past.isEmpty
        for (stream, own) in agesOfStream {
            if isPast(received, own.age(of: part)) { past.append(stream) } else { kept = true }
        }
        if past.isEmpty { return .keep }
        return kept ? .trim(StreamSet(past)) : .remove
    }
}

extension Int64 {
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (result, isOver) = subtractingReportingOverflow(other)
        return isOver ? (other > 0 ? .min : .max) : result
    }
}
