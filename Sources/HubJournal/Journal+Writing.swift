import CHubSystem
import PluginABI

extension Journal {
    /// Zeroed, contiguous room for a record of this many lines, 1 to 255. The writer's thread.
    ///
    /// Goes over to a new segment where needed. Asking again without `commit` gives the same place; what was not committed must be
    /// zero again by then. Throws `diskFull` before anything is taken: nothing changes, and a later call goes on.
    public func reserve(lines: Int) throws(JournalError) -> UnsafeMutableRawPointer {
        if lines > 0, lines <= Int(HUB_MAX_LINES), writer.pointee.offset + lines * Int(HUB_LINE) <= writer.pointee.limit
        {
            return writer.pointee.base + writer.pointee.offset
        }
        return try makeRoom(lines: lines)
    }

    /// Makes the record part of the journal: its `seq` is stored last, with release order. The writer's thread.
    ///
    /// `seq` is one more than that of the record before; `record` is what `reserve` gave, and its `lines` are not more than
    /// were asked for. Nobody sees it before `publish`.
    public func commit(_ record: UnsafeMutableRawPointer, seq: UInt64) {
        let lines = Int(record.load(as: UInt8.self))
        precondition(
            record == writer.pointee.base + writer.pointee.offset && seq == writer.pointee.next && lines > 0
                && writer.pointee.offset + lines * Int(HUB_LINE) <= writer.pointee.limit,
            "a record is committed where it was reserved, with the next seq and its size")
        hub_store_release_u64(record + 24, seq)
        writer.pointee.offset += lines * Int(HUB_LINE)
        writer.pointee.next = seq + 1
    }

    /// Seq of the next record. The writer's thread.
    public var nextSeq: UInt64 { writer.pointee.next }

    /// Shows readers all that was committed, and wakes who waits; under durability `fsync`, leaves it to `sync`.
    /// The writer's thread.
    public func publish() {
        guard let current else { return }
        let isVisible = options.durability == .process
        if !left.isEmpty {
            for segment in left {
                let word = segment.final.load(ordering: .relaxed)
                if isVisible { segment.published.store(word, ordering: .releasing) }
                segment.committed.store(word, ordering: .releasing)
            }
            left.removeAll(keepingCapacity: true)
        }
        let records = writer.pointee.next - writer.pointee.first
        let word = Segment.pack(records: records, end: writer.pointee.offset)
        if isVisible { current.published.store(word, ordering: .releasing) }
        current.committed.store(word, ordering: .releasing)
        if isVisible { show(head: writer.pointee.next - 1) }
        if writer.pointee.offset >= prepareAt {
            prepareAt = .max
            maker.prepare(bytes: options.segmentBytes)
        }
    }

    func show(head: UInt64) {
        // Sequentially consistent, as the waiter's own store and load are: either it sees this head, or we see it armed.
        headWord.store(head, ordering: .sequentiallyConsistent)
        if armedWaiters.load(ordering: .sequentiallyConsistent) > 0 { wakeWaiters() }
    }

    /// Puts all that was published on the medium; under durability `fsync`, readers then see it. Any thread, best one of its own:
    /// it takes as long as the disk does.
    ///
    /// After a failure the system may have forgotten what it could not write, so a hub that promised `fsync` should stop.
    public func sync() throws(JournalError) {
        let result: Result<Void, FileFault> = syncLock.withLock { _ in
            do throws(FileFault) {
                try syncHoldingLock()
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        do throws(FileFault) { try result.get() } catch {
            throw .from(error, folder: options.folder, files: files, needed: 0)
        }
    }

    private func syncHoldingLock() throws(FileFault) {
        var changed: [(segment: Segment, word: UInt64)] = []
        for segment in segments.withLock({ $0 }) {
            let word = segment.committed.load(ordering: .acquiring)
            if word != segment.synced { changed.append((segment, word)) }
        }
        guard !changed.isEmpty else { return }
        for (segment, _) in changed { try segment.sync() }
        if changed.contains(where: { !$0.segment.isNameSynced }) { try files.syncFolder(folder) }
        for (segment, word) in changed {
            segment.isNameSynced = true
            segment.synced = word
            if options.durability == .fsync { segment.published.store(word, ordering: .releasing) }
        }
        if options.durability == .fsync, let last = changed.last {
            show(head: max(head, last.segment.firstSeq + Segment.records(last.word) - 1))
        }
        // Here nobody waits for it; a reader that starts within the open segment would.
        try changed.last?.segment.bringIndexUpToDate()
    }

    // MARK: Segments

    /// What `reserve` does when the record does not fit behind the last one.
    private func makeRoom(lines: Int) throws(JournalError) -> UnsafeMutableRawPointer {
        guard !isReadOnly, !isClosed else { throw .notOpenForWriting }
        guard (1...Int(HUB_MAX_LINES)).contains(lines) else { throw .badSize(lines: lines) }
        if let state = pendingState {
            // An epoch must be remembered before any record of it can be seen.
            do throws(FileFault) { try files.replace(Names.state, in: folder, with: state.bytes) } catch {
                throw .from(error, folder: options.folder, files: files, needed: 4096)
            }
            pendingState = nil
            writer.pointee.limit = current?.fileBytes ?? 0
            return try reserve(lines: lines)
        }
        try beginSegment()
        return writer.pointee.base + writer.pointee.offset
    }

    /// Goes on in a new segment. Until its file has its name nothing has changed.
    private func beginSegment() throws(JournalError) {
        let prologue = definitionsAtSegmentHead?() ?? []
        precondition(prologue.count % Int(HUB_LINE) == 0, "definitions are whole records")
        let dataOffset = SegmentHeader.dataOffset(prologueBytes: prologue.count)
        var bytes = options.segmentBytes
        if dataOffset > bytes / 2 {
            let block = JournalOptions.blockBytes
            bytes = (dataOffset + options.segmentBytes + block - 1) / block * block
        }
        let prepared = try maker.take(bytes: bytes)
        let header = SegmentHeader(
            firstSeq: writer.pointee.next, createdNanoseconds: options.clock(), epoch: epoch,
            bootID: options.bootID ?? "", fileBytes: prepared.bytes, prologueBytes: prologue.count,
            dataOffset: dataOffset,
            prologueChecksum: prologue.withUnsafeBytes { hub_crc32c(0, $0.baseAddress, $0.count) })
        prepared.base.copyMemory(from: header.bytes, byteCount: header.bytes.count)
        (prepared.base + SegmentHeader.byteCount).copyMemory(from: prologue, byteCount: prologue.count)
        let path = "\(folder)/\(Names.segment(first: header.firstSeq))"
        do throws(FileFault) { try files.rename(prepared.path, to: path) } catch {
            maker.discard(prepared)
            throw .from(error, folder: options.folder, files: files, needed: 0)
        }
        let segment = Segment(
            header: header, path: path, indexPath: "\(folder)/\(Names.index(first: header.firstSeq))",
            base: prepared.base, descriptor: prepared.descriptor, files: files)
        let old = leaveSegment()
        segments.withLock { $0.append(segment) }
        current = segment
        writer.pointee = Writer(
            base: prepared.base, offset: dataOffset, limit: prepared.bytes, next: header.firstSeq,
            first: header.firstSeq)
        prepareAt = .max
        maker.prepare(bytes: bytes)
        if let old { maker.seal(old) }
    }

    /// Ends the current segment where it is.
    private func leaveSegment() -> Segment? {
        guard let segment = current else { return nil }
        let records = writer.pointee.next - writer.pointee.first
        let word = Segment.pack(records: records, end: writer.pointee.offset)
        segment.final.store(word, ordering: .releasing)
        left.append(segment)
        return segment
    }

    /// Ends the current segment, so that the next record begins a new one, and seals it. The writer's thread.
    ///
    /// What was committed must be published before. Returns when all sealing is done.
    public func seal() throws(JournalError) {
        guard !isReadOnly, !isClosed else { throw .notOpenForWriting }
        if let segment = current, writer.pointee.next > writer.pointee.first {
            publish()
            let records = writer.pointee.next - writer.pointee.first
            segment.final.store(Segment.pack(records: records, end: writer.pointee.offset), ordering: .releasing)
            if options.durability == .fsync { try sync() }
            current = nil
            writer.pointee.limit = 0
            maker.seal(segment)
        }
        maker.waitUntilSealed()
    }

    /// Ends writing: publishes and syncs what was committed, and gives back what was prepared. The writer's thread; no other
    /// thread may write or sync from here on. Readers go on.
    ///
    /// `clean` leaves the mark by which the next start knows that nothing was lost. The folder is then free for another hub; a
    /// journal that is not closed keeps it until its last reference is gone.
    public func close(clean: Bool) throws(JournalError) {
        guard !isReadOnly, !isClosed else { return }
        publish()
        closed.store(true, ordering: .releasing)
        writer.pointee.limit = 0
        maker.stop()
        // Who sleeps must not do so for ever; and a waiter holds the journal.
        waiters.withLock { waiters in
            for waiter in waiters { waiter.interrupt() }
            waiters.removeAll()
        }
        defer { folderLock.withLock { $0 = nil } }
        try sync()
        guard clean, pendingState == nil else { return }
        let marker = CleanMarker(epoch: epoch, head: head)
        do throws(FileFault) { try files.replace(Names.clean, in: folder, with: marker.bytes) } catch {
            throw .from(error, folder: options.folder, files: files, needed: 4096)
        }
    }
}
