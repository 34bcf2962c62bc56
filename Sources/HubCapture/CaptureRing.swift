import Glibc

/// How much of a recording is kept.
public struct CaptureLimits: Sendable, Hashable {
    /// By the time of the frames.
    public var keepNanoseconds: Int64
    /// Of all files together.
    public var maximumBytes: Int64
    /// Nothing is written where the disk has less than this.
    public var minimumFreeBytes: Int64

    public init(
        keepNanoseconds: Int64 = 7_200_000_000_000, maximumBytes: Int64 = 1 << 30, minimumFreeBytes: Int64 = 0
    ) {
        self.keepNanoseconds = keepNanoseconds
        self.maximumBytes = maximumBytes
        self.minimumFreeBytes = minimumFreeBytes
    }

    /// A file is finished when it is so big, so that whole files can go.
    var fileBytes: Int64 { min(64 << 20, max(4096, maximumBytes / 16)) }
    /// Or holds so much time.
    var fileNanoseconds: Int64 { max(1_000_000_000, keepNanoseconds / 16) }
    /// One frame that is longer than this would push out everything else.
    var frameBytes: Int64 { maximumBytes / 4 }
}

/// The files of one provider's recording, written: a ring of which the oldest go. One thread at a time.
///
/// Files of the `stream` lane go when their newest frame is older than `keep`, those of the `state` lane with the last stream
/// file of their session; where everything together would be larger than `max_size`, the oldest stream files go first.
public final class CaptureRing {
    private struct Kept {
        var file: CaptureFile
        var bytes: Int64
        var newestNanoseconds: Int64
    }

    private struct Writing {
        var descriptor: Int32
        var kept: Kept
        var oldestNanoseconds: Int64
    }

    private let folder: String
    private let header: CaptureHeader
    private let limits: CaptureLimits
    private var kept: [Kept] = []
    private var writing: [CaptureFrame.Lane: Writing] = [:]
    private var numbers: [CaptureFrame.Lane: Int] = [:]

    /// Frames that were too long to be kept.
    public private(set) var refusedFrames: UInt64 = 0

    /// Makes the folder where there is none (mode 0700) and looks at what earlier sessions left in it.
    public init(folder: String, header: CaptureHeader, limits: CaptureLimits) throws(CaptureError) {
        self.folder = folder
        self.header = header
        self.limits = limits
        var made = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: true) {
            made += (made.isEmpty && !folder.hasPrefix("/") ? "" : "/") + part
            if mkdir(made, 0o700) != 0, errno != EEXIST { throw Self.fault("cannot make the folder", made) }
        }
        for file in CaptureFile.all(in: folder) {
            var facts = stat()
            guard stat(file.path, &facts) == 0 else { continue }
            // A recording that was interrupted goes on behind the last of its files.
            if file.sessionNanoseconds == header.sessionNanoseconds {
                numbers[file.lane] = max(numbers[file.lane] ?? 0, file.number)
            }
            let modified = Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
            kept.append(Kept(file: file, bytes: Int64(facts.st_size), newestNanoseconds: modified))
        }
    }

    deinit {
        for writing in writing.values { Glibc.close(writing.descriptor) }
    }

    /// What all files together take.
    public var bytes: Int64 { kept.reduce(0) { $0 + $1.bytes } + writing.values.reduce(0) { $0 + $1.kept.bytes } }

    /// Appends a frame that was encoded with `CaptureCoding.append`.
    ///
    /// - Throws: where the disk is full or broken. What was written of the frame is taken back.
    public func write(_ frame: [UInt8], _ lane: CaptureFrame.Lane, at nanoseconds: Int64) throws(CaptureError) {
        guard Int64(frame.count) <= limits.frameBytes else {
            refusedFrames += 1
            return
        }
        if let open = writing[lane], isFull(open, lane, at: nanoseconds) { finish(lane) }
        if writing[lane] == nil { try begin(lane, at: nanoseconds) }
        makeRoom(Int64(frame.count), for: lane)
        guard var open = writing[lane] else { return }
        try Self.write(frame, open)
        open.kept.bytes += Int64(frame.count)
        open.kept.newestNanoseconds = max(open.kept.newestNanoseconds, nanoseconds)
        writing[lane] = open
    }

    private func isFull(_ open: Writing, _ lane: CaptureFrame.Lane, at nanoseconds: Int64) -> Bool {
        if open.kept.bytes >= limits.fileBytes { return true }
        return lane == .stream && nanoseconds - open.oldestNanoseconds >= limits.fileNanoseconds
    }

    private func begin(_ lane: CaptureFrame.Lane, at nanoseconds: Int64) throws(CaptureError) {
        try checkSpace()
        dropOld(now: nanoseconds)
        var header = header
        header.lane = lane
        header.number = (numbers[lane] ?? 0) + 1
        let file = CaptureFile(
            folder: folder, sessionNanoseconds: header.sessionNanoseconds, lane: lane, number: header.number)
        let descriptor = open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0o600)
        guard descriptor >= 0 else { throw Self.fault("cannot make", file.path) }
        var writing = Writing(
            descriptor: descriptor, kept: Kept(file: file, bytes: 0, newestNanoseconds: nanoseconds),
            oldestNanoseconds: nanoseconds)
        let bytes = header.bytes
        do {
            try Self.write(bytes, writing)
        } catch {
            Glibc.close(descriptor)
            unlink(file.path)
            throw error
        }
        writing.kept.bytes = Int64(bytes.count)
        numbers[lane] = header.number
        self.writing[lane] = writing
    }

    /// Whether the disk has the room that must be left.
    public func checkSpace() throws(CaptureError) {
        guard limits.minimumFreeBytes > 0 else { return }
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else { return }
        let free = Int64(clamping: UInt64(facts.f_bavail) * UInt64(facts.f_frsize))
        if free < limits.minimumFreeBytes {
            throw CaptureError(
                "\(folder): the disk has \(free >> 20) MiB left, and hub.retention.min_free is "
                    + "\(limits.minimumFreeBytes >> 20) MiB")
        }
    }

    /// Removes what is older than is to be kept.
    public func dropOld(now: Int64) {
        if let open = writing[.stream], open.kept.newestNanoseconds < now - limits.keepNanoseconds { finish(.stream) }
        remove { $0.file.lane == .stream && $0.newestNanoseconds < now - limits.keepNanoseconds }
        let sessions = Set(kept.filter { $0.file.lane == .stream }.map(\.file.sessionNanoseconds))
        remove {
            $0.file.lane == .state && $0.file.sessionNanoseconds != header.sessionNanoseconds
                && !sessions.contains($0.file.sessionNanoseconds)
        }
    }

    private func makeRoom(_ bytes: Int64, for lane: CaptureFrame.Lane) {
        while self.bytes + bytes > limits.maximumBytes {
            if let oldest = kept.indices.filter({ kept[$0].file.lane == .stream }).min(by: isOlder)
                ?? kept.indices.min(by: isOlder)
            {
                unlink(kept.remove(at: oldest).file.path)
                continue
            }
            // Only what is being written is left: the other lane's file, then this one's, begins anew.
            let other: CaptureFrame.Lane = lane == .stream ? .state : .stream
            guard writing[other] != nil else { return }
            finish(other)
        }
    }

    private func isOlder(_ one: Int, _ other: Int) -> Bool { kept[one].file.isBefore(kept[other].file) }

    private func remove(_ goes: (Kept) -> Bool) {
        for gone in kept.filter(goes) { unlink(gone.file.path) }
        kept.removeAll(where: goes)
    }

    private func finish(_ lane: CaptureFrame.Lane) {
        guard let open = writing.removeValue(forKey: lane) else { return }
        Glibc.close(open.descriptor)
        kept.append(open.kept)
    }

    /// Finishes what is being written; another frame begins new files.
    public func close() {
        for lane in CaptureFrame.Lane.allCases { finish(lane) }
    }

    private static func write(_ bytes: [UInt8], _ open: Writing) throws(CaptureError) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(open.descriptor, $0.baseAddress! + offset, $0.count - offset)
            }
            if count > 0 {
                offset += count
            } else if errno != EINTR {
                let error = fault("cannot write", open.kept.file.path)
                _ = ftruncate(open.descriptor, off_t(open.kept.bytes))
                throw error
            }
        }
    }

    private static func fault(_ what: String, _ path: String) -> CaptureError {
        CaptureError("\(what) \(path): \(String(cString: strerror(errno)))")
    }
}

/// The name of one file of a recording: session, number, lane.
public struct CaptureFile: Sendable, Hashable {
    public var path: String
    public var sessionNanoseconds: Int64
    public var lane: CaptureFrame.Lane
    public var number: Int

    static let ending = ".hubcap"

    init(folder: String, sessionNanoseconds: Int64, lane: CaptureFrame.Lane, number: Int) {
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        path = "\(folder)/\(sessionNanoseconds).\(padded).\(lane.rawValue)\(Self.ending)"
        self.sessionNanoseconds = sessionNanoseconds
        self.lane = lane
        self.number = number
    }

    init?(folder: String, name: String) {
        guard name.hasSuffix(Self.ending) else { return nil }
        let parts = name.split(separator: ".")
        guard parts.count == 4, let session = Int64(parts[0]), let number = Int(parts[1]),
            let lane = CaptureFrame.Lane(rawValue: String(parts[2]))
        else { return nil }
        path = "\(folder)/\(name)"
        sessionNanoseconds = session
        self.lane = lane
        self.number = number
    }

    func isBefore(_ other: CaptureFile) -> Bool {
        (sessionNanoseconds, number) < (other.sessionNanoseconds, other.number)
    }

    /// Where the recording of a provider is kept.
    public static func folder(of provider: String, data: String) -> String { "\(data)/captures/\(provider)" }

    /// All of a folder, the oldest first; other files are nobody's.
    public static func all(in folder: String) -> [CaptureFile] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [CaptureFile] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let file = CaptureFile(folder: folder, name: name) { found.append(file) }
        }
        return found.sorted { $0.isBefore($1) }
    }
}
