import CHubSystem
import PluginABI

/// A place where the journal is not as it should be.
public struct JournalFault: Hashable, Sendable {
    /// Name of the file.
    public var file: String
    /// Byte in the file; `nil` where the whole file is meant.
    public var offset: Int?
    /// The position that was expected there; 0 where none is meant.
    public var seq: UInt64
    /// What is wrong, in words.
    public var text: String
}

/// What `verify` found.
public struct JournalVerification: Sendable {
    public var segments = 0
    public var records: UInt64 = 0
    public var bytes: Int64 = 0
    /// First and last position; 0 for an empty journal.
    public var first: UInt64 = 0
    public var last: UInt64 = 0
    /// In the order of the files.
    public var faults: [JournalFault] = []
}

extension Journal {
    /// Reads everything and compares: headers, checksums of sealed segments, that positions are dense within and across
    /// segments, that `ts_recv` never goes backwards, and that nothing lies behind the end. Any thread.
    ///
    /// Beside a running hub, records that come meanwhile are not looked at.
    public func verify() throws(JournalError) -> JournalVerification {
        var result = JournalVerification()
        let list = segments.withLock { $0 }
        try addUnreadable(to: &result)
        var expected: UInt64?
        var received = Int64.min
        for (number, segment) in list.enumerated() {
            result.segments += 1
            result.bytes += Int64(segment.fileBytes)
            if let expected, segment.firstSeq != expected {
                result.faults.append(
                    JournalFault(
                        file: segment.name, offset: nil, seq: expected,
                        text: "it begins at \(segment.firstSeq), the one before ends at \(expected - 1)"))
            }
            do throws(FileFault) {
                let isLast = number == list.count - 1
                expected = try verify(segment, isLast: isLast, received: &received, &result)
            } catch { throw .system(error) }
        }
        result.first = list.first?.firstSeq ?? 0
        result.last = (expected ?? 1) - 1
        return result
    }

    private func addUnreadable(to result: inout JournalVerification) throws(JournalError) {
        for (name, why) in try SegmentFolder(folder, files: files).unreadable {
            result.faults.append(JournalFault(file: name, offset: 0, seq: 0, text: why))
        }
    }

    /// Answers the seq after the segment's last record.
    private func verify(
        _ segment: Segment, isLast: Bool, received: inout Int64, _ result: inout JournalVerification
    ) throws(FileFault) -> UInt64 {
        let base = try segment.base()
        if segment.prologueBytes > 0,
            base.checksum(SegmentHeader.byteCount, segment.prologueBytes) != base.number(120, UInt32.self)
        {
            result.faults.append(
                JournalFault(
                    file: segment.name, offset: SegmentHeader.byteCount, seq: 0,
                    text: "the checksum of the definitions at the segment's head is wrong"))
        }
        verifyChecksums(segment, base, &result)

        let known = segment.finalNext ?? segment.publishedNext
        let end = segment.scan(base, from: segment.dataOffset, next: segment.firstSeq, limit: known)
        var offset = segment.dataOffset
        for seq in segment.firstSeq..<end.next {
            let record = segment.record(base, offset)
            if record.pointee.ts_recv < received {
                result.faults.append(
                    JournalFault(
                        file: segment.name, offset: offset, seq: seq,
                        text: "its ts_recv \(record.pointee.ts_recv) is before \(received), that of the record before"))
            }
            received = record.pointee.ts_recv
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
        result.records += end.next - segment.firstSeq
        if end.next < known {
            result.faults.append(
                JournalFault(
                    file: segment.name, offset: end.offset, seq: end.next,
                    text: "record \(end.next) should be here, and \(known - 1) be the last of the segment"))
        } else if !isLast || segment.isSealed.load(ordering: .acquiring) {
            let used = hub_used_bytes(base + end.offset, segment.fileBytes - end.offset)
            if used > 0 {
                result.faults.append(
                    JournalFault(
                        file: segment.name, offset: end.offset, seq: end.next,
                        text: "\(used) bytes lie behind the last record"))
            }
        }
        return known
    }

    private func verifyChecksums(_ segment: Segment, _ base: UnsafeRawPointer, _ result: inout JournalVerification) {
        guard segment.isSealed.load(ordering: .acquiring) else { return }
        guard let checksums = segment.sealedChecksums() else {
            result.faults.append(
                JournalFault(
                    file: String(segment.indexPath.split(separator: "/").last ?? ""), offset: nil, seq: 0,
                    text: "the index is damaged"))
            return
        }
        for (block, checksum) in checksums.enumerated() {
            let start = block * JournalOptions.blockBytes
            guard start < segment.fileBytes,
                base.checksum(start, min(JournalOptions.blockBytes, segment.fileBytes - start)) != checksum
            else { continue }
            result.faults.append(
                JournalFault(
                    file: segment.name, offset: start, seq: 0,
                    text: "the checksum of the block of 65536 bytes is wrong"))
        }
    }
}

extension Segment {
    var name: String { String(path.split(separator: "/").last ?? "") }
}
