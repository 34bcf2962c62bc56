import CHubSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file with room for a segment, mapped and brought into memory, without a name or content yet.
struct PreparedSegment: @unchecked Sendable {
    let path: String
    let base: UnsafeMutableRawPointer
    let descriptor: Int32
    let bytes: Int
}

/// Makes segments ahead and seals full ones, on a thread for each, so that the writer waits for neither.
///
/// Sealing waits for the disk; were it on the same thread, a segment might not be ready when it is needed.
final class SegmentMaker: @unchecked Sendable {
    private let folder: String
    private let dataFolder: String
    private let minimumFreeBytes: Int64
    private let syncsAhead: Bool
    private let files: any FileLayer

    private enum Next {
        case idle
        case wanted(bytes: Int)
        case making
        case ready(PreparedSegment)
        case failed(JournalError)
    }
    // All below is guarded by `lock`.
    private var next = Next.idle
    private var toSeal: [Segment] = []
    private var isSealing = false
    private var isStopping = false
    private var number = 0
    private var threads: [pthread_t] = []
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// - Parameters:
    ///   - syncsAhead: the zeros of a new segment are put on the medium while it is made, so that the first sync of its
    ///     records does not wait for all of them.
    ///   - withThread: without, everything is done where it is asked for.
    init(
        folder: String, dataFolder: String, minimumFreeBytes: Int64, files: any FileLayer, syncsAhead: Bool,
        withThread: Bool
    ) {
        self.folder = folder
        self.dataFolder = dataFolder
        self.minimumFreeBytes = minimumFreeBytes
        self.files = files
        self.syncsAhead = syncsAhead
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
        guard withThread else { return }
        start { argument in
            hub_name_thread("journal-make")
            Unmanaged<SegmentMaker>.fromOpaque(argument!).takeRetainedValue().makeUntilStopped()
            return nil
        }
        start { argument in
            hub_name_thread("journal-seal")
            Unmanaged<SegmentMaker>.fromOpaque(argument!).takeRetainedValue().sealUntilStopped()
            return nil
        }
        // Half of them would be worse than none: without threads everything is done where it is asked for.
        if threads.count < 2 { stop() }
    }

    private func start(_ body: @escaping @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?) {
        var thread = pthread_t()
        let maker = Unmanaged.passRetained(self)
        if pthread_create(&thread, nil, body, maker.toOpaque()) == 0 { threads.append(thread) } else { maker.release() }
    }

    deinit {
        if case .ready(let prepared) = next { discard(prepared) }
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        changed.deallocate()
        lock.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }

    /// Asks for a segment of this size to be there when it is needed.
    func prepare(bytes: Int) {
        guard !threads.isEmpty else { return }
        locked {
            if case .idle = next {
                next = .wanted(bytes: bytes)
                pthread_cond_broadcast(changed)
            }
        }
    }

    /// A segment of at least this size. Waits for one that is being made. What failed before is tried again first, so that a
    /// failure told is always one of now.
    func take(bytes: Int) throws(JournalError) -> PreparedSegment {
        guard !threads.isEmpty else { return try make(bytes: bytes) }
        locked { if case .failed = next { next = .idle } }
        while true {
            let taken: Next = locked {
                while true {
                    switch next {
                    case .idle:
                        next = .wanted(bytes: bytes)
                        pthread_cond_broadcast(changed)
                    case .ready, .failed:
                        defer { next = .idle }
                        return next
                    case .wanted, .making: break
                    }
                    pthread_cond_wait(changed, lock)
                }
            }
            switch taken {
            case .ready(let prepared) where prepared.bytes >= bytes: return prepared
            case .ready(let prepared): discard(prepared)
            case .failed(let error): throw error
            default: break
            }
        }
    }

    /// Seals a final segment, in the order of the calls. One that fails stays unsealed until the next start.
    func seal(_ segment: Segment) {
        guard !threads.isEmpty else {
            try? segment.seal()
            return
        }
        locked {
            toSeal.append(segment)
            pthread_cond_broadcast(changed)
        }
    }

    /// Returns when everything given to `seal` is done.
    func waitUntilSealed() {
        locked {
            while !threads.isEmpty && (!toSeal.isEmpty || isSealing) { pthread_cond_wait(changed, lock) }
        }
    }

    /// Ends the threads once sealing is done, and gives back what was prepared. Not from two threads at once.
    func stop() {
        locked {
            isStopping = true
            pthread_cond_broadcast(changed)
        }
        for thread in threads { pthread_join(thread, nil) }
        threads = []
        let left: Next = locked {
            defer { next = .idle }
            return next
        }
        if case .ready(let prepared) = left { discard(prepared) }
    }

    func discard(_ prepared: PreparedSegment) {
        files.unmap(prepared.base, bytes: prepared.bytes)
        files.close(prepared.descriptor)
        try? files.remove(prepared.path)
    }

    private func makeUntilStopped() {
        while true {
            let wanted: Int? = locked {
                while true {
                    if isStopping { return nil }
                    if case .wanted(let bytes) = next {
                        next = .making
                        return bytes
                    }
                    pthread_cond_wait(changed, lock)
                }
            }
            guard let wanted else { return }
            let made: Next
            do throws(JournalError) { made = .ready(try make(bytes: wanted)) } catch { made = .failed(error) }
            locked {
                next = made
                pthread_cond_broadcast(changed)
            }
        }
    }

    private func sealUntilStopped() {
        while true {
            let segment: Segment? = locked {
                while toSeal.isEmpty && !isStopping { pthread_cond_wait(changed, lock) }
                guard !toSeal.isEmpty else { return nil }
                isSealing = true
                return toSeal.removeFirst()
            }
            guard let segment else { return }
            try? segment.seal()
            locked {
                isSealing = false
                pthread_cond_broadcast(changed)
            }
        }
    }

    private func make(bytes: Int) throws(JournalError) -> PreparedSegment {
        let path: String = locked {
            number += 1
            return "\(folder)/next-\(number)\(Names.temporarySuffix)"
        }
        do throws(FileFault) {
            if minimumFreeBytes > 0 {
                let free = try files.freeBytes(dataFolder)
                guard free - Int64(bytes) >= minimumFreeBytes else {
                    throw FileFault("allocate room for", path, code: ENOSPC)
                }
            }
            let descriptor = try files.open(path, .creating)
            do throws(FileFault) {
                try files.allocate(descriptor, bytes: bytes, path: path)
                let base = try files.map(descriptor, bytes: bytes, writable: true, path: path)
                do throws(FileFault) {
                    try files.populate(base, bytes: bytes, path: path)
                    if syncsAhead { try files.sync(descriptor, path: path) }
                } catch {
                    files.unmap(base, bytes: bytes)
                    throw error
                }
                return PreparedSegment(path: path, base: base, descriptor: descriptor, bytes: bytes)
            } catch {
                files.close(descriptor)
                // What was allocated of it would keep the disk full.
                try? files.remove(path)
                throw error
            }
        } catch {
            throw .from(error, folder: dataFolder, files: files, needed: Int64(bytes) + minimumFreeBytes)
        }
    }
}
