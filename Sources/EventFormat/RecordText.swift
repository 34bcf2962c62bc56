public import PluginABI

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The texts behind the fixed part of a record: for each a `u16` length, little-endian, and its bytes, without padding.
public enum RecordText {
    /// Longest text a record can carry.
    public static let maximumBytes = Int(HUB_MAX_LINES * HUB_LINE)

    /// Where the texts of a kind begin; `nil` for kinds without texts.
    public static func fixedBytes(of record: UnsafePointer<hub_record>) -> Int? {
        let pointer = RecordPointer(record)
        switch pointer.kind {
        case HUB_SIGNAL: return 48
        case HUB_STATUS, HUB_GAP: return 64
        case HUB_CONTROL:
            return pointer.what == HUB_CONTROL_POSITION || pointer.what == HUB_CONTROL_CONFIGURATION ? nil : 48
        case HUB_DEFINE: return pointer.what == HUB_DEFINE_STREAM ? 56 : 48
        default: return nil
        }
    }

    /// Reads the first `count` texts after `fixedBytes`.
    ///
    /// Always returns `count` texts: those that would pass the record's end are empty. Bytes that are not UTF-8
    /// become U+FFFD.
    public static func read(_ record: UnsafePointer<hub_record>, after fixedBytes: Int, count: Int) -> [String] {
        var reader = RecordTextReader(record, after: fixedBytes)
        var texts: [String] = []
        texts.reserveCapacity(count)
        for _ in 0..<count { texts.append(String(decoding: reader.next(), as: UTF8.self)) }
        return texts
    }

    /// Whether `count` texts lie within the record.
    public static func fits(_ record: UnsafePointer<hub_record>, after fixedBytes: Int, count: Int) -> Bool {
        var reader = RecordTextReader(record, after: fixedBytes)
        for _ in 0..<count { _ = reader.next() }
        return !reader.overran
    }

    /// Lines for a record with these texts; more than 255 means that it does not fit and must be shortened by the
    /// caller.
    public static func linesNeeded(fixedBytes: Int, texts: [String]) -> Int {
        let bytes = texts.reduce(fixedBytes) { $0 + 2 + $1.utf8.count }
        return (bytes + Int(HUB_LINE) - 1) / Int(HUB_LINE)
    }

    /// Writes the texts behind the fixed part and zeroes the rest of the record's `lines`.
    ///
    /// A text that does not fit is cut at a character's boundary, later ones are then empty. Answers `false` if one
    /// was cut.
    @discardableResult
    public static func write(
        _ texts: [String], after fixedBytes: Int, in record: UnsafeMutableRawPointer, lines: Int
    ) -> Bool {
        let end = lines * Int(HUB_LINE)
        var at = fixedBytes
        var whole = true
        for (index, text) in texts.enumerated() {
            guard at + 2 <= end else {
                whole = false
                break
            }
            var text = text
            let written = text.withUTF8 { bytes -> Int in
                // Each later text still needs its length.
                let room = max(0, end - at - 2 - 2 * (texts.count - 1 - index))
                var length = min(bytes.count, min(room, Int(UInt16.max)))
                if length < bytes.count {
                    whole = false
                    while length > 0 && bytes[length] & 0xC0 == 0x80 { length -= 1 }
                }
                if length > 0, let source = bytes.baseAddress { memcpy(record + at + 2, source, length) }
                return length
            }
            record.storeBytes(of: UInt16(written).littleEndian, toByteOffset: at, as: UInt16.self)
            at += 2 + written
        }
        if at < end { memset(record + at, 0, end - at) }
        return whole
    }
}

/// Walks through the texts of a record without copying them.
public struct RecordTextReader {
    private let base: UnsafeRawPointer
    private let end: Int
    private var at: Int
    /// Whether a text was asked for that would have passed the record's end.
    public private(set) var overran = false

    public init(_ record: UnsafePointer<hub_record>, after fixedBytes: Int) {
        base = UnsafeRawPointer(record)
        end = Int(record.pointee.lines) * Int(HUB_LINE)
        at = fixedBytes
    }

    /// The bytes of the next text; empty once one would pass the record's end.
    public mutating func next() -> UnsafeRawBufferPointer {
        guard !overran, at + 2 <= end else {
            overran = true
            return UnsafeRawBufferPointer(start: base, count: 0)
        }
        let length = Int(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
        guard at + 2 + length <= end else {
            overran = true
            return UnsafeRawBufferPointer(start: base, count: 0)
        }
        let text = UnsafeRawBufferPointer(start: base + at + 2, count: length)
        at += 2 + length
        return text
    }
}
