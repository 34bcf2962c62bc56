/// What a line of an NDJSON file says about its place in the journal.
///
/// Read from the bytes as the hub writes them (`{"type":"trade","seq":184467,…,"received":1736174100131002,…}`), not as
/// any JSON: it decides whether a file is one of ours, and a line that was damaged must not pass.
struct EventLine: Equatable, Sendable {
    /// Position of the event; of a `hole`, the last position it covers.
    let seq: UInt64
    /// When the event reached the hub; nil for a `hole`.
    let receivedMicroseconds: Int64?

    init(seq: UInt64, receivedMicroseconds: Int64?) {
        self.seq = seq
        self.receivedMicroseconds = receivedMicroseconds
    }

    /// Reads a line without its newline; nil if it is not one the hub writes.
    init?(_ line: some Collection<UInt8>) {
        let bytes = Array(line)
        guard bytes.starts(with: Self.opening), bytes.last == UInt8(ascii: "}"), !bytes.contains(0) else { return nil }
        if bytes.starts(with: Self.hole) {
            guard let before = Self.number(after: Self.before, in: bytes), before > 0 else { return nil }
            seq = before - 1
            receivedMicroseconds = nil
            return
        }
        guard let seq = Self.number(after: Self.seq, in: bytes),
            let received = Self.number(after: Self.received, in: bytes)
        else { return nil }
        self.seq = seq
        receivedMicroseconds = Int64(exactly: received)
    }

    private static let opening = Array("{\"type\":\"".utf8)
    private static let hole = Array("{\"type\":\"hole\",".utf8)
    private static let before = Array(",\"before\":".utf8)
    private static let seq = Array("\",\"seq\":".utf8)
    private static let received = Array(",\"received\":".utf8)

    private static func number(after key: [UInt8], in bytes: [UInt8]) -> UInt64? {
        var start = 0
        while start + key.count < bytes.count {
            if bytes[start] == key[0] && bytes[start..<(start + key.count)].elementsEqual(key) {
                let digits = bytes[(start + key.count)...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
                return UInt64(String(decoding: digits, as: UTF8.self))
            }
            start += 1
        }
        return nil
    }
}

/// What the last lines of a file say.
struct FileEnd: Equatable, Sendable {
    /// The last line, without its newline; empty if there is none.
    var line: [UInt8] = []
    /// What it says; nil if there is no line, or it is not the hub's.
    var event: EventLine?
    /// Receipt of the last event (a `hole` has none); nil if none is near.
    var receivedMicroseconds: Int64?

    /// How much of a file is looked at: many lines, and more than the longest event, a book of 678 levels, takes.
    static let tailSize = 256 << 10

    /// Nothing at the end.
    init() {}

    /// The end after lines that were just written; the last one's bytes need not be kept.
    init(_ event: EventLine, _ receivedMicroseconds: Int64?) {
        self.event = event
        self.receivedMicroseconds = receivedMicroseconds
    }

    /// Reads the last bytes of a file, up to and with its last newline.
    ///
    /// - Parameter isWhole: the bytes are the whole file; otherwise the first line among them may be cut.
    init(tail: [UInt8], isWhole: Bool) {
        let lines = tail.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let complete = isWhole ? lines[...] : lines.dropFirst()
        guard let last = complete.last, !tail.isEmpty else { return }
        line = Array(last)
        event = EventLine(last)
        for line in complete.reversed() {
            guard let event = EventLine(line) else { break }
            if let received = event.receivedMicroseconds {
                receivedMicroseconds = received
                break
            }
        }
    }
}

extension OpenFile {
    /// Bytes up to and with the last newline. What comes after it is a line that was never finished, or the zeros that
    /// a power cut can leave where a file was lengthened and not yet written.
    func wholeLength() throws(SystemError) -> Int {
        var end = length
        while end > 0 {
            let count = min(64 << 10, end)
            let block = try read(at: end - count, count: count)
            if let newline = block.lastIndex(of: UInt8(ascii: "\n")) { return end - count + newline + 1 }
            end -= count
        }
        return 0
    }

    /// What the last lines say; the file must end with a newline.
    func end() throws(SystemError) -> FileEnd {
        let count = min(length, FileEnd.tailSize)
        return FileEnd(tail: try read(at: length - count, count: count), isWhole: count == length)
    }

    /// The first line, without its newline; nil if the file has none.
    func firstLine() throws(SystemError) -> [UInt8]? {
        let start = try read(at: 0, count: min(length, FileEnd.tailSize))
        return start.firstIndex(of: UInt8(ascii: "\n")).map { Array(start[..<$0]) }
    }
}
