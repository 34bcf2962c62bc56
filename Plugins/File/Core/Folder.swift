#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The folder the files are in, made if need be, and locked so that only one sink writes there.
///
/// Owns a descriptor of the folder, and with it the lock. Not thread-safe.
final class Folder {
    let path: String
    private let descriptor: Int32

    /// - Throws: `EWOULDBLOCK` where another sink holds the folder.
    init(_ path: String) throws(SystemError) {
        try Self.make(path)
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open the folder", path) }
        // Some network file systems cannot lock a folder; that is no reason not to write there.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
            let error = SystemError("write into", path, number: EWOULDBLOCK)
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // Closing is not enough while a process that was just forked still has its copy of the descriptor.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Whether the path still leads to this folder.
    var isIntact: Bool {
        var held = stat()
        var named = stat()
        return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
            && held.st_dev == named.st_dev
    }

    func path(_ name: EventFileName) -> String { "\(path)/\(name.text)" }

    /// Our files, oldest change first, by name where that is equal.
    func files() throws(SystemError) -> [EventFileName] {
        guard let stream = opendir(path) else { throw SystemError("list", path) }
        defer { closedir(stream) }
        var found: [(name: EventFileName, seconds: Int, nanoseconds: Int)] = []
        while let entry = readdir(stream) {
            let text = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let name = EventFileName(text) else { continue }
            var status = stat()
            guard stat(path(name), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            found.append((name, status.st_mtim.tv_sec, status.st_mtim.tv_nsec))
        }
        return found.sorted {
            ($0.seconds, $0.nanoseconds, $0.name.text) < ($1.seconds, $1.nanoseconds, $1.name.text)
        }.map(\.name)
    }

    func exists(_ name: EventFileName) -> Bool { access(path(name), F_OK) == 0 }

    /// Durable only after `sync()`.
    func rename(_ old: EventFileName, to new: EventFileName) throws(SystemError) {
        #if canImport(Glibc)
            let result = Glibc.rename(path(old), path(new))
        #else
            let result = Musl.rename(path(old), path(new))
        #endif
        guard result == 0 else { throw SystemError("rename", path(old)) }
    }

    /// Deletes a file; one that is gone already is as good.
    func delete(_ name: EventFileName) throws(SystemError) {
        guard unlink(path(name)) == 0 || errno == ENOENT else { throw SystemError("delete", path(name)) }
    }

    /// Makes names durable.
    func sync() throws(SystemError) {
        guard fsync(descriptor) == 0 else { throw SystemError("sync", path) }
    }

    private static func make(_ path: String) throws(SystemError) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemError("create the folder", path)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemError("create the folder", path) }
    }
}
