#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a process promised before it was killed: a mapped file outside of the data folder, which outlives it.
public final class Progress: @unchecked Sendable {
    public enum Entry: Int, CaseIterable, Sendable {
        /// The last position that readers saw.
        case published
        /// The position of the last checkpoint that was written.
        case checkpoint
        /// The cursor of the sink `script`.
        case sink
        /// Names the epoch: its 16 digits as a number.
        case epoch
        /// The greatest time that retention went by.
        case retained
        /// How many steps there were.
        case steps
        /// How often something failed for want of room.
        case refusals
        /// 1 once all is done.
        case isDone
    }

    private let words: UnsafeMutablePointer<UInt64>

    /// Opens or makes the file.
    public init?(path: String) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        guard ftruncate(file, 4096) == 0,
            let base = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), base != MAP_FAILED
        else { return nil }
        words = base.assumingMemoryBound(to: UInt64.self)
    }

    deinit { munmap(words, 4096) }

    public subscript(_ entry: Entry) -> UInt64 {
        get { words[entry.rawValue] }
        set { words[entry.rawValue] = newValue }
    }
}
