import CZlib
import PluginKit

/// Unpacks files that are gzip themselves, whatever the transfer was.
enum Unpacking {
    /// The complete list is about 60 MB.
    static let most = 512 << 20

    static func isPacked(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
    }

    /// The unpacked bytes. Whole files only; what grows beyond `most` is refused.
    static func gunzip(_ bytes: UnsafeRawBufferPointer, most: Int = Unpacking.most) throws -> [UInt8] {
        var stream = z_stream()
        // 16 beyond the window's size: the header of gzip is expected.
        guard inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw PluginError(.internal, "zlib cannot be started")
        }
        defer { inflateEnd(&stream) }
        var result: [UInt8] = []
        result.reserveCapacity(min(most, bytes.count * 12))
        stream.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(clamping: bytes.count)
        let piece = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 18)
        defer { piece.deallocate() }
        var status = Z_OK
        while status == Z_OK {
            stream.next_out = piece.baseAddress
            stream.avail_out = UInt32(piece.count)
            status = inflate(&stream, Z_NO_FLUSH)
            let made = piece.count - Int(stream.avail_out)
            guard result.count + made <= most else {
                throw PluginError(.protocolViolation, "a packed file of Upstox grows beyond \(most) bytes")
            }
            result.append(contentsOf: UnsafeBufferPointer(rebasing: piece[..<made]))
            if status == Z_OK, stream.avail_in == 0, stream.avail_out > 0 { status = Z_BUF_ERROR }
        }
        guard status == Z_STREAM_END else {
            throw PluginError(.protocolViolation, "a packed file of Upstox is damaged or cut")
        }
        return result
    }
}
