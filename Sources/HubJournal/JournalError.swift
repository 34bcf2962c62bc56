#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why a journal cannot be opened, or cannot go on.
public enum JournalError: Error, Hashable, Sendable {
    /// Another process has the data folder. `process` is its pid, if it could be read.
    case locked(folder: String, process: Int32?)
    /// A newer hub wrote the data folder. Formats are numbered from 1.
    case newerFormat(path: String, found: UInt32, supported: UInt32)
    /// The folder cannot be made, or not be written to. `code` is the `errno` value.
    case notWritable(folder: String, code: Int32)
    /// No journal is there, for those who only read.
    case missing(folder: String)
    /// No room for the next segment. Nothing was taken; try again once there is room.
    /// `freeBytes` is -1 where the system did not tell.
    case diskFull(folder: String, freeBytes: Int64, neededBytes: Int64)
    /// The operating system refused something else.
    case system(FileFault)
    /// A record of more than 255 lines, or of none.
    case badSize(lines: Int)
    /// An option that cannot be.
    case badOption(String)
    /// The journal was opened for reading, or was closed.
    case notOpenForWriting
}

extension JournalError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .locked(let folder, let process):
            let who = process.map { "process \($0)" } ?? "another process"
            return "the data folder \(folder) is in use by \(who): stop it, or give this hub another folder (hub.data)"
        case .newerFormat(let path, let found, let supported):
            return "\(path) has journal format \(found), and this hub reads up to format \(supported): "
                + "run the newer hub, or give this one another folder (hub.data)"
        case .notWritable(let folder, let code):
            return "the data folder \(folder) cannot be written to: \(Self.words(code)); "
                + "make it writable for this user, or give the hub another folder (hub.data)"
        case .missing(let folder):
            return "there is no journal in \(folder)"
        case .diskFull(let folder, let free, let needed):
            let found = free < 0 ? "" : ", \(free) bytes are free"
            return "the disk of \(folder) is full: \(needed) bytes are needed for the next journal segment\(found); "
                + "make room, the hub goes on by itself"
        case .system(let fault):
            return "cannot \(fault.operation) \(fault.path): \(Self.words(fault.code))"
        case .badSize(let lines):
            return "a record has 1 to 255 lines of 64 bytes, not \(lines)"
        case .badOption(let words):
            return words
        case .notOpenForWriting:
            return "the journal is not open for writing"
        }
    }

    private static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}

extension FileFault {
    /// The disk, or this user's share of it, is used up.
    var isFull: Bool { code == ENOSPC || code == EDQUOT }
    /// This user may not write there, or it is not a place that can be written to.
    var isRefusal: Bool { code == EACCES || code == EPERM || code == EROFS || code == ENOTDIR }
}
