import PluginABI
import Synchronization
import Testing

@testable import HubRuntime

@Suite("The ring between a provider and the sequencer")
struct HostingRingTests {
    @Test("what is written past the end stands at the beginning, so records never wrap")
    func doubled() {
        let ring = RecordRing(capacity: 4096)
        for round in 0..<1000 {
            let bytes = 64 * (1 + round % 60)
            let space = ring.free()
            #expect(space.count >= bytes)
            for line in 0..<(bytes / 64) { space[line * 64] = 1 }
            space[bytes - 1] = UInt8(truncatingIfNeeded: round)
            ring.show(bytes)
            let waiting = ring.waiting(limit: .max)
            #expect(waiting.count == bytes)
            #expect(waiting[bytes - 1] == UInt8(truncatingIfNeeded: round))
            ring.consume(bytes)
            #expect(ring.isEmpty)
        }
    }

    @Test("an empty ring begins anew at its first byte; one that is not goes on behind its records")
    func rewinds() {
        let ring = RecordRing(capacity: 4096)
        let first = ring.free().baseAddress
        ring.show(128)
        #expect(ring.free().baseAddress == first.map { $0 + 128 })
        ring.consume(64)
        #expect(ring.free().baseAddress == first.map { $0 + 128 })
        #expect(ring.freeBytes == 4096 - 64)
        ring.consume(64)
        #expect(ring.free().baseAddress == first)
        #expect(ring.freeBytes == 4096)
    }

    @Test("a limit cuts between records, never in one")
    func limit() {
        let ring = RecordRing(capacity: 1 << 16)
        let space = ring.free()
        var offset = 0
        for lines in [1, 3, 2, 5] {
            space[offset] = UInt8(lines)
            offset += lines * 64
        }
        ring.show(offset)
        #expect(ring.waiting(limit: 1).count == 64)
        #expect(ring.waiting(limit: 65).count == 4 * 64)
        #expect(ring.waiting(limit: 1 << 20).count == 11 * 64)
    }

    @Test("millions of records of all sizes pass from one thread to another, whole and in order")
    func stress() {
        let seed = UInt64.random(in: .min ... .max)
        let total: UInt64 = 100_000
        let ring = RecordRing(capacity: 1 << 16)
        let producer = WorkerThread(name: "ring-test")
        producer.start {
            var random = Sequence(seed)
            var next: UInt64 = 0
            while next < total {
                let space = ring.free()
                var used = 0
                // A batch of what fits, at most so much.
                for _ in 0..<(1 + random.next() % 40) where next < total {
                    let lines = random.lines(next)
                    guard used + lines * 64 <= space.count else { break }
                    let record = space.baseAddress! + used
                    record.storeBytes(of: UInt8(lines), as: UInt8.self)
                    for word in 1..<(lines * 8) {
                        record.storeBytes(of: next &* 31 &+ UInt64(word), toByteOffset: word * 8, as: UInt64.self)
                    }
                    used += lines * 64
                    next += 1
                }
                if used > 0 { ring.show(used) }
            }
        }
        var random = Sequence(seed &+ 1)
        var next: UInt64 = 0
        var faults = 0
        while next < total {
            let waiting = ring.waiting(limit: Int(random.next() % 8192) + 1)
            var offset = 0
            while offset < waiting.count {
                let record = waiting.baseAddress! + offset
                let lines = Int(record.load(as: UInt8.self))
                if lines != random.lines(next) { faults += 1 }
                for word in 1..<max(2, lines * 8)
                where record.load(fromByteOffset: word * 8, as: UInt64.self) != next &* 31 &+ UInt64(word) {
                    faults += 1
                }
                offset += max(1, lines) * 64
                next += 1
            }
            #expect(offset == waiting.count)
            ring.consume(offset)
            if faults > 0 { break }
        }
        #expect(faults == 0, "seed \(seed)")
        if faults == 0 { producer.join() }
        #expect(ring.isEmpty)
    }

    private struct Sequence {
        var state: UInt64
        init(_ seed: UInt64) { state = seed | 1 }
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state >> 11
        }
        /// A function of the record's number alone: both threads know it.
        func lines(_ number: UInt64) -> Int { 1 + Int((number &* 0x9E37_79B9_7F4A_7C15) >> 61) }
    }
}
