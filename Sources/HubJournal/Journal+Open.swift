import CHubSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What opening found out; the journal is made from it.
struct OpenedJournal {
    var options: JournalOptions
    var folder: String
    /// `nil`: for reading only.
    var lock: FolderLock?
    var maker: SegmentMaker
    var segments: [Segment] = []
    var head: UInt64 = 0
    var epochs: [Epoch] = []
    var pendingState: StateFile?
    /// The segment that goes on.
    var current: (segment: Segment, base: UnsafeMutableRawPointer)?
    var cutBytes = 0
}

extension Journal {
    /// Opens the journal of a data folder for writing; makes what is missing, locks the folder, and recovers.
    ///
    /// Throws `locked`, `newerFormat`, `notWritable`, `badOption` or `system`. A full disk is no reason not to open: `reserve`
    /// tells it.
    public static func open(_ options: JournalOptions) throws(JournalError) -> Journal {
        try options.check()
        var options = options
        let files = options.files
        if options.bootID == nil { options.bootID = JournalOptions.kernelBootID(files) }
        let folder = SegmentFolder.path(dataFolder: options.folder)
        do throws(FileFault) {
            try files.makeFolder(options.folder)
            try files.makeFolder(folder)
        } catch { throw .from(error, folder: options.folder, files: files, needed: 4096) }
        let lock = try FolderLock(folder: options.folder, process: getpid(), files: files)
        let found = try SegmentFolder(folder, files: files)

        let journal: Journal
        do throws(FileFault) {
            journal = try recover(found, options, folder, lock)
        } catch {
            throw .from(error, folder: options.folder, files: files, needed: 4096)
        }
        // What a killed process had committed is in the file, but perhaps not yet on the medium.
        if options.durability == .fsync { try journal.sync() }
        return journal
    }

    private static func recover(
        _ found: SegmentFolder, _ options: JournalOptions, _ folder: String, _ lock: FolderLock
    ) throws(FileFault) -> Journal {
        let files = options.files
        let known = found.knownState
        let bootID = options.bootID ?? ""
        let isSameBoot = known.map { !bootID.isEmpty && $0.bootID == bootID } ?? false
        // Under fsync a torn record cannot have been published, but a whole one that looks like it can: it stays.
        let mayBeTorn = known?.durability == .process && found.clean == nil && !isSameBoot
        var recovery = try JournalRecovery(found.segments, mayBeTorn: mayBeTorn)
        recovery.isBroken = try setAside(found, recovery, folder, files) || recovery.isBroken
        var head = recovery.head
        if recovery.segments.isEmpty {
            // Numbers never begin anew in a data folder, even if somebody removed all segments.
            let checkpoints = found.names.compactMap { Names.number(of: $0, suffix: Names.checkpointSuffix) }
            let begun = known?.epochs.last.map { $0.last ?? ($0.first - 1) } ?? 0
            head = max(found.clean?.head ?? 0, begun, checkpoints.last ?? 0)
        }
        try removeLeftovers(found, recovery, head: head, folder, files)

        var isContinued = false
        var epochs = known?.epochs ?? []
        if let known, let last = known.epochs.last {
            let isClean = found.clean == CleanMarker(epoch: last.name, head: head)
            isContinued = options.epoch.map { $0 == last.name } ?? true
            if options.epoch == nil, !isClean, recovery.isBroken || !(isSameBoot || known.durability == .fsync) {
                isContinued = false
            }
        }
        if !isContinued {
            if !epochs.isEmpty { epochs[epochs.count - 1].last = head }
            epochs.append(Epoch(name: options.epoch ?? Epoch.random(), first: head + 1, last: nil))
        }
        let epoch = epochs[epochs.count - 1].name

        // The mark must be gone for good before anything is added to what it vouches for.
        if found.names.contains(Names.clean) {
            try files.remove("\(folder)/\(Names.clean)")
            try files.syncFolder(folder)
        }

        let maker = SegmentMaker(
            folder: folder, dataFolder: options.folder, minimumFreeBytes: options.minimumFreeBytes, files: files,
            syncsAhead: options.durability == .fsync, withThread: options.preparesAhead)
        var opened = OpenedJournal(options: options, folder: folder, lock: lock, maker: maker)
        do throws(FileFault) {
            opened.current = try continueLast(&recovery, epoch, folder, files, cut: &opened.cutBytes)
        } catch {
            maker.stop()
            throw error
        }
        opened.segments = recovery.segments
        opened.head = head
        opened.epochs = epochs

        let state = StateFile(durability: options.durability, bootID: bootID, epochs: epochs)
        if found.state != state {
            do throws(FileFault) {
                try files.replace(Names.state, in: folder, with: state.bytes)
            } catch {
                guard error.isFull else {
                    maker.stop()
                    throw error
                }
                opened.pendingState = state
            }
        }
        for segment in recovery.toSeal { maker.seal(segment) }
        if opened.current == nil, options.preparesAhead { maker.prepare(bytes: options.segmentBytes) }
        return Journal(opened)
    }

    /// The last segment goes on if it belongs to the running epoch; an empty one that does not makes room for its successor.
    private static func continueLast(
        _ recovery: inout JournalRecovery, _ epoch: String, _ folder: String, _ files: any FileLayer, cut: inout Int
    ) throws(FileFault) -> (segment: Segment, base: UnsafeMutableRawPointer)? {
        guard let last = recovery.segments.last, last.finalNext == nil else { return nil }
        let word = last.committed.load(ordering: .relaxed)
        if last.epoch == epoch || Segment.records(word) > 0 {
            let base = try last.mapForWriting()
            let end = Segment.end(word)
            // Parts of records, and whole ones behind a missing one, must never be taken for new ones.
            let used = hub_used_bytes(base + end, last.fileBytes - end)
            if used > 0 {
                cut = used
                _ = hub_zero(base + end, last.fileBytes - end)
                try last.sync()
            }
            if last.epoch == epoch { return (last, base) }
        }
        if Segment.records(word) == 0 {
            try files.remove(last.path)
            recovery.segments.removeLast()
        } else {
            last.final.store(word, ordering: .releasing)
            recovery.toSeal.append(last)
        }
        return nil
    }

    /// Renames segments at the end whose header cannot be read, so that their names are free; those that never got a
    /// header are removed. Answers whether there were any.
    private static func setAside(
        _ found: SegmentFolder, _ recovery: JournalRecovery, _ folder: String, _ files: any FileLayer
    ) throws(FileFault) -> Bool {
        var isBroken = false
        for (name, _) in found.unreadable {
            let number = Names.number(of: name, suffix: Names.segmentSuffix) ?? 0
            guard number > recovery.head else { continue }
            let path = "\(folder)/\(name)"
            if try isBlank(path, files) {
                try files.remove(path)
            } else {
                try files.rename(path, to: path + ".damaged")
            }
            isBroken = true
        }
        return isBroken
    }

    private static func isBlank(_ path: String, _ files: any FileLayer) throws(FileFault) -> Bool {
        let descriptor = try files.open(path, .reading)
        defer { files.close(descriptor) }
        let size = min(try files.size(descriptor, path: path), SegmentHeader.byteCount)
        guard size > 0 else { return true }
        let base = try files.map(descriptor, bytes: size, writable: false, path: path)
        defer { files.unmap(base, bytes: size) }
        return UnsafeRawBufferPointer(start: base, count: size).allSatisfy { $0 == 0 }
    }

    /// Removes what a crash left behind: temporary files, indexes without a segment, segments and checkpoints beyond the end.
    private static func removeLeftovers(
        _ found: SegmentFolder, _ recovery: JournalRecovery, head: UInt64, _ folder: String, _ files: any FileLayer
    ) throws(FileFault) {
        for segment in recovery.toRemove.reversed() { try files.remove(segment.path) }
        for name in found.names {
            let isStray: Bool
            if let first = Names.number(of: name, suffix: Names.indexSuffix) {
                isStray = !recovery.segments.contains { $0.firstSeq == first }
            } else if let seq = Names.number(of: name, suffix: Names.checkpointSuffix) {
                isStray = seq > head
            } else {
                isStray = name.hasSuffix(Names.temporarySuffix)
            }
            if isStray { try files.remove("\(folder)/\(name)") }
        }
    }

    // MARK: Reading only

    /// Opens a journal for reading beside the hub that writes it, or without one: for `dump` and `verify`. Changes nothing.
    ///
    /// Sees every committed record, also those that a hub with durability `fsync` has not synced yet.
    /// - Parameter folder: the data folder.
    public static func openReadOnly(
        folder dataFolder: String, files: any FileLayer = SystemFiles()
    ) throws(JournalError) -> Journal {
        var options = JournalOptions(folder: dataFolder)
        options.files = files
        let folder = SegmentFolder.path(dataFolder: dataFolder)
        let found: SegmentFolder
        do throws(JournalError) {
            found = try SegmentFolder(folder, files: files)
        } catch {
            if case .system(let fault) = error, fault.code == ENOENT { throw .missing(folder: dataFolder) }
            throw error
        }
        let maker = SegmentMaker(
            folder: folder, dataFolder: dataFolder, minimumFreeBytes: 0, files: files, syncsAhead: false,
            withThread: false)
        var opened = OpenedJournal(options: options, folder: folder, lock: nil, maker: maker)
        opened.segments = found.segments
        opened.epochs = found.knownState?.epochs ?? []
        let journal = Journal(opened)
        journal.followCommitWords()
        return journal
    }

    /// Looks for what the writing hub has added since. For journals opened for reading.
    func refresh() {
        guard isReadOnly else { return }
        refreshLock.withLock { _ in
            if let names = try? files.names(in: folder) {
                var listing = Set<String>()
                for name in names { listing.insert(name) }
                let last = segments.withLock { $0.last?.firstSeq ?? 0 }
                var found = SegmentFolder()
                for name in names {
                    guard let first = Names.number(of: name, suffix: Names.segmentSuffix), first > last else {
                        continue
                    }
                    try? found.load(name, folder, files)
                }
                segments.withLock { segments in
                    segments.removeAll { !listing.contains(Names.segment(first: $0.firstSeq)) }
                    segments.append(contentsOf: found.segments)
                }
            }
            followCommitWords()
        }
    }

    /// Publishes, for this object's readers, as far as the records go.
    private func followCommitWords() {
        let segments = segments.withLock { $0 }
        for (number, segment) in segments.enumerated() where segment.finalNext == nil {
            guard let base = try? segment.base() else { continue }
            let next = number + 1 < segments.count ? segments[number + 1] : nil
            let word = segment.published.load(ordering: .relaxed)
            let end = segment.scan(
                base, from: Segment.end(word), next: segment.firstSeq + Segment.records(word),
                limit: next?.firstSeq ?? UInt64.max)
            let seen = Segment.pack(records: end.next - segment.firstSeq, end: end.offset)
            segment.published.store(seen, ordering: .releasing)
            if next != nil { segment.final.store(seen, ordering: .releasing) }
        }
        if let last = segments.last { headWord.store(last.publishedNext - 1, ordering: .sequentiallyConsistent) }
    }
}
