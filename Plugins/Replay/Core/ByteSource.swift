import CZlib
import PluginKit

#if canImport(Glibc)
    import Glibc
#endif

/// A file's bytes, unpacked if it is gzip. One owner; ``close()`` frees it.
struct ByteSource {
    private let file: gzFile

    /// Opens a file; the error names it and says why it cannot be read.
    init(path: String) throws {
        var information = stat()
        guard stat(path, &information) == 0 else {
            throw PluginError(.configuration, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw PluginError(.configuration, "cannot read \(path): it is not a regular file")
        }
        guard let file = gzopen(path, "rb") else {
            throw PluginError(.configuration, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        gzbuffer(file, 128 << 10)
        self.file = file
    }

    func close() { gzclose_r(file) }

    /// Reads up to so many bytes; 0 = the end. Throws when the file cannot be read, is damaged, or ends too early.
    func read(into space: UnsafeMutablePointer<UInt8>, capacity: Int) throws(ByteSourceError) -> Int {
        let count = gzread(file, space, UInt32(capacity))
        if count > 0 { return Int(count) }
        var code: Int32 = 0
        let text = gzerror(file, &code)
        if code == Z_BUF_ERROR { throw ByteSourceError(reason: "the gzip data ends too early: the file is cut off") }
        if code == Z_ERRNO { throw ByteSourceError(reason: "reading failed: \(String(cString: strerror(errno)))") }
        if count < 0 || code != Z_OK {
            let detail = text.map { String(cString: $0) } ?? "error \(code)"
            throw ByteSourceError(reason: "the gzip data is damaged: \(detail)")
        }
        return 0
    }
}

/// Why no more bytes come from a file.
struct ByteSourceError: Error {
    var reason: String
}
