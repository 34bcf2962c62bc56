#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The files of one sink: which is being written, which are finished, when one becomes the other.
///
/// Batches of whole lines go in; each is durable when `append` returns, or leaves nothing behind. Opening recovers: a
/// line that was never finished is cut off, and `end` says what the files go up to. Nothing but files whose names have
/// exactly our form is ever changed or deleted. Not thread-safe.
final class EventFiles {
    /// What happened that the operator may want to know.
    enum Notice: Equatable {
        case cut(path: String, bytes: Int)
        case leftAsIs(path: String)
        case housekeeping(SystemError)
    }

    /// The file being written.
    private struct Current {
        let file: OpenFile
        let name: EventFileName
        /// When its first event came; nil while it has none.
        var firstReceivedNanoseconds: Int64?
    }

    private let folder: Folder
    private let rotation: Rotation
    private let compression: Compression
    private var current: Current?
    /// Finished files, oldest first.
    private var finished: [EventFileName] = []
    private var packing: Packing?
    /// A file that could not be packed waits until the next one is finished.
    private var packingPaused = false
    /// What the files go up to.
    private(set) var end = FileEnd()
    /// Of `tidy`, told once as long as it stays the same.
    private var lastFailure: SystemError?
    private let notice: (Notice) -> Void

    init(
        path: String, rotation: Rotation, compression: Compression, notice: @escaping (Notice) -> Void
    ) throws(SystemError) {
        folder = try Folder(path)
        self.rotation = rotation
        self.compression = compression
        self.notice = notice
        try recover()
    }

    /// Appends lines that belong together; all of them are durable afterwards, or none is there.
    ///
    /// - Parameters:
    ///   - seq: of the first line.
    ///   - receivedNanoseconds: when the first event among them came; nil if there is none.
    ///   - end: what the last of them says.
    func append(
        _ lines: UnsafeRawBufferPointer, seq: UInt64, receivedNanoseconds: Int64?, end: FileEnd
    ) throws(SystemError) {
        if let current, let first = current.firstReceivedNanoseconds, let receivedNanoseconds,
            period(first) != period(receivedNanoseconds)
        {
            try finishCurrent()
        }
        var writing = if let current { current } else { try begin(seq) }
        do throws(SystemError) {
            try writing.file.append(lines)
        } catch {
            // A file with nothing in it is not begun: it would be named after an event it may never have.
            if writing.file.length == 0 { try? folder.delete(writing.name) } else { current = writing }
            throw error
        }
        if writing.firstReceivedNanoseconds == nil { writing.firstReceivedNanoseconds = receivedNanoseconds }
        current = writing
        self.end = end
    }

    /// Does what is due between batches: finishes a file that is full, packs a slice, deletes what is too old. What
    /// fails here is told and tried again later; the events are safe already.
    func tidy(packBytes: Int) {
        do throws(SystemError) {
            if let current, let most = rotation.sizeBytes, current.file.length >= most { try finishCurrent() }
            try pack(bytes: packBytes)
            try deleteOldest()
            lastFailure = nil
        } catch {
            if error != lastFailure { notice(.housekeeping(error)) }
            lastFailure = error
        }
    }

    /// Finishes the file being written, so that the next line begins a new one.
    func finishCurrent() throws(SystemError) {
        guard let current else { return }
        let name = current.name.with(.finished)
        try folder.rename(current.name, to: name)
        finished.append(name)
        self.current = nil
        packingPaused = false
        try folder.sync()
    }

    /// Forgets what the files go up to: what comes is of another journal, and goes into files of its own.
    func beginAnotherJournal() throws(SystemError) {
        try finishCurrent()
        end = FileEnd()
    }

    /// Whether files and folder are still as this object left them.
    var isIntact: Bool { folder.isIntact && (current?.file.isIntact ?? true) }

    // MARK: - Files

    private func begin(_ seq: UInt64) throws(SystemError) -> Current {
        var name = EventFileName(firstSeq: seq)
        while EventFileName.State.allCases.contains(where: { folder.exists(name.with($0)) }) { name.copy += 1 }
        let file = try OpenFile(new: folder.path(name))
        do throws(SystemError) {
            try folder.sync()
        } catch {
            try? folder.delete(name)
            throw error
        }
        return Current(file: file, name: name)
    }

    private func period(_ nanoseconds: Int64) -> Int64 {
        guard let every = rotation.everyNanoseconds else { return 0 }
        let quotient = nanoseconds / every
        return nanoseconds % every < 0 ? quotient - 1 : quotient
    }

    private func recover() throws(SystemError) {
        let files = try folder.files()
        for name in files where name.state == .packing { try folder.delete(name) }
        // Packed and not yet deleted: the packed one is complete, or it would not have that name.
        let packed = Set(files.filter { $0.state == .packed })
        for name in files where name.state == .finished {
            if packed.contains(name.with(.packed)) { try folder.delete(name) } else { finished.append(name) }
        }
        finished = files.filter { finished.contains($0) || $0.state == .packed }
        for name in files where name.state == .current {
            try finishCurrent()
            try reopen(name)
        }
        guard current == nil, let newest = finished.last else { return }
        end =
            newest.state == .packed
            ? try endOfPackedFile(folder.path(newest)) : try OpenFile(existing: folder.path(newest)).end()
    }

    private func reopen(_ name: EventFileName) throws(SystemError) {
        let file = try OpenFile(existing: folder.path(name))
        let whole = try file.wholeLength()
        if whole < file.length {
            notice(.cut(path: folder.path(name), bytes: file.length - whole))
            try file.truncate(to: whole)
        }
        guard whole > 0, let first = try file.firstLine() else { return try folder.delete(name) }
        let received = EventLine(first)?.receivedMicroseconds
        current = Current(file: file, name: name, firstReceivedNanoseconds: received.map { $0 * 1000 })
        end = try file.end()
        if end.event == nil {
            notice(.leftAsIs(path: folder.path(name)))
            try finishCurrent()
        }
    }

    // MARK: - Finished files

    private func pack(bytes: Int) throws(SystemError) {
        guard compression == .gzip, !packingPaused else { return }
        if packing == nil, let name = finished.first(where: { $0.state == .finished }) {
            packingPaused = true
            packing = try Packing(name, in: folder)
            packingPaused = false
        }
        guard let packing else { return }
        do throws(SystemError) {
            guard try packing.advance(bytes: bytes) else { return }
            try folder.rename(packing.name.with(.packing), to: packing.name.with(.packed))
            try folder.sync()
            try folder.delete(packing.name)
            if let index = finished.firstIndex(of: packing.name) { finished[index].state = .packed }
            self.packing = nil
        } catch {
            self.packing = nil
            packingPaused = true
            try folder.delete(packing.name.with(.packing))
            throw error
        }
    }

    private func deleteOldest() throws(SystemError) {
        guard let keep = rotation.keep else { return }
        while finished.count > keep, let oldest = finished.first {
            if packing?.name == oldest {
                packing = nil
                try folder.delete(oldest.with(.packing))
            }
            try folder.delete(oldest)
            finished.removeFirst()
        }
    }
}
