import PluginABI
import Synchronization
import Testing

@testable import HubJournal

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs closures on threads of their own, and waits for all of them.
func onThreads(_ bodies: [@Sendable () -> Void]) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var threads: [pthread_t] = []
    for body in bodies {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

@Suite("Many threads")
struct ConcurrencyTests {
    @Test(
        "readers see exactly the journal while it is written, searched and shortened",
        arguments: [JournalDurability.process, .fsync])
    func readersAndWriter(durability: JournalDurability) throws {
        let folder = TestFolder()
        var options = folder.options()
        options.durability = durability
        options.retentionBytes = 1 << 20
        let journal = try Journal.open(options)
        let total: UInt64 = durability == .fsync ? 8000 : 30_000
        let problems = Mutex<[String]>([])
        let report: @Sendable (String) -> Void = { text in problems.withLock { $0.append(text) } }

        var bodies: [@Sendable () -> Void] = [
            {
                var generator = SeededGenerator(state: 11)
                do {
                    while journal.nextSeq <= total {
                        let left = Int(total + 1 - journal.nextSeq)
                        try journal.append(min(left, Int.random(in: 1...200, using: &generator)), publishEvery: 37)
                        if durability == .fsync { try journal.sync() }
                        // Of what everybody has read, nothing need be kept.
                        try journal.applyRetention(nowNanoseconds: 0, keepFrom: journal.nextSeq / 2)
                    }
                } catch { report("writer: \(error)") }
            }
        ]
        for number in 0..<4 {
            bodies.append {
                let waiter = journal.makeWaiter()
                defer { waiter.cancel() }
                let reader = journal.reader(after: 0)
                var expected: UInt64 = 1
                while expected <= total {
                    switch reader.next(maxBytes: 1 << (8 + number * 3)) {
                    case .records(let bytes, let first, let last):
                        var seen = Seen()
                        _ = seen.take(.records(bytes, first: first, last: last))
                        if first != expected || seen.seqs != Array(first...last) || seen.wrong != [] {
                            report(
                                "reader \(number) expected \(expected) and got \(first) to \(last), wrong \(seen.wrong)"
                            )
                            return
                        }
                        expected = last + 1
                    case .hole(let after, let before):
                        if after + 1 != expected || before <= expected {
                            report("reader \(number): a hole at \(after)")
                        }
                        expected = before
                    case .caughtUp:
                        // No wake is ever missed: 20 s would be the end of the test.
                        if !waiter.wait(beyond: reader.position, timeoutMilliseconds: 20_000) {
                            report("reader \(number) was not woken at \(reader.position)")
                            return
                        }
                    }
                }
            }
        }
        bodies.append {
            while journal.head < total {
                do {
                    var last: UInt64 = 0
                    let filter = JournalFilter(streams: StreamSet([3, 4]), kinds: KindSet([HUB_TRADE]))
                    try journal.newest(20, matching: filter) { record in
                        if record.pointee.seq <= last || !Sample.isRight(record, record.pointee.seq) {
                            report("search found \(record.pointee.seq) after \(last)")
                        }
                        last = record.pointee.seq
                    }
                } catch { report("search: \(error)") }
            }
        }
        onThreads(bodies)
        #expect(problems.withLock { $0 } == [])
        #expect(journal.head == total)
    }

    @Test("a journal opened for reading follows the hub that writes, over segments")
    func readingBeside() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        try journal.append(10)
        let other = try Journal.openReadOnly(folder: folder.path)
        #expect(other.head == 10 && other.epoch == journal.epoch)
        #expect(throws: JournalError.notOpenForWriting) { try other.reserve(lines: 1) }
        let reader = other.reader(after: 0)
        var seen = Seen()
        for _ in 1...20 {
            while seen.take(reader.next()) {}
            #expect(reader.position == journal.head)
            try journal.append(333)
        }
        while seen.take(reader.next()) {}
        #expect(seen == Seen(seqs: Array(1...6670)))
        #expect(try other.verify().faults == [])
    }

    @Test("a waiter with a function is called once for each time it was armed")
    func functionWaiter() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        let calls = Atomic<Int>(0)
        let waiter = journal.makeWaiter { calls.add(1, ordering: .relaxed) }
        try journal.append(1)
        #expect(calls.load(ordering: .relaxed) == 0)
        #expect(waiter.arm(beyond: 0) == false)
        #expect(waiter.arm(beyond: 1) == true)
        try journal.append(100, publishEvery: 1)
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(waiter.arm(beyond: 101) == true)
        waiter.cancel()
        try journal.append(5)
        #expect(calls.load(ordering: .relaxed) == 1)
    }

    @Test("closing wakes who sleeps")
    func closingWakes() throws {
        let folder = TestFolder()
        let journal = try Journal.open(folder.options())
        let waiter = journal.makeWaiter()
        let result = Mutex<Bool?>(nil)
        onThreads([
            { result.withLock { $0 = waiter.wait(beyond: 0, timeoutMilliseconds: 20_000) } },
            { try? journal.close(clean: true) },
        ])
        #expect(result.withLock { $0 } == false)
    }
}
