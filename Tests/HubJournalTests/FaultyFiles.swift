import Synchronization

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file layer in which one operation, or every one from some point on, fails.
///
/// Stopping at an operation is what a process does that dies there: it does nothing more to the folder, but what it mapped
/// stays as it was written.
final class FaultyFiles: FileLayer {
    private struct Plan {
        var count = 0
        var stopsAt = Int.max
        var failing: [String: Int32] = [:]
        var free: Int64?
        var log: [String] = []
    }
    private let plan = Mutex(Plan())
    private let system = SystemFiles()

    /// From this operation on (the first is 1), all fail.
    init(stopsAt: Int = .max) { plan.withLock { $0.stopsAt = stopsAt } }

    /// Every operation of this name fails with this `errno` value; `nil` ends that.
    func fail(_ operation: String, with code: Int32?) { plan.withLock { $0.failing[operation] = code } }
    /// What the file system says is free; `nil`: the truth.
    func setFree(_ bytes: Int64?) { plan.withLock { $0.free = bytes } }
    /// How many operations there were.
    var count: Int { plan.withLock { $0.count } }
    var log: [String] { plan.withLock { $0.log } }

    private func pass<Result>(
        _ operation: String, _ path: String, _ body: () throws(FileFault) -> Result
    ) throws(FileFault) -> Result {
        let code: Int32? = plan.withLock { plan in
            plan.count += 1
            plan.log.append("\(operation) \(path.split(separator: "/").last ?? "")")
            return plan.count >= plan.stopsAt ? EIO : plan.failing[operation]
        }
        if let code { throw FileFault(operation, path, code: code) }
        return try body()
    }

    func makeFolder(_ path: String) throws(FileFault) {
        try pass("makeFolder", path) { () throws(FileFault) in try system.makeFolder(path) }
    }
    func names(in folder: String) throws(FileFault) -> [String] { try system.names(in: folder) }
    func open(_ path: String, _ access: FileAccess) throws(FileFault) -> Int32 {
        if case .reading = access { return try system.open(path, access) }
        return try pass("open", path) { () throws(FileFault) in try system.open(path, access) }
    }
    func close(_ descriptor: Int32) { system.close(descriptor) }
    func size(_ descriptor: Int32, path: String) throws(FileFault) -> Int { try system.size(descriptor, path: path) }
    func allocate(_ descriptor: Int32, bytes: Int, path: String) throws(FileFault) {
        try pass("allocate", path) { () throws(FileFault) in
            try system.allocate(descriptor, bytes: bytes, path: path)
        }
    }
    func map(
        _ descriptor: Int32, bytes: Int, writable: Bool, path: String
    ) throws(FileFault) -> UnsafeMutableRawPointer {
        if !writable { return try system.map(descriptor, bytes: bytes, writable: false, path: path) }
        return try pass("map", path) { () throws(FileFault) in
            try system.map(descriptor, bytes: bytes, writable: true, path: path)
        }
    }
    func unmap(_ base: UnsafeMutableRawPointer, bytes: Int) { system.unmap(base, bytes: bytes) }
    func populate(_ base: UnsafeMutableRawPointer, bytes: Int, path: String) throws(FileFault) {
        try pass("populate", path) { () throws(FileFault) in try system.populate(base, bytes: bytes, path: path) }
    }
    func read(_ path: String) throws(FileFault) -> [UInt8]? { try system.read(path) }
    func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileFault) {
        do throws(FileFault) {
            try pass("write", path) { () throws(FileFault) in
                try system.write(bytes, to: descriptor, path: path)
            }
        } catch {
            // A process that dies while it writes has written some of it.
            if error.code == EIO { try? system.write(Array(bytes.prefix(bytes.count / 2)), to: descriptor, path: path) }
            throw error
        }
    }
    func sync(_ descriptor: Int32, path: String) throws(FileFault) {
        try pass("sync", path) { () throws(FileFault) in try system.sync(descriptor, path: path) }
    }
    func syncFolder(_ path: String) throws(FileFault) {
        try pass("syncFolder", path) { () throws(FileFault) in try system.syncFolder(path) }
    }
    func rename(_ from: String, to: String) throws(FileFault) {
        try pass("rename", to) { () throws(FileFault) in try system.rename(from, to: to) }
    }
    func remove(_ path: String) throws(FileFault) {
        try pass("remove", path) { () throws(FileFault) in try system.remove(path) }
    }
    func freeBytes(_ folder: String) throws(FileFault) -> Int64 {
        if let free = plan.withLock({ $0.free }) { return free }
        return try system.freeBytes(folder)
    }
    func lock(_ descriptor: Int32, path: String) throws(FileFault) -> Bool {
        try pass("lock", path) { () throws(FileFault) in try system.lock(descriptor, path: path) }
    }
}
