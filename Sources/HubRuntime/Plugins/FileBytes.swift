import Glibc

/// A file as it was at one moment: its bytes and what tells whether it has changed since.
struct FileBytes {
    let stamp: FileStamp
    let bytes: [UInt8]

    /// Reads a whole regular file, once.
    static func read(_ path: String) throws(PluginRefusal) -> FileBytes {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw refusal(path, "cannot be opened") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw refusal(path, "cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw PluginRefusal(file: path, reason: "is not a regular file; a plugin is a shared library (.so)")
        }
        guard status.st_size <= largest else {
            throw PluginRefusal(
                file: path, reason: "has \(status.st_size) bytes; a plugin has at most \(largest)")
        }
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { space, count in
            while count < space.count {
                let read = Glibc.read(file, space.baseAddress! + count, space.count - count)
                if read < 0, errno == EINTR { continue }
                if read <= 0 {
                    failed = read < 0
                    break
                }
                count += read
            }
        }
        guard !failed else { throw refusal(path, "cannot be read") }
        return FileBytes(stamp: FileStamp(status), bytes: bytes)
    }

    private static let largest = 1 << 30

    private static func refusal(_ path: String, _ what: String) -> PluginRefusal {
        PluginRefusal(file: path, reason: "\(what): \(String(cString: strerror(errno)))")
    }

    /// Whether a text, not empty, stands somewhere among the bytes.
    func contains(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { wanted in
            bytes.withUnsafeBytes { all in
                var at = all.baseAddress!
                let end = at + all.count - wanted.count
                while at <= end, let next = memchr(at, Int32(wanted[0]), end - at + 1) {
                    if memcmp(next, wanted.baseAddress!, wanted.count) == 0 { return true }
                    at = UnsafeRawPointer(next) + 1
                }
                return false
            }
        }
    }
}

/// Size and time of change of a file: the same stamp, the same content, as far as a start has to know.
struct FileStamp: Hashable, Sendable {
    var size: Int64
    var modifiedNanoseconds: Int64

    init(size: Int64, modifiedNanoseconds: Int64) {
        self.size = size
        self.modifiedNanoseconds = modifiedNanoseconds
    }

    init(_ status: stat) {
        size = Int64(status.st_size)
        modifiedNanoseconds = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    /// The stamp of a file, `nil` if there is none.
    init?(ofFile path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}
