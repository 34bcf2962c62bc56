import GRDB
public import HubJournal
import PluginABI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Store {
    private static var batchBytes: Int { 4 << 20 }
    private static var deferredRecords: UInt64 { 100_000 }
    private static var deferredNanoseconds: Int64 { 1_000_000_000 }

    /// Takes in everything that the journal has beyond the store's position, and returns at its head. One thread at a time
    /// (others wait).
    ///
    /// Records and position go into one transaction a batch, so after a crash following goes on where it was, and what comes
    /// twice changes nothing. After a failure the next call begins anew behind the last whole batch.
    public func follow(_ journal: Journal) throws(StoreError) {
        try reconcile(with: journal)
        try StoreError.wrapping(path) {
            let failure: (any Error)? = followLock.withLock { _ in
                do {
                    try followHoldingLock(journal)
                    return nil
                } catch {
                    intake = nil
                    reader = nil
                    return error
                }
            }
            if let failure { throw failure }
        }
    }

    /// Makes the store agree with the journal beside it: what power loss has taken from the journal's end is taken back here,
    /// too, and sinks' cursors with it. Call it before cursors are used; `follow` does it first. One thread at a time
    /// (others wait).
    public func reconcile(with journal: Journal) throws(StoreError) {
        try StoreError.wrapping(path) {
            let failure: (any Error)? = followLock.withLock { _ in
                guard reader == nil else { return nil }
                do {
                    try reconcileHoldingLock(journal)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }
    }

    private func reconcileHoldingLock(_ journal: Journal) throws {
        let (epoch, known) = try pool.read { db -> (String?, UInt64) in
            if let number = try Fact.epoch.brokenText(db), Double(journal.epoch) == number {
                return (journal.epoch, UInt64(try Fact.position.number(db) ?? 0))
            }
            return (try Fact.epoch.text(db), UInt64(try Fact.position.number(db) ?? 0))
        }
        var position = known
        if let epoch {
            switch journal.judge(epoch: epoch, after: known) {
            case .valid: break
            case .lost(let last), .ahead(let last): position = last
            case .unknownEpoch: throw StoreError.otherJournal(path: path, epoch: epoch)
            }
        }
        if position < known {
            try pool.write { db in
                let touched = try BarShelf.series(after: Int64(position), db)
                try db.execute(sql: "DELETE FROM event WHERE seq > ?", arguments: [Int64(position)])
                try db.execute(sql: "DELETE FROM entry WHERE seq > ?", arguments: [Int64(position)])
                try BarShelf(db).rebuild(touched)
            }
        }
        try takeBackCompacted(after: position)
        let end = position
        try pool.write { db in
            try db.execute(sql: "UPDATE sink SET seq = ? WHERE seq > ?", arguments: [Int64(end), Int64(journal.head)])
            if end < known { try db.execute(sql: "UPDATE sink SET seq = min(seq, ?)", arguments: [Int64(end)]) }
            try Fact.position.set(Int64(end), db)
            try Fact.epoch.set(journal.epoch, db)
        }
        try pool.read { db in try noteFirstKept(db) }
        setPosition(end, isDurable: true)
        reader = journal.reader(after: end)
        intake = nil
    }

    private func takeBackCompacted(after end: UInt64) throws {
        guard catalogue.withLock({ $0.compactedTo > end || ($0.entries.last?.lastSeq ?? 0) > end }) else { return }
        try writeDurably { db in try CatalogueTable.takeBack(after: end, db) }
        let read = try pool.read { db in try CatalogueTable.read(db) }
        catalogue.withLock { catalogue in
            let version = catalogue.version
            catalogue = read
            catalogue.version = version + 1
        }
    }

    private func followHoldingLock(_ journal: Journal) throws {
        guard let reader else { return }
        while true {
            switch reader.next(maxBytes: Self.batchBytes) {
            case .caughtUp:
                return
            case .hole(_, let before):
                // What was defined meanwhile stands at the head of the segment where reading goes on.
                let definitions = try journal.definitions(ofSegmentContaining: before)
                try write(through: before - 1) { intake, db in
                    try definitions.withUnsafeBytes { bytes in
                        guard var at = bytes.baseAddress else { return }
                        let end = at + bytes.count
                        while at < end {
                            let record = at.assumingMemoryBound(to: hub_record.self)
                            guard record.pointee.lines > 0 else { return }
                            try intake.learn(record, db)
                            at += Int(record.pointee.lines) * Int(HUB_LINE)
                        }
                    }
                }
            case .records(let bytes, _, let last):
                // A transaction for every few trades would cost more than all that is kept.
                if !Intake.hasKept(bytes), last - durablePosition < Self.deferredRecords,
                    Self.now() - lastWrite < Self.deferredNanoseconds
                {
                    setPosition(last, isDurable: false)
                } else {
                    try write(through: last) { intake, db in _ = try intake.take(bytes, db) }
                }
            }
        }
    }

    /// Writes the position down, so that `durablePosition` is `position`: before the journal lets go of what lies behind it.
    /// One thread at a time (others wait).
    public func makeDurable() throws(StoreError) {
        try StoreError.wrapping(path) {
            let failure: (any Error)? = followLock.withLock { _ in
                let position = position
                guard position > durablePosition else { return nil }
                do {
                    try pool.write { db in try Fact.position.set(Int64(position), db) }
                    setPosition(position, isDurable: true)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }
    }

    private func write(through last: UInt64, _ body: (Intake, Database) throws -> Void) throws {
        try pool.write { db in
            let intake = try self.intake ?? Intake(db, definitions)
            self.intake = intake
            try body(intake, db)
            try Fact.position.set(Int64(last), db)
            if firstKept.withLock({ $0 == nil }) { try noteFirstKept(db) }
        }
        if let intake { definitionsSeen.withLock { $0 = intake.definitions } }
        lastWrite = Self.now()
        setPosition(last, isDurable: true)
    }

    private static func now() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }
}
