/// A file operation that failed.
public struct FileFault: Error, Hashable, Sendable {
    /// What was attempted, as a verb: `open`, `allocate`, `rename` …
    public let operation: String
    public let path: String
    /// The `errno` value.
    public let code: Int32

    public init(_ operation: String, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }
}

/// How a file is opened.
public enum FileAccess: Sendable {
    case reading
    /// Must exist.
    case readingAndWriting
    /// Made if it is missing.
    case creating
}

/// Every operation of the journal on files goes through this, so that a test can make each of them fail or be the last one
/// before the process dies.
///
/// All functions may be called from any thread. Writing into a mapping is not among them: it cannot fail once the
/// file is allocated, and it survives the process.
public protocol FileLayer: Sendable {
    /// Makes a folder with mode 0700, and those above it; one that exists is left as it is.
    func makeFolder(_ path: String) throws(FileFault)
    /// Names in a folder, sorted by their bytes.
    func names(in folder: String) throws(FileFault) -> [String]
    func open(_ path: String, _ access: FileAccess) throws(FileFault) -> Int32
    func close(_ descriptor: Int32)
    func size(_ descriptor: Int32, path: String) throws(FileFault) -> Int
    /// Makes the file this long, with room on the disk for every byte of it.
    func allocate(_ descriptor: Int32, bytes: Int, path: String) throws(FileFault)
    func map(
        _ descriptor: Int32, bytes: Int, writable: Bool, path: String
    ) throws(FileFault) -> UnsafeMutableRawPointer
    func unmap(_ base: UnsafeMutableRawPointer, bytes: Int)
    /// Makes all pages of a writable mapping present.
    func populate(_ base: UnsafeMutableRawPointer, bytes: Int, path: String) throws(FileFault)
    /// The whole file; `nil` if there is none.
    func read(_ path: String) throws(FileFault) -> [UInt8]?
    /// Replaces what an open file holds.
    func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileFault)
    /// Returns once the file's content is on the medium.
    func sync(_ descriptor: Int32, path: String) throws(FileFault)
    /// Returns once the names in the folder are on the medium.
    func syncFolder(_ path: String) throws(FileFault)
    func rename(_ from: String, to: String) throws(FileFault)
    /// Removes a file; one that is not there is no error.
    func remove(_ path: String) throws(FileFault)
    /// Bytes of the file system that this process may still take.
    func freeBytes(_ folder: String) throws(FileFault) -> Int64
    /// Takes an exclusive lock that ends with the descriptor; `false` if another process has it.
    func lock(_ descriptor: Int32, path: String) throws(FileFault) -> Bool
}

extension FileLayer {
    /// Replaces a file so that after a crash it is either the old or the new one, whole: temporary file, sync, rename, sync of
    /// the folder.
    func replace(_ name: String, in folder: String, with bytes: [UInt8]) throws(FileFault) {
        let path = "\(folder)/\(name)"
        let temporary = path + Names.temporarySuffix
        do throws(FileFault) {
            let descriptor = try open(temporary, .creating)
            do throws(FileFault) {
                try write(bytes, to: descriptor, path: temporary)
                try sync(descriptor, path: temporary)
            } catch {
                close(descriptor)
                throw error
            }
            close(descriptor)
            try rename(temporary, to: path)
        } catch {
            // Half a temporary file must not keep the room that it took on a full disk.
            try? remove(temporary)
            throw error
        }
        try syncFolder(folder)
    }
}
