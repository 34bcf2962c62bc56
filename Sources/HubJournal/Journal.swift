import PluginABI
import Synchronization

/// The journal: everything that happened, in one order, in files that survive the process.
///
/// One thread, the sequencer, writes: `reserve`, fill in the record, `commit`, and `publish` for a batch. Any thread reads, through
/// readers and searches of its own, without copying and without holding the writer up. Under durability `fsync` a record
/// becomes visible by `sync`, not by `publish`.
///
/// The files, in the folder `journal` of the data folder: `NNN.segment` (`SegmentHeader`; then records by `seq`),
/// `NNN.index` (`IndexFile`; once a segment is sealed), `NNN.checkpoint` (`CheckpointFile`), `state` (`StateFile`)
/// and `clean` (`CleanMarker`). `NNN` is a seq in 20 digits.
public final class Journal: @unchecked Sendable {
    public let options: JournalOptions
    /// The running epoch: 16 hex digits.
    public let epoch: String
    /// All epochs of this data folder, oldest first; the last one is running.
    public let epochs: [Epoch]
    /// Bytes of records that were cut off at the end when the journal was opened, because they were not whole; nobody saw them.
    public let cutBytes: Int

    let folder: String
    let files: any FileLayer
    let isReadOnly: Bool
    let maker: SegmentMaker
    /// Given back by `close`.
    let folderLock: Mutex<FolderLock?>

    let segments: Mutex<[Segment]>
    /// One more than the last position ever; kept where no segment could tell.
    let headWord: Atomic<UInt64>
    let checkpointLock = Mutex<Void>(())
    let retentionLock = Mutex<Void>(())
    let refreshLock = Mutex<Void>(())
    let syncLock = Mutex<Void>(())

    let closed = Atomic<Bool>(false)
    /// Nothing more is written to the folder.
    var isClosed: Bool { closed.load(ordering: .acquiring) }

    let waiters = Mutex<[JournalWaiter]>([])
    let armedWaiters = Atomic<Int>(0)

    // MARK: The writer's own; only on its thread.

    struct Writer {
        var base: UnsafeMutableRawPointer
        /// Where the next record goes.
        var offset: Int
        /// End of the file, or 0 as long as nothing may be written to it.
        var limit: Int
        /// Seq of the next record.
        var next: UInt64
        /// First seq of the segment.
        var first: UInt64
    }
    /// Behind a pointer, since access to it then costs no checks for exclusivity.
    let writer: UnsafeMutablePointer<Writer>
    var current: Segment?
    /// Segments left since the last `publish`, oldest first.
    var left: [Segment] = []
    /// Where in the segment found at the start the next one is asked for: at the start itself there is enough to do.
    var prepareAt = Int.max
    /// To be written before the next record is taken.
    var pendingState: StateFile?

    /// Gives the define records to repeat at the head of a new segment, one after the other, in whole lines. Called on the
    /// writer's thread, within `reserve`. Set before the first record.
    public var definitionsAtSegmentHead: (() -> [UInt8])?

    init(_ opened: OpenedJournal) {
        options = opened.options
        epoch = opened.epochs.last?.name ?? ""
        epochs = opened.epochs
        cutBytes = opened.cutBytes
        folder = opened.folder
        files = opened.options.files
        isReadOnly = opened.lock == nil
        folderLock = Mutex(opened.lock)
        maker = opened.maker
        segments = Mutex(opened.segments)
        headWord = Atomic(opened.head)
        pendingState = opened.pendingState
        current = opened.current?.segment
        writer = .allocate(capacity: 1)
        if let (segment, base) = opened.current {
            prepareAt = segment.fileBytes / 2
            let offset = Segment.end(segment.committed.load(ordering: .relaxed))
            writer.initialize(
                to: Writer(
                    base: base, offset: offset, limit: opened.pendingState == nil ? segment.fileBytes : 0,
                    next: opened.head + 1, first: segment.firstSeq))
        } else {
            // Any address will do: with a limit of 0 nothing is ever written to it.
            writer.initialize(
                to: Writer(
                    base: UnsafeMutableRawPointer(writer), offset: 0, limit: 0, next: opened.head + 1,
                    first: opened.head + 1))
        }
    }

    deinit {
        maker.stop()
        writer.deallocate()
    }

    // MARK: Where it begins and ends

    /// The last position that readers see; 0 = nothing yet. Any thread.
    public var head: UInt64 { headWord.load(ordering: .sequentiallyConsistent) }

    /// The oldest position that can be read, and its `ts_recv`; one more than the head, and 0, if there is none. Any thread.
    public var earliest: (seq: UInt64, receivedNanoseconds: Int64) {
        for segment in segments.withLock({ $0 }) where segment.publishedNext > segment.firstSeq {
            return (segment.firstSeq, (try? segment.firstReceived()).flatMap { $0 } ?? 0)
        }
        return (head + 1, 0)
    }

    /// Bytes of all segments and their indexes. Any thread.
    public var sizeBytes: Int64 {
        segments.withLock { $0 }.reduce(0) { $0 + Int64($1.fileBytes + $1.indexBytes) }
    }

    /// Bytes that the file system still has for this process. Any thread.
    public func freeBytes() throws(JournalError) -> Int64 {
        do throws(FileFault) { return try files.freeBytes(options.folder) } catch { throw .system(error) }
    }

    /// Whether less is free than `minimumFreeBytes`; then nothing new should be taken in. Any thread.
    public func isShortOfRoom() throws(JournalError) -> Bool { try freeBytes() < options.minimumFreeBytes }

    // MARK: Reading

    /// A reader of all records after a position, 0 for all there are. Any thread; each reader on one thread at a time.
    public func reader(after seq: UInt64) -> JournalReader { JournalReader(self, after: seq) }

    /// The define records at the head of the segment that holds this position (or would, if it is the next one), as the owner
    /// gave them; empty if there are none. Any thread.
    public func definitions(ofSegmentContaining seq: UInt64) throws(JournalError) -> [UInt8] {
        guard let segment = segment(containing: seq), segment.prologueBytes > 0 else { return [] }
        do throws(FileFault) {
            let base = try segment.base()
            return Array(
                UnsafeRawBufferPointer(start: base + SegmentHeader.byteCount, count: segment.prologueBytes))
        } catch { throw .system(error) }
    }

    /// The last segment that begins at or before a position.
    func segment(containing seq: UInt64) -> Segment? {
        segments.withLock { segments in
            let number = segments.partitionPoint { $0.firstSeq > seq }
            return number > 0 ? segments[number - 1] : nil
        }
    }

    /// The first segment that begins after a position.
    func segment(after seq: UInt64) -> Segment? {
        segments.withLock { segments in
            let number = segments.partitionPoint { $0.firstSeq > seq }
            return number < segments.count ? segments[number] : nil
        }
    }
}

extension Array {
    /// Index of the first element for which a condition holds that then holds to the end.
    func partitionPoint(_ condition: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if condition(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
