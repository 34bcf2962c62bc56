import EventFormat
import PluginABI
import Testing

@testable import HubRuntime

/// Records as a callback leaves them, in memory of their own.
private final class Batch {
    private var lines: [[UInt8]] = []

    /// Appends a record of so many lines; `fill` gets its zeroed memory.
    @discardableResult
    func add(_ kind: Int, lines count: Int, stream: UInt32 = 1, _ fill: (UnsafeMutableRawPointer) -> Void = { _ in })
        -> Batch
    {
        var bytes = [UInt8](repeating: 0, count: count * 64)
        bytes.withUnsafeMutableBytes { space in
            let head = space.baseAddress!.assumingMemoryBound(to: hub_record.self)
            head.pointee.lines = UInt8(count)
            head.pointee.kind = UInt8(kind)
            head.pointee.stream = stream
            head.pointee.ts_event = 1
            fill(space.baseAddress!)
        }
        lines.append(bytes)
        return self
    }

    @discardableResult
    func trade(price: Double = 100, size: Double = 1, stream: UInt32 = 1, id: UInt64 = 0) -> Batch {
        add(HUB_TRADE, lines: 1, stream: stream) { raw in
            let trade = raw.assumingMemoryBound(to: hub_trade.self)
            trade.pointee.price = price
            trade.pointee.size = size
            trade.pointee.trade_id = id
            trade.pointee.head.flags = 0xffff
            trade.pointee.head.seq = 99
        }
    }

    /// Checks the batch with handles 1 and 2 known; answers the trade ids left, what was rejected and the first reason.
    func run() -> (records: [hub_record], ids: [UInt64], rejected: UInt64, fault: String?) {
        let all = lines.flatMap { $0 }
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: max(64, all.count), alignment: 64)
        defer { space.deallocate() }
        all.withUnsafeBytes { if $0.count > 0 { space.copyMemory(from: $0) } }
        var check = RecordCheck(handleCount: 3)
        let good = check.run(
            UnsafeMutableRawBufferPointer(start: space.baseAddress, count: all.count), receivedNanoseconds: 7)
        var records: [hub_record] = []
        var ids: [UInt64] = []
        var offset = 0
        while offset < good {
            let record = (space.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
            records.append(record.pointee)
            if record.pointee.kind == UInt8(HUB_TRADE) {
                ids.append(UnsafeRawPointer(record).assumingMemoryBound(to: hub_trade.self).pointee.trade_id)
            }
            offset += Int(record.pointee.lines) * 64
        }
        return (records, ids, check.rejected, check.firstFault.map { "\($0.reason)" })
    }
}

@Suite("Checking what a plugin emits")
struct HostingCheckTests {
    @Test("good records are stamped, and lose what only the hub may say")
    func stamps() {
        let result = Batch().trade(id: 1).trade(stream: 2, id: 2).run()
        #expect(result.ids == [1, 2])
        #expect(result.rejected == 0)
        #expect(result.records.allSatisfy { $0.ts_recv == 7 && $0.seq == 0 && $0.flags == 0x00ff })
    }

    @Test("bad trades are squeezed out and the good ones keep their order")
    func squeezes() {
        let result = Batch().trade(id: 1).trade(price: .nan, id: 2).trade(id: 3).trade(size: -1, id: 4)
            .trade(stream: 3, id: 5).trade(stream: 0, id: 6).trade(price: -.infinity, id: 7).trade(
                size: .infinity, id: 8
            )
            .trade(size: .nan, id: 9).trade(stream: .max, id: 10).trade(price: -1.5, size: 0, id: 11).run()
        #expect(result.ids == [1, 3, 11])
        #expect(result.rejected == 8)
        #expect(result.fault?.contains("price and size of a trade") == true)
    }

    @Test("a record without lines ends the batch, since nobody knows where the next begins")
    func noLines() {
        let result = Batch().trade(id: 1).add(HUB_TRADE, lines: 1) { $0.storeBytes(of: 0, as: UInt8.self) }.trade(id: 2)
            .run()
        #expect(result.ids == [1])
        #expect(result.rejected == 1)
        #expect(result.fault?.contains("its size is 0") == true)
    }

    @Test("a record that claims more lines than were emitted is not read beyond them")
    func tooManyLines() {
        let result = Batch().trade(id: 1).add(HUB_BOOK, lines: 1) { $0.storeBytes(of: 255, as: UInt8.self) }.run()
        #expect(result.ids == [1])
        #expect(result.rejected == 1)
    }

    @Test(
        "each kind has the lines and the numbers it must have",
        arguments: [
            (HUB_TRADE, 2, "one line"), (HUB_QUOTE, 2, "one line"), (HUB_TICK, 1, "two lines"),
            (HUB_BAR, 1, "two lines"), (HUB_GREEKS, 3, "two lines"), (HUB_GAP, 1, "none that a plugin may emit"),
            (HUB_VALUE, 1, "none that a plugin may emit"), (HUB_DEFINE, 1, "none that a plugin may emit"),
            (57, 1, "none that a plugin may emit"), (0, 1, "none that a plugin may emit"),
        ])
    func shapes(kind: Int, lines: Int, words: String) {
        let result = Batch().add(kind, lines: lines).run()
        #expect(result.records.isEmpty)
        #expect(result.fault?.contains(words) == true, "\(result.fault ?? "nothing")")
    }

    @Test("a book's levels must lie within its lines and be numbers")
    func books() {
        func book(bids: UInt16, asks: UInt16, lines: Int, price: Double = 1) -> Bool {
            let result = Batch().add(HUB_BOOK, lines: lines) { raw in
                raw.storeBytes(of: bids, toByteOffset: 32, as: UInt16.self)
                raw.storeBytes(of: asks, toByteOffset: 34, as: UInt16.self)
                for level in 0..<((lines * 64 - 40) / 24) {
                    raw.storeBytes(of: price, toByteOffset: 40 + level * 24, as: Double.self)
                }
            }.run()
            return result.records.count == 1
        }
        #expect(book(bids: 1, asks: 0, lines: 1))
        #expect(!book(bids: 1, asks: 1, lines: 1))
        #expect(book(bids: 2, asks: 1, lines: 2))
        #expect(!book(bids: 65535, asks: 65535, lines: 255))
        #expect(book(bids: 339, asks: 339, lines: 255))
        #expect(!book(bids: 1, asks: 0, lines: 1, price: .nan))
        #expect(book(bids: 0, asks: 0, lines: 1, price: .nan))
    }

    @Test("bars have an interval of the hub's, a time, and a high that is not below the low")
    func bars() {
        func bar(interval: UInt32 = 60, high: Double = 2, low: Double = 1, volume: Double = 0, time: Int64 = 60) -> Bool
        {
            let result = Batch().add(HUB_BAR, lines: 2) { raw in
                let bar = raw.assumingMemoryBound(to: hub_bar.self)
                bar.pointee.interval = interval
                bar.pointee.open = 1
                bar.pointee.high = high
                bar.pointee.low = low
                bar.pointee.close = 1
                bar.pointee.volume = volume
                bar.pointee.notional = .nan
                bar.pointee.open_interest = .nan
                bar.pointee.head.ts_event = time
            }.run()
            return result.records.count == 1
        }
        #expect(bar())
        #expect(!bar(interval: 61))
        #expect(!bar(high: 0.5))
        #expect(!bar(high: .nan))
        #expect(!bar(volume: -1))
        #expect(!bar(time: 0))
    }

    @Test("of controls only positions pass, and only of the source itself")
    func controls() {
        func control(_ what: Int, stream: UInt32 = 0, lines: Int = 1) -> Bool {
            Batch().add(HUB_CONTROL, lines: lines, stream: stream) {
                $0.storeBytes(of: UInt8(what), toByteOffset: 32, as: UInt8.self)
            }.run().records.count == 1
        }
        #expect(control(HUB_CONTROL_POSITION))
        #expect(!control(HUB_CONTROL_POSITION, stream: 1))
        #expect(!control(HUB_CONTROL_POSITION, lines: 2))
        #expect(!control(HUB_CONTROL_FAILOVER))
        #expect(!control(HUB_CONTROL_END))
    }

    @Test("texts must end within their record; a venue is spoken of with handle 0")
    func texts() {
        func status(length: UInt16, lines: Int = 2, stream: UInt32 = 0) -> Bool {
            Batch().add(HUB_STATUS, lines: lines, stream: stream) { raw in
                raw.storeBytes(of: .nan, toByteOffset: 48, as: Double.self)
                raw.storeBytes(of: .nan, toByteOffset: 56, as: Double.self)
                if lines > 1 { raw.storeBytes(of: length, toByteOffset: 64, as: UInt16.self) }
            }.run().records.count == 1
        }
        #expect(status(length: 60))
        #expect(!status(length: 61))
        #expect(!status(length: 65535))
        #expect(status(length: 3, stream: 2))
        #expect(!status(length: 3, stream: 3))
    }

    @Test("no bytes whatever make the check read or keep more than was emitted")
    func fuzz() {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        let most = 64
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: (most + 1) * 64, alignment: 64)
        defer { space.deallocate() }
        let kinds: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 128, 129, 200]
        var faults = 0
        var kept = 0
        for _ in 0..<4_000 {
            let lines = Int(next() % UInt64(most)) + 1
            for word in 0..<(lines * 8) { space.storeBytes(of: next(), toByteOffset: word * 8, as: UInt64.self) }
            // Heads that are nearly right, so that the bodies are looked at.
            for line in 0..<lines where next() % 2 == 0 {
                space[line * 64] = UInt8(next() % 4)
                space[line * 64 + 1] = kinds[Int(next() % UInt64(kinds.count))]
                space.storeBytes(of: UInt32(next() % 4), toByteOffset: line * 64 + 4, as: UInt32.self)
            }
            // Behind the end: must stay.
            for byte in 0..<64 { space[lines * 64 + byte] = 0xa5 }
            var check = RecordCheck(handleCount: 3)
            let good = check.run(
                UnsafeMutableRawBufferPointer(rebasing: space[..<(lines * 64)]), receivedNanoseconds: 7)
            var offset = 0
            while offset < good {
                let record = (space.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                if !RecordShape.isWellFormed(UnsafePointer(record)) || record.pointee.ts_recv != 7
                    || record.pointee.stream >= 3
                {
                    faults += 1
                }
                offset += max(1, Int(record.pointee.lines)) * 64
            }
            let guarded = space[(lines * 64)..<((lines + 1) * 64)]
            if offset != good || good > lines * 64 || !guarded.allSatisfy({ $0 == 0xa5 }) { faults += 1 }
            kept += good / 64
        }
        #expect(faults == 0, "seed \(seed)")
        #expect(kept > 0, "nothing passed: the fuzz tests nothing")
    }
}
