/// A text that values come from: a file, or one `--set` of the command line.
///
/// Lines and columns count from 1; columns count Unicode scalars, as libyaml does.
final class SourceText: Sendable {
    enum Origin: Sendable, Equatable {
        case file
        /// The n-th `--set`, from 1.
        case override(Int)
    }

    /// As it is shown: the path as it was given, or `--set #1`.
    let name: String
    /// Relative paths in the text start here; absolute.
    let folder: String
    let origin: Origin
    let bytes: [UInt8]
    private let lineStarts: [Int]

    init(name: String, folder: String, origin: Origin = .file, bytes: [UInt8]) {
        self.name = name
        self.folder = folder
        self.origin = origin
        // A byte order mark says UTF-8, which is known.
        self.bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
        lineStarts = SourceText.starts(of: self.bytes)
    }

    var lineCount: Int { lineStarts.count }

    /// The bytes of a line without its line break; empty beyond the end.
    func lineBytes(_ line: Int) -> ArraySlice<UInt8> {
        guard line >= 1, line <= lineStarts.count else { return [] }
        let start = lineStarts[line - 1]
        let end = line < lineStarts.count ? lineStarts[line] : bytes.count
        var slice = bytes[start..<end]
        if slice.suffix(3).elementsEqual([0xe2, 0x80, 0xa8])
            || slice.suffix(3).elementsEqual([0xe2, 0x80, 0xa9])
        {
            slice = slice.dropLast(3)
        } else if slice.suffix(2).elementsEqual([0xc2, 0x85]) {
            slice = slice.dropLast(2)
        } else {
            if slice.last == 0x0a { slice = slice.dropLast() }
            if slice.last == 0x0d { slice = slice.dropLast() }
        }
        return slice
    }

    /// A line without its line break.
    func line(_ number: Int) -> String { String(decoding: lineBytes(number), as: UTF8.self) }

    /// The scalars of a line, for looking at columns.
    func scalars(_ number: Int) -> [Unicode.Scalar] { Array(line(number).unicodeScalars) }

    /// Where a byte stands.
    func position(ofByte offset: Int) -> (line: Int, column: Int) {
        // The last line that starts at or before the byte.
        var low = 0
        var high = lineStarts.count
        while low + 1 < high {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lineStarts[low]..<min(max(offset, lineStarts[low]), bytes.count)]
        return (low + 1, String(decoding: before, as: UTF8.self).unicodeScalars.count + 1)
    }

    /// Where a place stands in the bytes.
    func byteOffset(line: Int, column: Int) -> Int {
        guard line >= 1, line <= lineStarts.count else { return bytes.count }
        var offset = lineStarts[line - 1]
        var left = column - 1
        while left > 0, offset < bytes.count {
            offset += 1
            while offset < bytes.count, bytes[offset] & 0xc0 == 0x80 { offset += 1 }
            left -= 1
        }
        return offset
    }

    /// Lines as libyaml breaks them: LF, CR LF, CR, and the Unicode ones of YAML 1.1 (NEL, LS, PS).
    private static func starts(of bytes: [UInt8]) -> [Int] {
        var starts = [0]
        var at = 0
        while at < bytes.count {
            switch bytes[at] {
            case 0x0a:
                at += 1
                starts.append(at)
            case 0x0d:
                at += at + 1 < bytes.count && bytes[at + 1] == 0x0a ? 2 : 1
                starts.append(at)
            case 0xc2 where at + 1 < bytes.count && bytes[at + 1] == 0x85:
                at += 2
                starts.append(at)
            case 0xe2
            where at + 2 < bytes.count && bytes[at + 1] == 0x80
                && (bytes[at + 2] == 0xa8 || bytes[at + 2] == 0xa9):
                at += 3
                starts.append(at)
            default:
                at += 1
            }
        }
        return starts
    }
}

/// A stretch of a source, from its first scalar to before its end.
struct SourceSpan: Sendable {
    var source: SourceText
    var line: Int
    var column: Int
    var endLine: Int
    var endColumn: Int

    init(_ source: SourceText, line: Int, column: Int, endLine: Int, endColumn: Int) {
        self.source = source
        self.line = line
        self.column = column
        self.endLine = endLine
        self.endColumn = endColumn
    }

    init(_ source: SourceText, line: Int, column: Int, length: Int = 1) {
        self.init(source, line: line, column: column, endLine: line, endColumn: column + length)
    }

    /// The whole of a line but its indentation.
    init(_ source: SourceText, wholeLine line: Int) {
        let scalars = source.scalars(line)
        let indent = scalars.prefix { $0 == " " || $0 == "\t" }.count
        self.init(source, line: line, column: indent + 1, length: max(scalars.count - indent, 1))
    }

    /// How many columns of its first line it covers, at least one.
    var lengthOnFirstLine: Int {
        if endLine == line { return max(endColumn - column, 1) }
        return max(source.scalars(line).count - column + 1, 1)
    }

    func contains(line: Int, column: Int) -> Bool {
        (self.line, self.column) <= (line, column) && (line, column) < (endLine, endColumn)
    }
}
