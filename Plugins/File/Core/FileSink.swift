import EventFormat
import PluginABI
public import PluginKit

/// The sink plugin `file`: events as NDJSON, a line each, the same bytes as `/v1/events` gives.
///
/// Every batch is one append and one `fdatasync`; then it is acknowledged. A batch that cannot be written leaves
/// nothing behind, is refused with the reason, and comes again. After `kill -9` or a power cut the unfinished last
/// line is cut off, and what comes again from the journal is left out up to the last line, so each event is in the
/// files once. Definitions are not written: every line says all of its stream. A `hole` is a line of its own.
///
/// If the folder holds files of another journal (a last line that cannot be of this one), they are finished and kept,
/// and new ones begun. Files are finished and deleted at the end of batches only. One thread.
///
/// Settings: `path` (required), `format`, `rotate.size`, `rotate.every`, `rotate.keep`, `compress`.
public final class FileSink: Sink {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "file", name: "Files", vendor: "hub", version: "0.1.0",
        description: "Writes events into files, one JSON object a line, rotated by size and time.",
        traits: .blocking, settingsSchema: FileSettings.schema,
        required: ["hub.host.settings/1", "hub.host.sink/1"], optional: ["hub.host.log/1"])

    private let host: Host
    private let settings: FileSettings
    private let problems: SettingsProblems
    private var files: EventFiles?
    private var encoder = EventEncoder(timeStyle: .microseconds)
    private var definitions = DefinitionTable()
    private var buffer = TextBuffer(capacity: 1 << 20)
    /// Holes that could not be written when they were told; they go before the next batch.
    private var holes: [(first: UInt64, last: UInt64)] = []
    /// What is durable, so that `flush` can say it again.
    private var acknowledged: UInt64 = 0

    /// Bytes packed between two batches, at least.
    private static let leastPackedBytes = 1 << 20

    /// Reads the settings; what is wrong with them is told by `checkSettings()` and `start(now:)`.
    public init(host: Host) throws {
        self.host = host
        var problems = SettingsProblems()
        settings = FileSettings(host.settings, problems: &problems)
        self.problems = problems
    }

    public func checkSettings() throws { try problems.throwIfAny() }

    /// Opens the files. A folder that cannot be written to is no reason not to start: it is logged, and tried again
    /// with every batch.
    public func start(now: Now) throws {
        try problems.throwIfAny()
        definitions = DefinitionTable()
        encoder = EventEncoder(timeStyle: .microseconds)
        do {
            _ = try openFiles()
        } catch let error as PluginError {
            host.log(.error, error.text)
        }
    }

    public func stop() { files = nil }

    public func write(_ batch: SinkBatch, now: Now) throws {
        for index in 0..<batch.count { definitions.learn(batch[index]) }
        do {
            let files = try openFiles()
            try writeHoles(files)
            try write(batch, to: files)
            acknowledge(through: batch.lastSequence)
            files.tidy(packBytes: max(Self.leastPackedBytes, 4 * buffer.count))
        } catch let error as SystemError {
            throw error.pluginError
        }
    }

    public func flush(deadlineNanoseconds: Int64) throws {
        // Everything taken has been durable since `write` returned; only a hole may be waiting.
        if !holes.isEmpty {
            do { try writeHoles(try openFiles()) } catch let error as SystemError { throw error.pluginError }
        }
        if acknowledged > 0 { host.acknowledge(through: acknowledged) }
    }

    public func hole(firstSequence: UInt64, lastSequence: UInt64) {
        guard firstSequence > 0, lastSequence >= firstSequence else { return }
        holes.append((firstSequence, lastSequence))
        do {
            try writeHoles(try openFiles())
        } catch {
            host.log(.warning, "the hole \(firstSequence) to \(lastSequence) will be written later: \(error)")
        }
    }

    // MARK: - Writing

    private func write(_ batch: SinkBatch, to files: EventFiles) throws(SystemError) {
        var range = try encode(batch, after: files.end)
        if range == nil {
            let known = files.end.event?.seq ?? 0
            host.log(
                .warning,
                "\(settings.path) holds events of another journal, up to \(known): they stay, and new files are begun")
            try files.beginAnotherJournal()
            range = try encode(batch, after: files.end)
        }
        guard let range, let first = range.first, let last = range.last else { return }
        let received = last.pointee.ts_recv / 1000
        try files.append(
            buffer.bytes, seq: first.pointee.seq, receivedNanoseconds: first.pointee.ts_recv,
            end: FileEnd(EventLine(seq: last.pointee.seq, receivedMicroseconds: received), received))
    }

    /// Fills the buffer with the lines of a batch that are not in the files yet.
    ///
    /// `seq` never repeats within a journal and the time of receipt never goes back along it, so a record at or before
    /// the end of the files is either in them, or of another journal.
    /// - Returns: the first and last record encoded, both nil if all are in the files; nil if the files are of another
    ///   journal.
    private func encode(
        _ batch: SinkBatch, after end: FileEnd
    ) throws(SystemError) -> (first: UnsafePointer<hub_record>?, last: UnsafePointer<hub_record>?)? {
        buffer.clear()
        var first: UnsafePointer<hub_record>?
        var last: UnsafePointer<hub_record>?
        let endSeq = end.event?.seq ?? 0
        for index in 0..<batch.count {
            let record = batch[index]
            guard Int32(record.pointee.kind) != Int32(HUB_DEFINE) else { continue }
            if record.pointee.seq <= endSeq {
                if isForeign(record, end) { return nil }
                continue
            }
            encoder.encode(record, definitions: definitions, into: &buffer)
            buffer.append(byte: UInt8(ascii: "\n"))
            // Lines are separate values: no comma before the next.
            buffer.truncate(to: buffer.count)
            if first == nil { first = record }
            last = record
        }
        return (first, last)
    }

    /// Whether a record that should be in the files by its number cannot be.
    private func isForeign(_ record: UnsafePointer<hub_record>, _ end: FileEnd) -> Bool {
        if record.pointee.seq == end.event?.seq && !end.line.isEmpty && end.event?.receivedMicroseconds != nil {
            let start = buffer.count
            encoder.encode(record, definitions: definitions, into: &buffer)
            defer { buffer.truncate(to: start) }
            return !buffer.bytes[start...].elementsEqual(end.line)
        }
        guard let received = end.receivedMicroseconds else { return false }
        return record.pointee.ts_recv / 1000 > received
    }

    private func writeHoles(_ files: EventFiles) throws(SystemError) {
        while let hole = holes.first {
            if hole.last > files.end.event?.seq ?? 0 {
                buffer.clear()
                buffer.beginObject()
                buffer.member("type", "hole")
                buffer.member("after", hole.first - 1)
                buffer.member("before", hole.last + 1)
                buffer.member("reason", "retention")
                buffer.endObject()
                buffer.append(byte: UInt8(ascii: "\n"))
                let event = EventLine(seq: hole.last, receivedMicroseconds: nil)
                try files.append(
                    buffer.bytes, seq: hole.first, receivedNanoseconds: nil,
                    end: FileEnd(event, files.end.receivedMicroseconds))
            }
            holes.removeFirst()
            acknowledge(through: hole.last)
        }
    }

    private func acknowledge(through seq: UInt64) {
        acknowledged = max(acknowledged, seq)
        host.acknowledge(through: acknowledged)
    }

    // MARK: - Files

    private func openFiles() throws -> EventFiles {
        if let files {
            if files.isIntact { return files }
            host.log(.warning, "files in \(settings.path) were changed or removed by someone else: looking again")
            self.files = nil
        }
        do throws(SystemError) {
            let opened = try EventFiles(
                path: settings.path, rotation: settings.rotation, compression: settings.compression
            ) { [host] notice in
                switch notice {
                case .cut(let path, let bytes):
                    host.log(.info, "\(path): cut off \(bytes) bytes of a line that was never finished")
                case .leftAsIs(let path):
                    host.log(.warning, "\(path) does not end with an event: it stays as it is, and a new file is begun")
                case .housekeeping(let error):
                    host.log(.warning, "\(error.pluginError.text) (events are written all the same)")
                }
            }
            files = opened
            return opened
        } catch {
            throw error.pluginError
        }
    }
}
