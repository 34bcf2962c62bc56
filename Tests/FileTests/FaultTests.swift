import Foundation
import PluginKit
import Testing

@testable import FileCore

#if canImport(Glibc)
    import Glibc
#endif

/// Faults that need a process of their own.
struct FaultTests {
    @Test(
        "a full disk refuses the batch whole, in words; nothing acknowledged is lost, and it goes on when there is room"
    )
    func fullDisk() async throws {
        let folder = try TestFolder()
        let path = folder.path
        // The limit on the size of files stands in for the disk: the write that passes it is cut short, then fails.
        await #expect(processExitsWith: .success) { [path = path as String] in
            let folder = TestFolder(existing: path)
            let journal = TestJournal(trades: 1000)
            let test = try TestSink(folder)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let unlimited = limit
            limit.rlim_cur = 10_000
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var refused: UInt64 = 0
            for first in stride(from: UInt64(2), to: 1002, by: 20) {
                do { try journal.write(first...(first + 19), to: test) } catch let error as PluginError {
                    #expect(error.text.contains("cannot write to \(folder.archive)/events-"))
                    #expect(error.retryAfterMilliseconds != nil)
                    refused = first
                    break
                }
            }
            #expect(refused > 2 && test.host.acknowledged.last == refused - 1)
            #expect(try folder.everything() == journal.text(2...(refused - 1)))
            #expect(throws: PluginError.self) { try journal.write(refused...(refused + 19), to: test) }
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), [unlimited])
            try journal.write(refused...1001, to: test)
            #expect(try folder.everything() == journal.text(2...1001))
            #expect(folder.names.count == 1)
        }
    }

    @Test("no space is told with what to do about it")
    func noSpace() {
        let error = SystemError("write to", "/archive/events.ndjson.part", number: ENOSPC).pluginError
        #expect(
            error.text == "cannot write to /archive/events.ndjson.part: No space left on device; "
                + "free some space or lower rotate.keep; the events wait in the hub's journal")
        #expect(error.status == .overload && error.pointer == "/path")
    }

    @Test("killed at any moment, nothing acknowledged is lost and nothing comes twice")
    func killed() async throws {
        let seed =
            ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
        let folder = try TestFolder()
        let path = folder.path
        let journal = TestJournal(trades: 20_000)
        for round in UInt64(0)..<8 {
            let microseconds = UInt32(500 + (seed &+ round &* 7919) % 20_000)
            await #expect(processExitsWith: .signal(SIGKILL), "seed \(seed), round \(round)") {
                [path = path as String, microseconds = microseconds as UInt32] in
                let folder = TestFolder(existing: path)
                let journal = TestJournal(trades: 20_000)
                let test = try TestSink(
                    folder,
                    ["/rotate/size": .integer(300_000), "/rotate/keep": .integer(0), "/compress": .text("gzip")])
                let acknowledged = open(path + "/acknowledged", O_RDWR | O_CREAT, 0o644)
                var cursor: UInt64 = 0
                _ = pread(acknowledged, &cursor, 8, 0)
                Thread.detachNewThread {
                    usleep(microseconds)
                    kill(getpid(), SIGKILL)
                }
                // The hub's own cursor lags: it may begin up to 200 events before what was acknowledged.
                var first = max(202, cursor + 1) - 200
                while first <= 20_001 {
                    try journal.write(first...min(first + 99, 20_001), to: test)
                    cursor = test.host.acknowledged.last ?? 0
                    _ = pwrite(acknowledged, &cursor, 8, 0)
                    first += 100
                }
                while true { pause() }
            }
            // Killed before anything was acknowledged, there is nothing in it.
            let cursor = try Data(contentsOf: URL(filePath: path + "/acknowledged")).withUnsafeBytes {
                $0.count == 8 ? $0.loadUnaligned(as: UInt64.self) : 0
            }
            // As it lies there, before anything is repaired: only the end may be torn.
            let found = try folder.unrepaired()
            if cursor > 0 { #expect(found.hasPrefix(journal.text(2...cursor)), "seed \(seed), round \(round)") }
        }
        let test = try TestSink(folder, ["/compress": .text("none")])
        let begin = Date.now
        for first in stride(from: UInt64(2), to: 20_002, by: 1000) {
            try journal.write(first...min(first + 999, 20_001), to: test)
        }
        #expect(begin.timeIntervalSinceNow > -60)
        #expect(try folder.everything() == journal.text(2...20_001), "seed \(seed)")
    }
}
