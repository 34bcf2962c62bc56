import Foundation
import PluginKit
import Testing

@testable import FileCore

struct RotationTests {
    @Test("a file is finished at the end of the batch that fills it; the oldest go when there are too many")
    func size() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 100)
        let test = try TestSink(folder, ["/rotate/size": .integer(1000), "/rotate/keep": .integer(2)])
        // Batches of five lines of some 120 bytes: two fill a file.
        var expected: [String] = []
        for first in stride(from: UInt64(2), to: 102, by: 5) {
            try journal.write(first...(first + 4), to: test)
            if (first / 5) % 2 == 0 { expected.append("events-\(padded(first)).ndjson") }
        }
        #expect(folder.names == expected.suffix(2))
        #expect(try folder.everything() == journal.text(82...101))
        #expect(test.host.acknowledged.last == 101)
    }

    @Test("files end where a period of the time of receipt ends, also after a restart")
    func period() throws {
        let folder = try TestFolder()
        // One event an hour, from 14:35 on.
        let journal = TestJournal(trades: 30, step: 3_600_000_000_000)
        let settings: [String: TestHost.Setting] = ["/rotate/every": .integer(86_400_000_000_000)]
        for seq in UInt64(2)...31 {
            try journal.write(seq...seq, to: try TestSink(folder, settings))
        }
        let days = try folder.names.map(folder.contents)
        // 16:35 is the second event's hour, so the day holds the events up to number 9 (23:35).
        #expect(days == [journal.text(2...9), journal.text(10...31)])
        for day in days {
            let dates = try day.split(separator: "\n").map { line in
                try #require(EventLine(Array(line.utf8))?.receivedMicroseconds) / 86_400_000_000
            }
            #expect(Set(dates).count == 1)
        }
    }

    @Test("finished files are packed a slice at a time, and hold the same bytes")
    func gzip() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 400)
        let settings: [String: TestHost.Setting] = [
            "/rotate/size": .integer(5000), "/compress": .text("gzip"), "/rotate/keep": .integer(0),
        ]
        let test = try TestSink(folder, settings)
        for first in stride(from: UInt64(2), to: 402, by: 10) {
            try journal.write(first...(first + 9), to: test)
        }
        #expect(folder.names.count > 5 && folder.names.dropLast().allSatisfy { $0.hasSuffix(".ndjson.gz") })
        #expect(try folder.everything() == journal.text(2...401))
        #expect(test.host.logged.isEmpty)
    }

    @Test("packing that was interrupted anywhere begins again")
    func interruptedPacking() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 60)
        let settings: [String: TestHost.Setting] = ["/rotate/size": .integer(1000), "/compress": .text("gzip")]
        try FileManager.default.createDirectory(atPath: folder.archive, withIntermediateDirectories: true)
        // Killed while packing; killed between the packed file's name and the deletion of the plain one.
        try folder.overwrite("events-\(padded(2)).ndjson", journal.text(2...11))
        try folder.overwrite("events-\(padded(2)).ndjson.gz.part", "half of it")
        var test: TestSink? = try TestSink(folder, settings)
        #expect(folder.names == ["events-\(padded(2)).ndjson"])
        try journal.write(5...21, to: test!)
        test!.sink.stop()
        test = nil
        let packed = "events-\(padded(2)).ndjson.gz"
        #expect(folder.names.contains(packed))
        try folder.overwrite("events-\(padded(2)).ndjson", journal.text(2...11))
        test = try TestSink(folder, settings)
        #expect(!folder.names.contains("events-\(padded(2)).ndjson") && folder.names.contains(packed))
        try journal.write(20...61, to: test!)
        #expect(try folder.everything() == journal.text(2...61))
    }

    @Test("after a restart right after a rotation the finished file says where to go on", arguments: ["none", "gzip"])
    func restartAfterRotation(compress: String) throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 60)
        let settings: [String: TestHost.Setting] = ["/rotate/size": .integer(1), "/compress": .text(compress)]
        for first in stride(from: UInt64(2), to: 62, by: 10) {
            let sink = try TestSink(folder, settings)
            // The host repeats what it did not note as acknowledged.
            try journal.write((max(9, first) - 7)...(first + 9), to: sink)
        }
        #expect(folder.names.count == 6)
        #expect(folder.names.allSatisfy { $0.hasSuffix(compress == "gzip" ? ".gz" : ".ndjson") })
        #expect(try folder.everything() == journal.text(2...61))
    }

    @Test("names sort as the journal does, and no other name is taken for one")
    func names() {
        #expect(EventFileName(firstSeq: 184_467).text == "events-00000000000000184467.ndjson.part")
        #expect(
            EventFileName(firstSeq: .max, copy: 3, state: .packed).text == "events-18446744073709551615-3.ndjson.gz")
        for state in EventFileName.State.allCases {
            let name = EventFileName(firstSeq: 12, copy: 2, state: state)
            #expect(EventFileName(name.text) == name)
        }
        for text in [
            "events-12.ndjson", "events-00000000000000000012-1.ndjson", "events-00000000000000000012.ndjson.bz2",
            "events-0000000000000000001x.ndjson", "other-00000000000000000012.ndjson",
            "events-99999999999999999999.ndjson",
            "events-00000000000000000012-02.ndjson", ".ndjson", "",
        ] {
            #expect(EventFileName(text) == nil, "\(text)")
        }
    }

    private func padded(_ seq: UInt64) -> String {
        String(repeating: "0", count: 20 - String(seq).count) + String(seq)
    }
}
