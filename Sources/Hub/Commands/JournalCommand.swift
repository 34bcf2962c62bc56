import ArgumentParser
import EventFormat
import Glibc
import HubJournal
import PluginABI

/// A data folder's journal, read without a hub; a hub may be running on it.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "The records of a data folder.",
        discussion: """
            hub journal dump ./data
            hub journal verify ./data
            """,
        subcommands: [Dump.self, Verify.self])

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dump",
            abstract: "Every record as one line of JSON, in the order of the journal.",
            discussion: "hub journal dump ./data --after 184000 | head")

        @Argument(help: "The data folder (hub.data).") var folder = "./data"
        @Option(help: "Only records behind this number.") var after: UInt64 = 0
        @Option(help: "Times as us, ms, s, ns or iso.") var ts = "us"

        func run() throws {
            guard let style = TimeStyle(ts) else {
                throw ValidationError("--ts is one of us, ms, s, ns, iso; found '\(ts)'")
            }
            let journal = try Journal.openReadOnly(folder: folder)
            var definitions = DefinitionTable()
            var encoder = EventEncoder(timeStyle: style)
            var text = TextBuffer()
            let reader = journal.reader(after: 0)
            reading: while true {
                switch reader.next(maxBytes: 1 << 20) {
                case .records(let bytes, _, _):
                    var offset = 0
                    while offset < bytes.count {
                        let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                        if record.pointee.kind == UInt8(HUB_DEFINE) { _ = definitions.learn(record) }
                        if record.pointee.seq > after {
                            encoder.encode(record, definitions: definitions, into: &text)
                            text.append(byte: UInt8(ascii: "\n"))
                            // Each line begins anew: no comma between them.
                            text.truncate(to: text.count, afterValue: false)
                        }
                        offset += Int(record.pointee.lines) * Int(HUB_LINE)
                    }
                    write(&text)
                case .hole(_, let before):
                    learn(try journal.definitions(ofSegmentContaining: before), into: &definitions)
                case .caughtUp:
                    break reading
                }
            }
        }

        private func learn(_ records: [UInt8], into definitions: inout DefinitionTable) {
            records.withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                    _ = definitions.learn(record)
                    offset += Int(record.pointee.lines) * Int(HUB_LINE)
                }
            }
        }

        private func write(_ text: inout TextBuffer) {
            let bytes = text.bytes
            var offset = 0
            while offset < bytes.count {
                let written = Glibc.write(1, bytes.baseAddress! + offset, bytes.count - offset)
                // The reader at the other end of the pipe has seen enough.
                if written < 0 { Glibc.exit(errno == EPIPE ? 0 : 1) }
                offset += written
            }
            text.clear()
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Checksums, order and density of a journal; names the place of each fault.",
            discussion: "hub journal verify ./data")

        @Argument(help: "The data folder (hub.data).") var folder = "./data"

        func run() throws {
            let report = try Journal.openReadOnly(folder: folder).verify()
            for fault in report.faults {
                let place = fault.offset.map { " at byte \($0)" } ?? ""
                print("fault: \(fault.file)\(place): \(fault.text)")
            }
            print(
                "\(report.records) records in \(report.segments) segments, "
                    + "\(report.first) to \(report.last): \(report.faults.isEmpty ? "in order" : "\(report.faults.count) faults")"
            )
            if !report.faults.isEmpty { throw ExitCode(1) }
        }
    }
}
