#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// The system's `read`, under a name that members called `read` do not hide.
func readSome(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

/// Why a file could not be read, in the system's words.
struct FileError: Error {
    var reason: String
    /// There is no such file.
    var isAbsence: Bool
}

enum FileBytes {
    /// The whole file.
    static func read(_ path: String, atMost limit: Int) throws(FileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw error() }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw error() }
        guard info.st_mode & S_IFMT != S_IFDIR else {
            throw FileError(reason: "it is a folder", isAbsence: false)
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { readSome(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error() }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw FileError(reason: "it is larger than \(limit >> 10) KiB", isAbsence: false)
    }

    private static func error() -> FileError {
        let code = errno
        return FileError(
            reason: String(cString: strerror(code)), isAbsence: code == ENOENT || code == ENOTDIR)
    }

    static var currentFolder: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    /// A path made absolute, `.` and `..` taken out; links are not followed.
    static func absolute(_ path: String, in folder: String) -> String {
        var parts: [Substring] = []
        let whole = path.hasPrefix("/") ? path : "\(folder)/\(path)"
        for part in whole.split(separator: "/") {
            if part == "." { continue }
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The folder a file is in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
