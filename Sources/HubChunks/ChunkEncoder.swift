public import PluginABI

/// Packs records of one stream and kind into the bytes of one chunk.
public struct ChunkEncoder {
    /// A chunk holds at most so many records.
    public static let mostRecords = 8192

    public init() {}

    /// - Parameter records: of one stream and one kind, `seq` ascending, 1 to `mostRecords` of them.
    /// - Returns: bytes from which `ChunkDecoder` makes exactly these records again, every byte of every line.
    public mutating func encode(_ records: UnsafeBufferPointer<UnsafePointer<hub_record>>) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records {
            bytes += UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE))
        }
        return bytes
    }
}
