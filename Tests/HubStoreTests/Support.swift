import EventFormat
import HubJournal
import PluginABI

@testable import HubStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that goes away with the test.
final class TestFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/hub-store-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { removeTree(path) }

    func journalOptions(boot: String = "boot-1") -> JournalOptions {
        var options = JournalOptions(folder: path)
        options.segmentBytes = 64 << 10
        options.bootID = boot
        return options
    }

    /// What a `kill -9` at this moment would leave.
    func copy() -> TestFolder {
        let copy = TestFolder()
        copyTree(path, copy.path)
        return copy
    }
}

private func names(_ folder: String) -> [String] { (try? SystemFiles().names(in: folder)) ?? [] }

private func removeTree(_ path: String) {
    for name in names(path) where unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
    rmdir(path)
}

private func copyTree(_ from: String, _ to: String) {
    mkdir(to, 0o700)
    for name in names(from) {
        let source = "\(from)/\(name)"
        var status = stat()
        // An index that is being written is renamed between the listing and the copy: then it is not there.
        guard stat(source, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
            copyTree(source, "\(to)/\(name)")
        } else if let bytes = (try? SystemFiles().read(source)).flatMap({ $0 }),
            let file = try? SystemFiles().open("\(to)/\(name)", .creating)
        {
            try? SystemFiles().write(bytes, to: file, path: name)
            SystemFiles().close(file)
        }
    }
}

/// Writes records of all kinds into a journal, as the sequencer does.
struct Recorder {
    let journal: Journal
    var received: Int64 = 1_000_000

    init(_ journal: Journal) { self.journal = journal }

    @discardableResult
    mutating func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) throws -> UInt64 {
        let seq = journal.nextSeq
        let place = try journal.reserve(lines: lines)
        fill(place)
        let record = place.assumingMemoryBound(to: hub_record.self)
        received += 1000
        record.pointee.ts_recv = received
        if record.pointee.ts_event == 0 { record.pointee.ts_event = received }
        journal.commit(place, seq: seq)
        return seq
    }

    @discardableResult
    mutating func fixed<Record>(_ record: Record) throws -> UInt64 {
        let lines = (MemoryLayout<Record>.size + 63) / 64
        return try append(lines: lines) { place in
            place.storeBytes(of: record, as: Record.self)
            place.storeBytes(of: UInt8(lines), as: UInt8.self)
        }
    }

    mutating func define(_ id: UInt32, _ symbol: String, source: String = "tape") throws {
        let definition = StreamDefinition(id: id, symbol: symbol, source: source)
        try append(lines: DefineRecord.lines(definition)) { DefineRecord.write(definition, to: $0) }
    }

    mutating func defineValue(_ id: UInt32, _ name: String, interval: UInt32, outputs: [String]) throws {
        let definition = ValueDefinition(id: id, name: name, interval: interval, outputs: outputs)
        try append(lines: DefineRecord.lines(definition)) { DefineRecord.write(definition, to: $0) }
    }

    @discardableResult
    mutating func trade(_ stream: UInt32) throws -> UInt64 {
        var trade = hub_trade()
        trade.head.kind = UInt8(HUB_TRADE)
        trade.head.stream = stream
        return try fixed(trade)
    }

    @discardableResult
    mutating func bar(
        _ stream: UInt32, _ interval: UInt32, time: Int64, close: Double, revision: UInt16 = 0
    ) throws -> UInt64 {
        var bar = hub_bar()
        bar.head.kind = UInt8(HUB_BAR)
        bar.head.stream = stream
        bar.head.ts_event = time
        bar.interval = interval
        bar.revision = revision
        bar.close = close
        return try fixed(bar)
    }

    @discardableResult
    mutating func value(_ stream: UInt32, _ definition: UInt32, time: Int64, _ output: Double) throws -> UInt64 {
        var value = hub_value()
        value.head.kind = UInt8(HUB_VALUE)
        value.head.stream = stream
        value.head.ts_event = time
        value.definition = definition
        value.outputs = 1
        value.bar_time = time
        value.values = output
        return try fixed(value)
    }

    @discardableResult
    mutating func gap(_ stream: UInt32) throws -> UInt64 {
        var gap = hub_gap()
        gap.head.kind = UInt8(HUB_GAP)
        gap.head.stream = stream
        gap.state = UInt8(HUB_GAP_OPEN)
        return try append(lines: 2) {
            $0.storeBytes(of: gap, as: hub_gap.self)
            $0.storeBytes(of: 2, as: UInt8.self)
            RecordText.write(["NSE:*"], after: 64, in: $0, lines: 2)
        }
    }

    @discardableResult
    mutating func control(_ what: Int) throws -> UInt64 {
        var control = hub_control()
        control.head.kind = UInt8(HUB_CONTROL)
        control.what = UInt8(what)
        return try fixed(control)
    }

    func publish() { journal.publish() }
}

extension Store {
    /// Seqs of what is kept, of some kinds.
    func seqs(_ kinds: KindSet = .all, after: UInt64 = 0) throws -> [UInt64] {
        var seqs: [UInt64] = []
        try forEachRecord(after: after, through: .max, kinds: kinds) {
            seqs.append($0.pointee.seq)
            return true
        }
        return seqs
    }

    func closes(_ symbol: String, _ interval: UInt32, _ range: SeriesRange = SeriesRange()) throws -> [Double] {
        try bars(symbol: symbol, interval: interval, range).map(\.close)
    }
}
