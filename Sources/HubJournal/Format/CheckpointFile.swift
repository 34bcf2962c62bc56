/// The state of the fold after some position: `NNN.checkpoint`.
///
/// | offset | bytes | |
/// |---|---|---|
/// | 0 | 8 | `HUB-CHK\n` |
/// | 8 | 4 | format version, that of the segments |
/// | 12 | 4 | CRC32C of the state |
/// | 16 | 8 | seq |
/// | 24 | 8 | bytes of the state |
/// | 32 | 16 | epoch |
/// | 48 | 12 | reserved |
/// | 60 | 4 | CRC32C of bytes 0 to 59 |
/// | 64 | | the state, as the owner of the fold wrote it |
enum CheckpointFile {
    private static let magic: [UInt8] = Array("HUB-CHK\n".utf8)
    private static let headerBytes = 64

    static func bytes(seq: UInt64, epoch: String, state: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(magic)
        writer.append(SegmentHeader.formatVersion)
        writer.append(state.withUnsafeBytes { $0.baseAddress?.checksum(0, $0.count) ?? 0 })
        writer.append(seq)
        writer.append(UInt64(state.count))
        writer.append(epoch, padded: 16)
        writer.append([UInt8](repeating: 0, count: 12))
        writer.append(writer.checksum)
        writer.append(state)
        return writer.bytes
    }

    /// `nil` if the file is not whole, or not for this seq.
    static func read(_ bytes: [UInt8], seq: UInt64) -> (epoch: String, state: [UInt8])? {
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress, buffer.count >= headerBytes,
                buffer.prefix(8).elementsEqual(magic), base.checksum(0, 60) == base.number(60, UInt32.self),
                base.number(8, UInt32.self) <= SegmentHeader.formatVersion, base.number(16, UInt64.self) == seq,
                base.number(24, UInt64.self) == UInt64(buffer.count - headerBytes),
                base.checksum(headerBytes, buffer.count - headerBytes) == base.number(12, UInt32.self)
            else { return nil }
            return (base.text(32, 16), Array(buffer[headerBytes...]))
        }
    }
}
