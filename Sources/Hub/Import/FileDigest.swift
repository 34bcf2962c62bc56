import Crypto
import Foundation

/// Names a file by what is in it.
enum FileDigest {
    /// SHA-256 of the file's bytes and of how they are read, in hex digits.
    static func hex(_ path: String, with words: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var digest = SHA256()
        digest.update(data: Data((words + "\n").utf8))
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { digest.update(data: piece) }
        return digest.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}
