package import PluginABI
import PluginKit

/// Space for records as a host gives it, and what a decoder put there. Not thread-safe.
package final class RecordCollector {
    package let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int

    package init(lines: Int = 16_384) {
        capacity = lines * 64
        memory = .allocate(byteCount: capacity, alignment: 64)
        out.initialize(to: hub_out())
        reset()
    }

    /// Holds records that were emitted elsewhere.
    package convenience init(holding bytes: [UInt8]) {
        self.init(lines: max(1, bytes.count / 64))
        memory.copyMemory(from: bytes, byteCount: bytes.count)
        out.pointee.at = (memory + bytes.count).assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        memory.deallocate()
        out.deallocate()
    }

    /// Begins with empty space.
    package func reset() {
        out.pointee = hub_out(
            at: memory.assumingMemoryBound(to: UInt8.self),
            end: (memory + capacity).assumingMemoryBound(to: UInt8.self), host: nil, more: { _, _ in 0 })
    }

    /// All bytes so far.
    package var bytes: [UInt8] {
        let count = UnsafeRawPointer(out.pointee.at!) - UnsafeRawPointer(memory)
        return Array(UnsafeRawBufferPointer(start: memory, count: count))
    }

    /// Places of the records so far.
    package var records: [UnsafePointer<hub_record>] {
        var records: [UnsafePointer<hub_record>] = []
        var at = UnsafeRawPointer(memory)
        while at < UnsafeRawPointer(out.pointee.at!) {
            let record = at.assumingMemoryBound(to: hub_record.self)
            records.append(record)
            at += Int(record.pointee.lines) * 64
        }
        return records
    }

    /// Copies of the records of one kind.
    func all<Record>(_ kind: RecordKind, as type: Record.Type) -> [Record] {
        records.filter { $0.pointee.kind == kind.rawValue }.map { UnsafeRawPointer($0).load(as: type) }
    }

    var ticks: [hub_tick] { all(.tick, as: hub_tick.self) }
    var quotes: [hub_quote] { all(.quote, as: hub_quote.self) }
    var greeks: [hub_greeks] { all(.greeks, as: hub_greeks.self) }
    var bars: [hub_bar] { all(.bar, as: hub_bar.self) }

    /// Bids and asks of each book.
    var books: [(stream: UInt32, bids: [hub_level], asks: [hub_level])] {
        records.filter { $0.pointee.kind == RecordKind.book.rawValue }.map { record in
            let raw = UnsafeRawPointer(record)
            let book = raw.load(as: hub_book.self)
            let levels = (0..<(Int(book.bids) + Int(book.asks))).map {
                raw.load(fromByteOffset: 40 + $0 * 24, as: hub_level.self)
            }
            return (
                book.head.stream, Array(levels.prefix(Int(book.bids))), Array(levels.dropFirst(Int(book.bids)))
            )
        }
    }

    /// Venue, phase and reason of each trading status.
    var phases: [(venue: String, phase: UInt8, reason: String)] {
        records.filter { $0.pointee.kind == RecordKind.tradingStatus.rawValue }.map { record in
            let raw = UnsafeRawPointer(record)
            var at = raw + 64
            func text() -> String {
                let count = Int(at.loadUnaligned(as: UInt16.self))
                defer { at += 2 + count }
                return String(decoding: UnsafeRawBufferPointer(start: at + 2, count: count), as: UTF8.self)
            }
            let venue = text()
            return (venue, raw.load(as: hub_trading_status.self).phase, text())
        }
    }

    /// Whether every record is one that the host would take: of a known size and kind, with numbers where it must have
    /// them.
    package var isSound: Bool {
        records.allSatisfy { record in
            let raw = UnsafeRawPointer(record)
            switch RecordKind(rawValue: record.pointee.kind) {
            case .trade:
                let trade = raw.load(as: hub_trade.self)
                return record.pointee.lines == 1 && trade.price.isFinite && trade.size.isFinite && trade.size >= 0
            case .tick: return record.pointee.lines == 2 && raw.load(as: hub_tick.self).last.isFinite
            case .quote:
                let quote = raw.load(as: hub_quote.self)
                return record.pointee.lines == 1 && !quote.bid.isInfinite && !quote.ask.isInfinite
            case .book, .tradingStatus: return record.pointee.lines > 0
            case .greeks, .bar: return record.pointee.lines == 2
            default: return false
            }
        }
    }
}
