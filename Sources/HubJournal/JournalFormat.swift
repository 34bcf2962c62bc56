/// The format of the journal's files.
public enum JournalFormat {
    /// What this hub writes, and the newest it reads. Formats are numbered from 1.
    public static let version = SegmentHeader.formatVersion
}
