public import HubJournal
public import HubStore
import PluginABI

/// A run of everything that writes to a data folder: publishing, rolling over, sealing, checkpoints, following, compaction, sinks'
/// cursors, retention of journal and store, restarts.
public struct KillScript {
    public static let sink = "script"
    public static let retention = StoreRetention(
        ages: StoreAges(
            ticks: 2 * ScriptedRecords.dayNanoseconds, books: ScriptedRecords.dayNanoseconds, bars: .max))
    static let rounds = 5

    private let folder: String
    private let preparesAhead: Bool
    private let progress: Progress
    /// Called when something fails; answers whether to try again.
    private let onFailure: () -> Bool
    private var journal: Journal
    private var store: Store

    public static func options(_ folder: String, preparesAhead: Bool = false) -> JournalOptions {
        var options = JournalOptions(folder: folder)
        options.segmentBytes = 64 << 10
        options.bootID = "boot-1"
        options.retentionBytes = 100 << 10
        options.preparesAhead = preparesAhead
        return options
    }

    public static func open(_ folder: String, preparesAhead: Bool = false) throws -> Journal {
        let journal = try Journal.open(options(folder, preparesAhead: preparesAhead))
        prepare(journal)
        return journal
    }

    /// What the sequencer does for a journal.
    private static func prepare(_ journal: Journal) {
        journal.definitionsAtSegmentHead = { [unowned journal] in
            ScriptedRecords.definitions(upTo: journal.nextSeq - 1)
        }
    }

    /// Appends the next records of the script and shows them to readers.
    public static func append(_ count: UInt64, to journal: Journal) throws {
        for _ in 0..<count {
            let seq = journal.nextSeq
            let bytes = ScriptedRecords.record(seq)
            let place = try journal.reserve(lines: bytes.count / Int(HUB_LINE))
            bytes.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: 24) }
            bytes.withUnsafeBytes {
                (place + 32).copyMemory(from: $0.baseAddress! + 32, byteCount: $0.count - 32)
            }
            journal.commit(place, seq: seq)
        }
        journal.publish()
    }

    /// Runs it from the beginning to the end.
    public static func run(
        folder: String, preparesAhead: Bool, progress: Progress, onFailure: @escaping () -> Bool
    ) throws {
        var script = try KillScript(folder, preparesAhead, progress, onFailure)
        for round in 0..<rounds { try script.round(round) }
        try script.close(clean: true)
        progress[.isDone] = 1
    }

    private init(
        _ folder: String, _ preparesAhead: Bool, _ progress: Progress, _ onFailure: @escaping () -> Bool
    ) throws {
        self.folder = folder
        self.preparesAhead = preparesAhead
        self.progress = progress
        self.onFailure = onFailure
        journal = try Self.trying(onFailure) { try Self.open(folder, preparesAhead: preparesAhead) }
        store = try Self.trying(onFailure) { try Store.open(folder: folder) }
        progress[.epoch] = UInt64(journal.epoch, radix: 16) ?? 0
    }

    private static func trying<Result>(_ onFailure: () -> Bool, _ body: () throws -> Result) throws -> Result {
        while true {
            do {
                return try body()
            } catch {
                guard onFailure() else { throw error }
            }
        }
    }

    private func trying(_ body: () throws -> Void) throws { try Self.trying(onFailure, body) }

    private mutating func round(_ round: Int) throws {
        for _ in 0..<5 {
            try publish(50)
            try trying { try journal.sync() }
            try trying { try store.follow(journal) }
        }
        let checkpoint = journal.head - 20
        try trying { try journal.writeCheckpoint(seq: checkpoint, state: [UInt8](repeating: UInt8(round), count: 900)) }
        progress[.checkpoint] = checkpoint
        try trying { try store.setSinkCursor(Self.sink, to: journal.head - 30) }
        progress[.sink] = journal.head - 30
        if round != 3 {
            try trying { try journal.seal() }
            try publish(5)
        }
        try trying { try store.follow(journal) }
        try trying { while try store.compactNext(journal) != nil {} }
        try trying { try store.makeDurable() }
        let now = ScriptedRecords.received(journal.head)
        try trying {
            try journal.applyRetention(
                nowNanoseconds: now, keepFrom: min(store.compactedTo, store.durablePosition) + 1)
        }
        progress[.retained] = UInt64(now)
        try trying { try store.retain(Self.retention, now: now) }
        if round == 1 || round == 3 {
            try close(clean: round == 1)
            journal = try Self.trying(onFailure) { try Self.open(folder, preparesAhead: preparesAhead) }
            store = try Self.trying(onFailure) { try Store.open(folder: folder) }
            try trying { try store.reconcile(with: journal) }
        }
    }

    private func publish(_ count: UInt64) throws {
        let end = journal.head + count
        try trying {
            try Self.append(end - (journal.nextSeq - 1), to: journal)
        }
        progress[.published] = journal.head
    }

    private func close(clean: Bool) throws {
        try trying { try store.close() }
        try trying { try journal.close(clean: clean) }
    }
}
