import Glibc

/// The frames of recordings as one sequence: of a folder's ring, or of one file.
///
/// Sessions follow one another; within one the two lanes are merged by ordinal. Damage ends a file, never the sequence.
public final class CaptureSource {
    /// Of the first file; the setup in each session's first frame is what counts for it.
    public let header: CaptureHeader
    /// What is damaged or cut off, in words.
    public private(set) var problems: [String] = []

    /// Files by session, oldest first, by lane.
    private var sessions: [[[String]]]
    private var lanes: [Lane] = []

    private final class Lane {
        var paths: ArraySlice<String>
        var reader: CaptureReader?
        var next: CaptureFrame?

        init(_ paths: [String]) { self.paths = paths[...] }
    }

    /// One file.
    public init(file path: String) throws(CaptureError) {
        header = try CaptureReader(path: path).header
        sessions = [[[path]]]
    }

    /// A provider's folder; a hub may be writing to it.
    public init(folder: String) throws(CaptureError) {
        let files = CaptureFile.all(in: folder)
        guard !files.isEmpty else { throw CaptureError("\(folder) holds no recording") }
        var found: CaptureHeader?
        var reason: CaptureError?
        for file in files where found == nil {
            do throws(CaptureError) {
                found = try CaptureReader(path: file.path).header
            } catch {
                reason = error
            }
        }
        guard let found else { throw reason ?? CaptureError("\(folder) holds no recording") }
        header = found
        sessions = []
        var last: Int64?
        for file in files {
            if file.sessionNanoseconds != last { sessions.append([[], []]) }
            last = file.sessionNanoseconds
            sessions[sessions.count - 1][file.lane == .state ? 0 : 1].append(file.path)
        }
    }

    /// The next frame; `nil` at the end.
    public func next() -> CaptureFrame? {
        while true {
            for lane in lanes where lane.next == nil { advance(lane) }
            let waiting = lanes.filter { $0.next != nil }
            if let first = waiting.min(by: { $0.next!.ordinal < $1.next!.ordinal }) {
                defer { first.next = nil }
                return first.next
            }
            guard !sessions.isEmpty else { return nil }
            lanes = sessions.removeFirst().map { Lane($0) }
        }
    }

    private func advance(_ lane: Lane) {
        while true {
            if let reader = lane.reader {
                if let frame = reader.next() {
                    lane.next = frame
                    return
                }
                if let damage = reader.damage { problems.append(damage) }
                lane.reader = nil
            }
            guard let path = lane.paths.popFirst() else { return }
            do throws(CaptureError) {
                lane.reader = try CaptureReader(path: path)
            } catch {
                // The ring may have let go of it meanwhile.
                if access(path, F_OK) == 0 { problems.append(error.description) }
            }
        }
    }
}

/// Copies a range of time out of a recording into one file.
public enum CaptureCopy {
    public struct Result: Sendable, Equatable {
        public var frames = 0
        public var bytes: Int64 = 0
        public var firstNanoseconds: Int64 = 0
        public var lastNanoseconds: Int64 = 0
        public var problems: [String] = []
    }

    /// - Parameters:
    ///   - from: inclusive, `to`: exclusive, nanoseconds. Of what came before, what makes up the plugin's state is copied, too.
    /// - Throws: where the output cannot be written or exists already, and where nothing falls into the range.
    public static func run(
        _ source: CaptureSource, to output: String, from: Int64 = .min, until: Int64 = .max
    ) throws(CaptureError) -> Result {
        let temporary = output + ".part"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fault(output) }
        var isDone = false
        defer {
            close(file)
            if !isDone { unlink(temporary) }
        }
        var header = source.header
        header.lane = nil
        header.fromNanoseconds = max(0, from)
        var result = Result()
        var bytes = header.bytes
        while let frame = source.next() {
            guard frame.wallNanoseconds < until else { continue }
            if frame.wallNanoseconds < from, frame.lane == .stream { continue }
            if frame.wallNanoseconds >= from {
                result.frames += 1
                if result.firstNanoseconds == 0 { result.firstNanoseconds = frame.wallNanoseconds }
                result.lastNanoseconds = max(result.lastNanoseconds, frame.wallNanoseconds)
            }
            CaptureCoding.append(frame, to: &bytes)
            if bytes.count >= 1 << 20 {
                result.bytes += Int64(bytes.count)
                guard write(bytes, file) else { throw fault(output) }
                bytes.removeAll(keepingCapacity: true)
            }
        }
        result.problems = source.problems
        guard result.frames > 0 else { throw CaptureError("nothing was recorded in that time") }
        result.bytes += Int64(bytes.count)
        guard write(bytes, file), fsync(file) == 0, link(temporary, output) == 0 else { throw fault(output) }
        unlink(temporary)
        isDone = true
        return result
    }

    private static func write(_ bytes: [UInt8], _ file: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + offset, $0.count - offset) }
            if count > 0 {
                offset += count
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    private static func fault(_ path: String) -> CaptureError {
        CaptureError("\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
