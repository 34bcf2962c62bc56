import PluginABI
import Synchronization

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that goes away with the test.
final class TestFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/hub-journal-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { removeTree(path) }

    var journal: String { "\(path)/journal" }

    func options() -> JournalOptions {
        var options = JournalOptions(folder: path)
        options.segmentBytes = 64 << 10
        options.bootID = "boot-1"
        return options
    }

    /// Names in the journal's folder that end so, in order.
    func names(_ suffix: String) -> [String] {
        ((try? SystemFiles().names(in: journal)) ?? []).filter { $0.hasSuffix(suffix) }
    }

    /// What a `kill -9` at this moment would leave: mapped pages survive the process.
    func copy() -> TestFolder {
        let copy = TestFolder()
        mkdir(copy.journal, 0o700)
        for name in names("") {
            guard let bytes = (try? SystemFiles().read("\(journal)/\(name)")).flatMap({ $0 }) else { continue }
            copy.put(bytes, in: name)
        }
        return copy
    }

    func bytes(of name: String) -> [UInt8] { ((try? SystemFiles().read("\(journal)/\(name)")) ?? nil) ?? [] }

    func put(_ bytes: [UInt8], in name: String) {
        let path = "\(journal)/\(name)"
        guard let file = try? SystemFiles().open(path, .creating) else { return }
        try? SystemFiles().write(bytes, to: file, path: path)
        SystemFiles().close(file)
    }

    func change(_ name: String, at offset: Int, to bytes: [UInt8]) {
        var all = self.bytes(of: name)
        all.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        put(all, in: name)
    }
}

private func removeTree(_ path: String) {
    for name in (try? SystemFiles().names(in: path)) ?? [] {
        let inner = "\(path)/\(name)"
        if unlink(inner) != 0 { removeTree(inner) }
    }
    rmdir(path)
}

/// Records whose content follows from their seq, so that a reader can tell whether it got the right ones.
enum Sample {
    static func lines(_ seq: UInt64) -> Int { seq % 7 == 0 ? 3 : (seq % 5 == 0 ? 2 : 1) }
    static func stream(_ seq: UInt64) -> UInt32 { UInt32(seq * 2_654_435_761 % 11) }
    static func kind(_ seq: UInt64) -> UInt8 {
        [HUB_TRADE, HUB_QUOTE, HUB_BAR, HUB_VALUE, HUB_CONTROL].map { UInt8($0) }[Int(seq * 40503 % 5)]
    }
    static func received(_ seq: UInt64) -> Int64 { 1_000_000 + Int64(seq / 3) * 10 }
    static func event(_ seq: UInt64) -> Int64 { received(seq) - Int64(seq * 7919 % 400) }

    static func write(_ seq: UInt64, to place: UnsafeMutableRawPointer, lines: Int? = nil, received: Int64? = nil) {
        let lines = lines ?? Sample.lines(seq)
        var head = hub_record()
        head.lines = UInt8(lines)
        head.kind = kind(seq)
        head.stream = stream(seq)
        head.ts_event = event(seq)
        head.ts_recv = received ?? Sample.received(seq)
        place.storeBytes(of: head, as: hub_record.self)
        for word in 4..<(lines * 8) {
            place.storeBytes(of: content(seq, word), toByteOffset: word * 8, as: UInt64.self)
        }
    }

    static func content(_ seq: UInt64, _ word: Int) -> UInt64 { seq &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(word) }

    static func isRight(_ record: UnsafePointer<hub_record>, _ seq: UInt64) -> Bool {
        guard record.pointee.seq == seq, Int(record.pointee.lines) == lines(seq), record.pointee.kind == kind(seq),
            record.pointee.stream == stream(seq)
        else { return false }
        let raw = UnsafeRawPointer(record)
        return (4..<(lines(seq) * 8)).allSatisfy {
            raw.load(fromByteOffset: $0 * 8, as: UInt64.self) == content(seq, $0)
        }
    }
}

extension Journal {
    /// Takes in samples, publishing every few.
    func append(_ count: Int, publishEvery batch: Int = 10) throws(JournalError) {
        for number in 1...max(1, count) where count > 0 {
            let seq = nextSeq
            let place = try reserve(lines: Sample.lines(seq))
            Sample.write(seq, to: place)
            commit(place, seq: seq)
            if number % batch == 0 { publish() }
        }
        publish()
    }

    /// Reads on from a position: seqs in order, whether all of them have their content, holes.
    func readAll(after seq: UInt64 = 0, maxBytes: Int = 4096) -> Seen {
        var seen = Seen()
        let reader = reader(after: seq)
        while seen.take(reader.next(maxBytes: maxBytes)) {}
        return seen
    }
}

struct Seen: Equatable {
    var seqs: [UInt64] = []
    var wrong: [UInt64] = []
    var holes: [[UInt64]] = []

    /// `false` once the reader has caught up.
    mutating func take(_ chunk: JournalChunk) -> Bool {
        switch chunk {
        case .caughtUp: return false
        case .hole(let after, let before):
            holes.append([after, before])
        case .records(let bytes, let first, let last):
            var offset = 0
            var seq = first
            while offset < bytes.count {
                let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                if !Sample.isRight(record, seq) { wrong.append(seq) }
                seqs.append(seq)
                seq += 1
                offset += Int(record.pointee.lines) * 64
            }
            if seq != last + 1 || offset != bytes.count { wrong.append(last) }
        }
        return true
    }
}

/// A random number generator of which the same seed gives the same numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
