import CHubSystem
import PluginABI
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One file of the journal, mapped.
///
/// A reader holds its segment strongly, so the mapping outlives retention: the file may be removed under it, what the reader
/// was given stays.
final class Segment: @unchecked Sendable {
    let firstSeq: UInt64
    let epoch: String
    let dataOffset: Int
    let prologueBytes: Int
    let fileBytes: Int
    let path: String
    let indexPath: String
    private let files: any FileLayer

    /// What readers see: number of records (upper 32 bits) and the end of the last one in lines from the file's start (lower 32).
    /// One word, so that both always fit together.
    let published: Atomic<UInt64>
    /// What the writer asked to publish; readers see it once it is synced, under durability `fsync`.
    let committed: Atomic<UInt64>
    /// What the segment will hold for ever; 0 while it is written to.
    let final = Atomic<UInt64>(0)

    /// Only with the journal's sync lock held.
    var synced: UInt64 = 0
    var isNameSynced = false

    private struct Mapping: @unchecked Sendable {
        var base: UnsafeMutableRawPointer?
    }
    private let mapping: Mutex<Mapping>
    /// Kept while the segment is written to, for syncing. The lock is held while it is used, so that it cannot be closed, and its
    /// number given to another file, in between.
    private let descriptor: Mutex<Int32?>

    private struct Index {
        /// As far as somebody needed it; changed in place.
        var builder: IndexBuilder?
        /// Of a sealed segment, and then used instead.
        var file: IndexFile?
        /// The file's checksum was compared.
        var isFileChecked = false

        var blockCount: Int { builder?.blocks.count ?? file?.header.blockCount ?? 0 }

        func block(_ number: Int) -> BlockSummary {
            if let builder { return builder.blocks[number] }
            return file?.block(number) ?? BlockSummary()
        }
    }
    private let index: Mutex<Index>
    /// Held while the files are sealed or removed.
    private let isRemoved = Mutex(false)

    init(
        header: SegmentHeader, path: String, indexPath: String, base: UnsafeMutableRawPointer?, descriptor: Int32?,
        files: any FileLayer
    ) {
        firstSeq = header.firstSeq
        epoch = header.epoch
        dataOffset = header.dataOffset
        prologueBytes = header.prologueBytes
        fileBytes = header.fileBytes
        self.path = path
        self.indexPath = indexPath
        self.files = files
        let empty = Segment.pack(records: 0, end: header.dataOffset)
        published = Atomic(empty)
        committed = Atomic(empty)
        mapping = Mutex(Mapping(base: base))
        self.descriptor = Mutex(descriptor)
        index = Mutex(Index())
    }

    deinit {
        mapping.withLock { mapping in
            if let base = mapping.base { files.unmap(base, bytes: fileBytes) }
        }
        closeDescriptor()
    }

    // MARK: Positions

    static func pack(records: UInt64, end: Int) -> UInt64 { records << 32 | UInt64(end / Int(HUB_LINE)) }
    static func records(_ word: UInt64) -> UInt64 { word >> 32 }
    static func end(_ word: UInt64) -> Int { Int(word & 0xffff_ffff) * Int(HUB_LINE) }

    /// One more than the last published seq.
    var publishedNext: UInt64 { firstSeq + Self.records(published.load(ordering: .acquiring)) }
    /// One more than the last seq ever to be in it; `nil` while it is written to.
    var finalNext: UInt64? {
        let word = final.load(ordering: .acquiring)
        return word == 0 ? nil : firstSeq + Self.records(word)
    }

    // MARK: Mapping

    /// The mapped file; mapped for reading at first use where the writer did not map it.
    func base() throws(FileFault) -> UnsafeRawPointer {
        // The lock's body cannot throw a typed error through, so the fault is carried out by hand.
        let result: Result<UnsafeMutableRawPointer, FileFault> = mapping.withLock { mapping in
            if let base = mapping.base { return .success(base) }
            do throws(FileFault) {
                let descriptor = try files.open(path, .reading)
                defer { files.close(descriptor) }
                let size = try files.size(descriptor, path: path)
                // Beyond a file's end a mapping kills whoever reads it.
                guard size >= fileBytes else { throw FileFault("map all of", path, code: EIO) }
                let base = try files.map(descriptor, bytes: fileBytes, writable: false, path: path)
                mapping.base = base
                return .success(base)
            } catch {
                return .failure(error)
            }
        }
        return UnsafeRawPointer(try result.get())
    }

    /// Maps the file for writing and keeps it open: the segment that goes on after a restart. Before anybody reads.
    func mapForWriting() throws(FileFault) -> UnsafeMutableRawPointer {
        let opened = try files.open(path, .readingAndWriting)
        do throws(FileFault) {
            let base = try files.map(opened, bytes: fileBytes, writable: true, path: path)
            let old = mapping.withLock { mapping in
                let old = mapping
                mapping.base = base
                return old
            }
            if let old = old.base { files.unmap(old, bytes: fileBytes) }
            descriptor.withLock { $0 = opened }
            return base
        } catch {
            files.close(opened)
            throw error
        }
    }

    /// Puts the file's content on the medium.
    func sync() throws(FileFault) {
        let fault: FileFault? = descriptor.withLock { descriptor in
            do throws(FileFault) {
                if let descriptor {
                    try files.sync(descriptor, path: path)
                } else {
                    // Found in the folder, written by a process that was killed.
                    let opened = try files.open(path, .reading)
                    defer { files.close(opened) }
                    try files.sync(opened, path: path)
                }
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    /// The file is whole and on the medium, and is never written to again.
    private func closeDescriptor() {
        descriptor.withLock { descriptor in
            if let descriptor { files.close(descriptor) }
            descriptor = nil
        }
    }

    func record(_ base: UnsafeRawPointer, _ offset: Int) -> UnsafePointer<hub_record> {
        (base + offset).assumingMemoryBound(to: hub_record.self)
    }

    /// Follows the commit words from a place on: how far the records go. `next` is the seq expected there; records from `limit`
    /// on are not taken.
    func scan(
        _ base: UnsafeRawPointer, from offset: Int, next seq: UInt64, limit: UInt64
    ) -> (offset: Int, next: UInt64) {
        var offset = offset
        var seq = seq
        while seq < limit, offset + Int(HUB_LINE) <= fileBytes {
            let record = base + offset
            guard hub_load_acquire_u64(record + 24) == seq else { break }
            let bytes = Int(record.load(as: UInt8.self)) * Int(HUB_LINE)
            guard bytes > 0, offset + bytes <= fileBytes else { break }
            offset += bytes
            seq += 1
        }
        return (offset, seq)
    }

    // MARK: Index

    /// Whether the sidecar was written; only then may the segment be removed.
    let isSealed = Atomic<Bool>(false)

    /// Takes the sidecar of a segment found in the folder, before anybody else has the segment.
    func use(_ file: IndexFile) {
        let word = Self.pack(records: file.header.recordCount, end: file.header.endOffset)
        published.store(word, ordering: .releasing)
        committed.store(word, ordering: .releasing)
        final.store(word, ordering: .releasing)
        synced = word
        index.withLock { $0 = Index(file: file) }
        isSealed.store(true, ordering: .releasing)
    }

    /// Writes the sidecar: syncs the content, then index and checksums. The segment must be final. Any thread; nothing to do
    /// for one that is sealed or was removed.
    func seal() throws(FileFault) {
        let fault: FileFault? = isRemoved.withLock { isRemoved in
            guard !isRemoved, !isSealed.load(ordering: .acquiring) else { return nil }
            do throws(FileFault) {
                try writeIndex()
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    /// Removes the files.
    func remove() throws(FileFault) {
        let fault: FileFault? = isRemoved.withLock { isRemoved in
            do throws(FileFault) {
                try files.remove(path)
                isRemoved = true
                // Behind the segment, and without much ado: an index without one is removed at the next start, whereas a
                // segment without index would be sealed again.
                try? files.remove(indexPath)
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    private func writeIndex() throws(FileFault) {
        try sync()
        let base = try base()
        let end = Self.end(final.load(ordering: .acquiring))
        var builder =
            index.withLock { $0.builder } ?? IndexBuilder(dataOffset: dataOffset, firstSeq: firstSeq)
        builder.extend(base, to: end)
        let filled = builder.blocks.filter { $0.count > 0 }
        builder.addChecksums(base, fileBytes: fileBytes)
        let bytes = IndexFile.bytes(
            builder, firstSeq: firstSeq, firstReceived: filled.first?.receivedMinimum ?? 0,
            lastReceived: filled.last?.receivedMaximum ?? 0)
        let slash = indexPath.lastIndex(of: "/")!
        try files.replace(
            String(indexPath[indexPath.index(after: slash)...]), in: String(indexPath[..<slash]), with: bytes)
        guard let file = IndexFile(indexPath, firstSeq: firstSeq, files: files) else {
            throw FileFault("read back", indexPath, code: EIO)
        }
        index.withLock { $0 = Index(file: file, isFileChecked: true) }
        isSealed.store(true, ordering: .releasing)
        closeDescriptor()
    }

    /// Blocks that begin with records of `filter` between `after` and `before` (both exclusive), in order, as far as published.
    func candidates(_ filter: JournalFilter, after: UInt64, before: UInt64) throws(FileFault) -> [BlockSummary] {
        let base = try base()
        let mask = filter.kinds.indexMask
        return index.withLock { index in
            bringUpToDate(&index, base)
            let count = index.blockCount
            var bitmap: [UInt64] = []
            if let streams = filter.streams {
                bitmap = [UInt64](repeating: 0, count: (count + 63) / 64)
                if let builder = index.builder {
                    builder.mark(streams, kinds: mask, in: &bitmap)
                } else {
                    index.file?.mark(streams, kinds: mask, in: &bitmap)
                }
            }
            var found: [BlockSummary] = []
            for number in 0..<count {
                if filter.streams != nil, bitmap[number / 64] >> UInt64(number % 64) & 1 == 0 { continue }
                let block = index.block(number)
                guard block.mayMatch(filter, kinds: mask), block.lastSeq > after, block.firstSeq < before else {
                    continue
                }
                found.append(block)
            }
            return found
        }
    }

    /// The block in which the record with this (published) seq begins.
    func block(containing seq: UInt64) throws(FileFault) -> BlockSummary? {
        try last { $0.firstSeq <= seq }
    }

    /// The last block with records for which a condition holds that holds from the start up to some block.
    func last(where condition: (BlockSummary) -> Bool) throws(FileFault) -> BlockSummary? {
        let base = try base()
        return index.withLock { index in
            bringUpToDate(&index, base)
            var low = 0
            var high = index.blockCount
            // Blocks that only hold the prologue lie in front, one that only holds a record's end comes last.
            while low < high, index.block(low).count == 0 { low += 1 }
            while low < high, index.block(high - 1).count == 0 { high -= 1 }
            let first = low
            while low < high {
                let middle = (low + high) / 2
                if condition(index.block(middle)) { low = middle + 1 } else { high = middle }
            }
            return low > first ? index.block(low - 1) : nil
        }
    }

    /// Brings the index of an open segment up to what is published, so that whoever needs it next has little to wait for.
    func bringIndexUpToDate() throws(FileFault) {
        let base = try base()
        index.withLock { bringUpToDate(&$0, base) }
    }

    /// Also makes a damaged sidecar's anew.
    private func bringUpToDate(_ index: inout Index, _ base: UnsafeRawPointer) {
        if let file = index.file {
            if index.isFileChecked { return }
            if file.isWhole {
                index.isFileChecked = true
                return
            }
            index.file = nil
        }
        if index.builder == nil { index.builder = IndexBuilder(dataOffset: dataOffset, firstSeq: firstSeq) }
        index.builder?.extend(base, to: Self.end(published.load(ordering: .acquiring)))
    }

    /// `ts_recv` of the first published record; `nil` if there is none.
    func firstReceived() throws(FileFault) -> Int64? {
        if let file = index.withLock({ $0.file }) {
            return file.header.recordCount > 0 ? file.header.firstReceived : nil
        }
        guard Self.records(published.load(ordering: .acquiring)) > 0 else { return nil }
        return record(try base(), dataOffset).pointee.ts_recv
    }

    /// `ts_recv` of the last published record; `nil` if there is none.
    func lastReceived() throws(FileFault) -> Int64? {
        if let file = index.withLock({ $0.file }) {
            return file.header.recordCount > 0 ? file.header.lastReceived : nil
        }
        return try last { _ in true }?.receivedMaximum
    }

    /// Bytes of the sidecar, if there is one.
    var indexBytes: Int {
        index.withLock { $0.file?.header.byteCount ?? 0 }
    }

    /// Checksums as sealed; `nil` for a segment that is not, or whose sidecar is damaged.
    func sealedChecksums() -> [UInt32]? {
        guard let file = index.withLock({ $0.file }), file.isWhole else { return nil }
        return (0..<file.header.blockCount).map { file.block($0).checksum }
    }
}
