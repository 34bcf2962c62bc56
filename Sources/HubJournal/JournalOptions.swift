#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a record has survived when a reader sees it.
public enum JournalDurability: String, Sendable {
    /// The death of the process. The caller syncs about once a second.
    case process
    /// The loss of power: readers and waiters see only what was synced.
    case fsync
}

/// How a journal is opened.
public struct JournalOptions: Sendable {
    /// Bytes that a CRC covers and the index tells apart; segments are whole multiples.
    public static let blockBytes = 64 << 10

    /// The data folder. Segments lie in its subfolder `journal`.
    public var folder: String
    /// Size of a segment's file, a multiple of 64 KiB. Where the definitions at its head would take more than half of it, the
    /// file is larger.
    public var segmentBytes = 64 << 20
    public var durability = JournalDurability.process
    /// A new segment is refused (`diskFull`) if less than this would be left.
    public var minimumFreeBytes: Int64 = 0
    /// Age by `ts_recv` after which a sealed segment may go; `nil` keeps all.
    public var retentionNanoseconds: Int64?
    /// Size of all segments together beyond which the oldest may go; `nil` keeps all.
    public var retentionBytes: Int64?
    /// 16 hex digits instead of random ones: under lockstep, from the digest of the configuration.
    public var epoch: String?
    /// The boot that this process lives in; `nil` asks the kernel.
    public var bootID: String?
    /// Makes the next segment, and seals the last one, on a thread of its own. Without, the writer does so when needed:
    /// slower, but in a fixed order.
    public var preparesAhead = true
    /// Wall clock in nanoseconds, for the creation time in a segment's header.
    public var clock: @Sendable () -> Int64 = JournalOptions.wallClock
    public var files: any FileLayer = SystemFiles()

    public init(folder: String) { self.folder = folder }

    /// Nanoseconds since the epoch, UTC.
    public static let wallClock: @Sendable () -> Int64 = {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    func check() throws(JournalError) {
        guard segmentBytes >= Self.blockBytes, segmentBytes % Self.blockBytes == 0, segmentBytes <= 1 << 30 else {
            throw .badOption(
                "a segment is a multiple of 65536 bytes, at most 1 GiB, not \(segmentBytes) bytes (segmentBytes)")
        }
        if let epoch, !Epoch.isValid(epoch) {
            throw .badOption("an epoch is 16 hex digits in lower case, not \"\(epoch)\"")
        }
    }

    /// The kernel's name of this boot; empty where there is none, and then no two boots are ever the same.
    static func kernelBootID(_ files: any FileLayer) -> String {
        // The size of a file in /proc is 0, so the layer's read would return nothing.
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 64)
        guard fgets(&text, 64, file) != nil else { return "" }
        return String(decoding: text.prefix { $0 > 32 }.map { UInt8($0) }, as: UTF8.self)
    }
}
