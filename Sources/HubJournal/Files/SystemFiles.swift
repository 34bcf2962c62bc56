import CHubSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file layer of the operating system.
public struct SystemFiles: FileLayer {
    public init() {}

    public func makeFolder(_ path: String) throws(FileFault) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            // Something else of that name would otherwise be found only by the first file in it.
            guard isFolder(path) else { throw FileFault("make the folder", path, code: ENOTDIR) }
        case ENOENT:
            let above = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            guard !above.isEmpty else { throw FileFault("make the folder", path, code: ENOENT) }
            try makeFolder(above)
            if mkdir(path, 0o700) != 0 && errno != EEXIST { throw FileFault("make the folder", path, code: errno) }
        default:
            throw FileFault("make the folder", path, code: errno)
        }
    }

    private func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    public func names(in folder: String) throws(FileFault) -> [String] {
        guard let listing = opendir(folder) else { throw FileFault("list", folder, code: errno) }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    public func open(_ path: String, _ access: FileAccess) throws(FileFault) -> Int32 {
        let flags =
            switch access {
            case .reading: O_RDONLY
            case .readingAndWriting: O_RDWR
            case .creating: O_RDWR | O_CREAT
            }
        let descriptor = retrying { Glibc.open(path, flags | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { throw FileFault("open", path, code: errno) }
        return descriptor
    }

    public func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

    public func size(_ descriptor: Int32, path: String) throws(FileFault) -> Int {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw FileFault("look at", path, code: errno) }
        return Int(info.st_size)
    }

    public func allocate(_ descriptor: Int32, bytes: Int, path: String) throws(FileFault) {
        let failure = hub_allocate(descriptor, Int64(bytes))
        guard failure == 0 else { throw FileFault("allocate room for", path, code: failure) }
    }

    public func map(
        _ descriptor: Int32, bytes: Int, writable: Bool, path: String
    ) throws(FileFault) -> UnsafeMutableRawPointer {
        guard let base = hub_map_file(descriptor, bytes, writable ? 1 : 0) else {
            throw FileFault("map", path, code: errno)
        }
        return base
    }

    public func unmap(_ base: UnsafeMutableRawPointer, bytes: Int) { munmap(base, bytes) }

    public func populate(_ base: UnsafeMutableRawPointer, bytes: Int, path: String) throws(FileFault) {
        guard hub_populate_for_writing(base, bytes) == 0 else { throw FileFault("bring in", path, code: errno) }
    }

    public func read(_ path: String) throws(FileFault) -> [UInt8]? {
        let descriptor = retrying { Glibc.open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFault("open", path, code: errno)
        }
        defer { close(descriptor) }
        let count = try size(descriptor, path: path)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = retrying { Glibc.read(descriptor, buffer.baseAddress! + filled, count - filled) }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
        }
        guard failure == 0 else { throw FileFault("read", path, code: failure) }
        return bytes
    }

    public func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileFault) {
        guard ftruncate(descriptor, 0) == 0 else { throw FileFault("write", path, code: errno) }
        var failure: Int32 = 0
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = retrying {
                    pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(done))
                }
                guard count > 0 else {
                    failure = count < 0 ? errno : ENOSPC
                    return
                }
                done += count
            }
        }
        guard failure == 0 else { throw FileFault("write", path, code: failure) }
    }

    public func sync(_ descriptor: Int32, path: String) throws(FileFault) {
        guard retrying({ Int(fdatasync(descriptor)) }) == 0 else { throw FileFault("sync", path, code: errno) }
    }

    public func syncFolder(_ path: String) throws(FileFault) {
        let descriptor = retrying { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileFault("open", path, code: errno) }
        defer { close(descriptor) }
        guard retrying({ Int(fsync(descriptor)) }) == 0 else { throw FileFault("sync", path, code: errno) }
    }

    public func rename(_ from: String, to: String) throws(FileFault) {
        guard Glibc.rename(from, to) == 0 else { throw FileFault("rename to", to, code: errno) }
    }

    public func remove(_ path: String) throws(FileFault) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFault("remove", path, code: errno) }
    }

    public func freeBytes(_ folder: String) throws(FileFault) -> Int64 {
        let bytes = hub_free_bytes(folder)
        guard bytes >= 0 else { throw FileFault("ask for the free room of", folder, code: errno) }
        return bytes
    }

    public func lock(_ descriptor: Int32, path: String) throws(FileFault) -> Bool {
        let taken = hub_try_lock(descriptor)
        guard taken >= 0 else { throw FileFault("lock", path, code: errno) }
        return taken == 1
    }
}

/// Repeats a system call that a signal interrupted.
private func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
