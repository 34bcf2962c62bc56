#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file being appended to. It ends with the last append that succeeded as a whole: what a failed one left is cut off.
///
/// Owns its descriptor. Not thread-safe.
final class OpenFile {
    let path: String
    private let descriptor: Int32
    /// Bytes in the file.
    private(set) var length: Int

    /// Opens an existing file.
    init(existing path: String) throws(SystemError) {
        let descriptor = open(path, O_RDWR | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        self.path = path
        self.descriptor = descriptor
        length = 0
        guard let status = Self.status(descriptor) else { throw SystemError("examine", path) }
        length = Int(status.st_size)
    }

    /// Makes a file; one that exists is an error.
    init(new path: String) throws(SystemError) {
        let descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SystemError("create", path) }
        self.path = path
        self.descriptor = descriptor
        length = 0
    }

    deinit { close(descriptor) }

    /// Whether the name still leads to the file, and nobody else has written to it or cut it.
    var isIntact: Bool {
        var named = stat()
        guard let held = Self.status(descriptor), stat(path, &named) == 0 else { return false }
        return held.st_ino == named.st_ino && held.st_dev == named.st_dev && Int(held.st_size) == length
    }

    /// Appends all of the bytes and makes them durable, or none of them.
    func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = write(descriptor, bytes.baseAddress.unsafelyUnwrapped + written, bytes.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = SystemError("write to", path, number: count == 0 ? EIO : errno)
                takeBack()
                throw error
            }
            written += count
        }
        // A failed sync may have dropped pages for good while later syncs succeed, so what it was for is written again.
        guard fdatasync(descriptor) == 0 else {
            let error = SystemError("sync", path)
            takeBack()
            throw error
        }
        length += bytes.count
    }

    /// Cuts the file.
    func truncate(to newLength: Int) throws(SystemError) {
        guard ftruncate(descriptor, off_t(newLength)) == 0, fdatasync(descriptor) == 0 else {
            throw SystemError("cut", path)
        }
        length = newLength
    }

    /// Reads bytes at an offset; fewer at the end of the file.
    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { space, initialized in
            while initialized < count {
                let got = pread(
                    descriptor, space.baseAddress.unsafelyUnwrapped + initialized, count - initialized,
                    off_t(offset + initialized))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                guard got > 0 else { break }
                initialized += got
            }
        }
        guard failure == 0 else { throw SystemError("read", path, number: failure) }
        return bytes
    }

    /// A failed append must not leave half a line. Should cutting fail too, `isIntact` says so before the next append.
    private func takeBack() {
        _ = ftruncate(descriptor, off_t(length))
    }

    private static func status(_ descriptor: Int32) -> stat? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status : nil
    }
}
