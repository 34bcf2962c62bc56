import Foundation
import PluginKit
import Testing

@testable import FileCore

struct FileSinkTests {
    @Test("a batch is lines of event objects, acknowledged when it is in the file")
    func lines() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 10)
        let test = try TestSink(folder)
        try journal.write(1...4, to: test)
        #expect(folder.names == ["events-00000000000000000002.ndjson.part"])
        #expect(test.host.acknowledged == [4])
        try journal.write(5...11, to: test, defining: false)
        #expect(test.host.acknowledged == [4, 11])
        #expect(try folder.everything() == journal.text(2...11))
        let line = try #require(try folder.everything().split(separator: "\n").first)
        #expect(line.hasPrefix(#"{"type":"trade","seq":2,"symbol":"ARCA:SPY","time":1736174099999500,"received":"#))
        #expect(line.hasSuffix(#""source":"tape","price":100,"size":1}"#))
        try test.sink.flush(deadlineNanoseconds: 0)
        #expect(test.host.acknowledged == [4, 11, 11])
    }

    @Test("a batch of nothing but definitions is acknowledged and writes no file")
    func definitionsOnly() throws {
        let folder = try TestFolder()
        let test = try TestSink(folder)
        try TestJournal(trades: 0).write(1...1, to: test)
        #expect(folder.names.isEmpty && test.host.acknowledged == [1])
    }

    @Test("cut at any byte, the file goes on with whole lines, every event once")
    func tornAnywhere() throws {
        let journal = TestJournal(trades: 6)
        let whole = journal.text(2...7)
        let folder = try TestFolder()
        let name = "events-00000000000000000002.ndjson.part"
        try FileManager.default.createDirectory(atPath: folder.archive, withIntermediateDirectories: true)
        for length in 0...whole.utf8.count {
            for name in folder.names { try FileManager.default.removeItem(atPath: folder.archive + "/" + name) }
            try folder.overwrite(name, whole.prefix(length))
            let test = try TestSink(folder)
            // The hub's cursor is never ahead of what was acknowledged; here it is at the very start.
            try journal.write(1...3, to: test)
            try journal.write(4...7, to: test)
            #expect(try folder.everything() == whole, "cut at \(length)")
            #expect(folder.names == [name], "cut at \(length)")
        }
    }

    @Test("zeros that a power cut left at the end are cut off")
    func zeros() throws {
        let journal = TestJournal(trades: 6)
        let folder = try TestFolder()
        try FileManager.default.createDirectory(atPath: folder.archive, withIntermediateDirectories: true)
        let zeros = String(repeating: "\0", count: 200_000)
        try folder.overwrite("events-00000000000000000002.ndjson.part", journal.text(2...3) + "{\"type\":\"tr" + zeros)
        let test = try TestSink(folder)
        #expect(test.host.logged.contains { $0.message.contains("cut off 200011 bytes") })
        try journal.write(1...7, to: test)
        #expect(try folder.everything() == journal.text(2...7))
    }

    @Test("a file that does not end with an event is left as it is")
    func foreignLines() throws {
        let journal = TestJournal(trades: 3)
        let folder = try TestFolder()
        try FileManager.default.createDirectory(atPath: folder.archive, withIntermediateDirectories: true)
        try folder.overwrite("events-00000000000000000002.ndjson.part", "a line of somebody else\n")
        try folder.overwrite("notes.ndjson", "mine\n")
        let test = try TestSink(folder, ["/rotate/keep": .integer(1)])
        try journal.write(1...4, to: test)
        #expect(
            folder.names == [
                "events-00000000000000000002-2.ndjson.part", "events-00000000000000000002.ndjson", "notes.ndjson",
            ])
        #expect(try folder.contents("events-00000000000000000002.ndjson") == "a line of somebody else\n")
        #expect(try folder.contents("events-00000000000000000002-2.ndjson.part") == journal.text(2...4))
    }

    @Test("events of another journal go into files of their own, even where numbers and names repeat")
    func anotherJournal() throws {
        let folder = try TestFolder()
        let old = TestJournal(trades: 20)
        var test: TestSink? = try TestSink(folder)
        try old.write(1...21, to: test!)
        test = nil
        // A day later the data folder was removed; the numbers begin again.
        let new = TestJournal(trades: 8, received: 1_736_260_500_000_000_000, price: 200)
        test = try TestSink(folder)
        try new.write(1...5, to: test!)
        try new.write(6...9, to: test!)
        #expect(
            folder.names == ["events-00000000000000000002-2.ndjson.part", "events-00000000000000000002.ndjson"])
        #expect(try folder.contents("events-00000000000000000002.ndjson") == old.text(2...21))
        #expect(try folder.contents("events-00000000000000000002-2.ndjson.part") == new.text(2...9))
        #expect(test!.host.logged.contains { $0.message.contains("another journal, up to 21") })
        test = nil
        // The end of the newest file counts after a restart, not that of the one with the greatest number.
        test = try TestSink(folder)
        try new.write(4...9, to: test!)
        #expect(try folder.contents("events-00000000000000000002-2.ndjson.part") == new.text(2...9))
    }

    @Test("the same number at the same time with other contents is another journal")
    func sameTimes() throws {
        let folder = try TestFolder()
        try TestJournal(trades: 4).write(1...5, to: try TestSink(folder))
        let other = TestJournal(trades: 4, price: 7)
        try other.write(1...5, to: try TestSink(folder))
        #expect(try folder.contents("events-00000000000000000002-2.ndjson.part") == other.text(2...5))
    }

    @Test("a folder serves one sink at a time, and is free when that one stops")
    func oneSinkAFolder() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 4)
        let first = try TestSink(folder)
        let second = try TestSink(folder)
        #expect(second.host.logged.contains { $0.level == LogLevel.error.rawValue })
        let error = #expect(throws: PluginError.self) { try journal.write(1...5, to: second) }
        #expect(error?.text.contains("another sink or hub writes there") == true, "\(error?.text ?? "")")
        #expect(second.host.acknowledged.isEmpty)
        first.sink.stop()
        try journal.write(1...5, to: second)
        #expect(second.host.acknowledged == [5])
    }

    @Test("what cannot be written is refused in words, and taken when it comes again")
    func unwritable() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 4)
        _ = FileManager.default.createFile(atPath: folder.archive, contents: nil)
        let test = try TestSink(folder)
        let error = #expect(throws: PluginError.self) { try journal.write(1...5, to: test) }
        #expect(error?.status == .configuration && error?.pointer == "/path")
        #expect(error?.text.contains("\(folder.archive): Not a directory; choose another path") == true)
        #expect(error?.retryAfterMilliseconds == 5000 && test.host.acknowledged.isEmpty)
        try FileManager.default.removeItem(atPath: folder.archive)
        try journal.write(1...5, to: test, defining: false)
        #expect(try folder.everything() == journal.text(2...5))
    }

    @Test("files removed or changed under the sink are begun anew")
    func removed() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 30)
        let test = try TestSink(folder)
        try journal.write(1...5, to: test)
        try FileManager.default.removeItem(atPath: folder.archive)
        try journal.write(6...9, to: test)
        #expect(try folder.everything() == journal.text(6...9))
        try FileManager.default.removeItem(atPath: folder.archive + "/" + folder.names[0])
        try journal.write(10...12, to: test)
        #expect(try folder.everything() == journal.text(10...12))
        try folder.overwrite(folder.names[0], journal.text(10...12) + "{\"ty")
        try journal.write(13...15, to: test)
        #expect(try folder.everything() == journal.text(10...15))
        let moved = folder.path + "/moved"
        try FileManager.default.moveItem(atPath: folder.archive + "/" + folder.names[0], toPath: moved)
        try journal.write(16...20, to: test)
        #expect(try folder.everything() == journal.text(16...20))
        #expect(try String(contentsOfFile: moved, encoding: .utf8) == journal.text(10...15))
    }

    @Test("a hole is a line, told once, also after a restart")
    func holes() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 30)
        var test: TestSink? = try TestSink(folder)
        try journal.write(1...5, to: test!)
        test!.sink.hole(firstSequence: 6, lastSequence: 10)
        test!.sink.hole(firstSequence: 6, lastSequence: 10)
        #expect(test!.host.acknowledged == [5, 10, 10])
        let hole = "{\"type\":\"hole\",\"after\":5,\"before\":11,\"reason\":\"retention\"}\n"
        test = nil
        test = try TestSink(folder)
        test!.sink.hole(firstSequence: 6, lastSequence: 10)
        try journal.write(11...20, to: test!)
        #expect(try folder.everything() == journal.text(2...5) + hole + journal.text(11...20))
        test = nil
        // Holes at the end do not hide whose journal it is.
        test = try TestSink(folder)
        test!.sink.hole(firstSequence: 21, lastSequence: 25)
        test = nil
        test = try TestSink(folder)
        try TestJournal(trades: 8, received: 1_736_260_500_000_000_000).write(1...9, to: test!)
        #expect(folder.names.count == 2)
    }

    @Test("a hole that could not be written goes before the next batch")
    func holeWhileUnwritable() throws {
        let folder = try TestFolder()
        let journal = TestJournal(trades: 30)
        _ = FileManager.default.createFile(atPath: folder.archive, contents: nil)
        let test = try TestSink(folder)
        test.sink.hole(firstSequence: 1, lastSequence: 10)
        #expect(test.host.acknowledged.isEmpty)
        try FileManager.default.removeItem(atPath: folder.archive)
        try journal.write(11...12, to: test)
        let text = try folder.everything()
        #expect(
            text == "{\"type\":\"hole\",\"after\":0,\"before\":11,\"reason\":\"retention\"}\n" + journal.text(11...12))
        #expect(folder.names == ["events-00000000000000000001.ndjson.part"])
    }

    @Test("settings are a JSON Schema, and what it cannot say is checked")
    func settings() throws {
        #expect(try JSONSerialization.jsonObject(with: Data(FileSettings.schema.utf8)) is [String: Any])
        func problem(_ settings: [String: TestHost.Setting]) throws -> PluginError? {
            let host = TestHost(settings)
            let sink = try FileSink(host: Host(host.raw))
            do { try sink.checkSettings() } catch { return error as? PluginError }
            return nil
        }
        let path = ["/path": TestHost.Setting.text("/nowhere")]
        #expect(try problem(path) == nil)
        #expect(try problem([:])?.pointer == "/path")
        #expect(try problem(["/path": .text("")])?.pointer == "/path")
        #expect(try problem(path.merging(["/format": .text("xml")]) { $1 })?.pointer == "/format")
        #expect(try problem(path.merging(["/compress": .text("zip")]) { $1 })?.text.contains("found 'zip'") == true)
        #expect(try problem(path.merging(["/rotate/keep": .integer(-1)]) { $1 })?.pointer == "/rotate/keep")
        #expect(try problem(path.merging(["/rotate/size": .integer(-1)]) { $1 })?.pointer == "/rotate/size")
        func read(_ settings: [String: TestHost.Setting]) -> FileSettings {
            var problems = SettingsProblems()
            let host = TestHost(settings)
            return FileSettings(Host(host.raw).settings, problems: &problems)
        }
        #expect(read(path).rotation == .standard && read(path).compression == .none)
        let none = read(["/rotate/size": .text("none"), "/rotate/every": .text("forever"), "/rotate/keep": .integer(0)])
        #expect(none.rotation == Rotation(sizeBytes: nil, everyNanoseconds: nil, keep: nil))
        let some = read(["/rotate/size": .integer(1000), "/rotate/every": .integer(0), "/compress": .text("gzip")])
        #expect(some.rotation == Rotation(sizeBytes: 1000, everyNanoseconds: nil, keep: 30))
        #expect(some.compression == .gzip)
    }
}
