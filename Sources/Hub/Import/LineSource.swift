import CZlib
import Foundation

/// The lines of a file, unpacked if it is gzip, in constant memory.
final class LineSource {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let path: String
    /// Bytes of the file as it lies on the disk.
    let size: Int
    /// Number of the line that was read last, from 1.
    private(set) var line = 0
    private let file: gzFile
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var start = 0
    private var end = 0
    private var isAtEnd = false

    /// A line of an event is never so long; whatever is longer is no such file.
    private static let longestLine = 1 << 20

    init(_ path: String) throws {
        self.path = path
        var information = stat()
        guard stat(path, &information) == 0 else {
            throw Failure(description: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            throw Failure(description: "cannot read \(path): it is not a regular file")
        }
        guard let file = gzopen(path, "rb") else {
            throw Failure(description: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        size = Int(information.st_size)
        self.file = file
    }

    deinit { gzclose_r(file) }

    /// Bytes of the file that were read so far.
    private(set) var position = 0

    /// The next line without its end; `nil` behind the last one.
    func next() throws -> ArraySlice<UInt8>? {
        while true {
            if let stop = buffer[start..<end].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = stop + 1 }
                return taken(stop)
            }
            if isAtEnd {
                guard start < end else { return nil }
                defer { start = end }
                return taken(end)
            }
            try refill()
        }
    }

    private func taken(_ stop: Int) -> ArraySlice<UInt8> {
        line += 1
        return buffer[start..<(stop > start && buffer[stop - 1] == UInt8(ascii: "\r") ? stop - 1 : stop)]
    }

    private func refill() throws {
        if start > 0 {
            buffer.replaceSubrange(0..<(end - start), with: Array(buffer[start..<end]))
            end -= start
            start = 0
        }
        if end == buffer.count {
            guard buffer.count < Self.longestLine else {
                throw Failure(
                    description: "\(path):\(line + 1): the line is longer than 1 MiB; this is no file of rows")
            }
            buffer.append(contentsOf: repeatElement(0, count: buffer.count))
        }
        let count = buffer.withUnsafeMutableBytes { space in
            gzread(file, space.baseAddress! + end, UInt32(space.count - end))
        }
        // A call of the system: not for each line.
        position = max(0, Int(gzoffset(file)))
        if count > 0 {
            end += Int(count)
            return
        }
        var code: Int32 = 0
        let text = gzerror(file, &code).map { String(cString: $0) } ?? ""
        if code == Z_BUF_ERROR {
            throw Failure(description: "\(path): the gzip data ends too early: the file is cut off; fetch it again")
        }
        if count < 0 || code != Z_OK {
            throw Failure(description: "\(path): the gzip data is damaged (\(text)); fetch it again")
        }
        isAtEnd = true
    }
}
