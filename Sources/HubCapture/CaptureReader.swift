import Glibc

/// Reads the frames of one file in order. The end of a file that was being written when its hub was killed is where its last
/// whole frame ends.
public final class CaptureReader {
    public let path: String
    public let header: CaptureHeader
    /// Why there is no more, where the file goes on behind the last whole frame.
    public private(set) var damage: String?

    private let file: Int32
    private var buffer: [UInt8] = []
    private var at = 0
    /// Bytes of the file before the buffer.
    private var before = 0
    private var isOver = false

    private static let piece = 1 << 18

    /// - Throws: `CaptureError`: no such file, no capture, a newer version, a damaged beginning.
    public init(path: String) throws(CaptureError) {
        self.path = path
        file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            throw CaptureError("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        var bytes: [UInt8] = []
        let head = CaptureHeader.magic.count + 2 + CaptureCoding.frameHead
        Self.fill(file, &bytes, head)
        let isCapture = bytes.starts(with: CaptureHeader.magic)
        guard isCapture, bytes.count == head else {
            close(file)
            throw CaptureError(
                isCapture || (!bytes.isEmpty && CaptureHeader.magic.starts(with: bytes))
                    ? "\(path) ends within its header: it was cut off, or its hub was killed as it began"
                    : "\(path) is no capture: it does not begin as `hub record` writes them")
        }
        let version = UInt16(bytes[6]) | UInt16(bytes[7]) << 8
        guard version == CaptureHeader.version else {
            close(file)
            throw CaptureError(
                "\(path) is of version \(version) of the format, this hub reads \(CaptureHeader.version): "
                    + "use the hub that recorded it, or a newer one")
        }
        let length = Self.number(bytes, 8)
        guard length <= 1 << 20 else {
            close(file)
            throw CaptureError("\(path): its header is damaged")
        }
        Self.fill(file, &bytes, head + length)
        guard bytes.count == head + length else {
            close(file)
            throw CaptureError("\(path) ends within its header: it was cut off, or its hub was killed as it began")
        }
        guard CaptureCoding.checksum(bytes, 8, length) == UInt32(truncatingIfNeeded: Self.number(bytes, 12)),
            let header = CaptureHeader(json: Array(bytes[head...]))
        else {
            close(file)
            throw CaptureError("\(path): its header is damaged")
        }
        self.header = header
        before = bytes.count
    }

    deinit { close(file) }

    /// The next frame; `nil` at the end, and where `damage` says why it is not the file's.
    public func next() -> CaptureFrame? {
        while !isOver {
            guard has(CaptureCoding.frameHead) else {
                return end(at < buffer.count ? "ends within the head of a frame" : nil)
            }
            let length = Self.number(buffer, at)
            guard length <= CaptureCoding.longestPayload else {
                return end("there is no frame where one should be: it is damaged")
            }
            guard has(CaptureCoding.frameHead + length) else { return end("ends within a frame") }
            guard
                CaptureCoding.checksum(buffer, at, length)
                    == UInt32(truncatingIfNeeded: Self.number(buffer, at + 4))
            else {
                return end("a frame has a wrong checksum: it is damaged")
            }
            let start = at + CaptureCoding.frameHead
            at = start + length
            // A kind that a newer hub added is skipped.
            if let frame = CaptureCoding.frame(buffer[start..<at]) { return frame }
        }
        return nil
    }

    private func end(_ reason: String?) -> CaptureFrame? {
        isOver = true
        damage = reason.map { "\(path), byte \(before + at): \($0)" }
        return nil
    }

    private func has(_ count: Int) -> Bool {
        if buffer.count - at >= count { return true }
        buffer.removeFirst(at)
        before += at
        at = 0
        Self.fill(file, &buffer, max(count, Self.piece))
        return buffer.count >= count
    }

    /// Reads until there are so many bytes or no more.
    private static func fill(_ file: Int32, _ bytes: inout [UInt8], _ wanted: Int) {
        while bytes.count < wanted {
            let missing = min(wanted - bytes.count, 1 << 22)
            let piece = [UInt8](unsafeUninitializedCapacity: missing) { space, count in
                var got = -1
                repeat { got = read(file, space.baseAddress, missing) } while got < 0 && errno == EINTR
                count = max(0, got)
            }
            if piece.isEmpty { return }
            bytes += piece
        }
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
}
