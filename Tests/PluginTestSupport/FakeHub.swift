import PluginABI
import PluginKit

/// What a plugin answered with.
package struct Refusal: Error, Equatable {
    package var status: Int32
    package var text: String
    package var pointer: String

    init(_ status: hub_status, _ error: hub_error) {
        func text<Tuple>(_ tuple: Tuple) -> String {
            withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        self.status = status
        self.text = text(error.text)
        pointer = text(error.pointer)
    }
}

/// One instance of a pulled plugin, run through the ABI with a clock of the test's own.
final class FakeHub {
    let host: FakeHost
    private let plugin: UnsafePointer<hub_plugin>
    private let provider: UnsafePointer<hub_provider_1>
    private let puller: UnsafePointer<hub_provider_pull_1>
    private let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
    private let memory: UnsafeMutableRawPointer
    private static let capacity = 1 << 20
    /// Everything emitted, whole records.
    private(set) var bytes: [UInt8] = []
    var now: Int64

    init(_ registration: Registration, _ settings: Setting, now: Int64, lastPosition: [UInt8]? = nil) throws {
        host = FakeHost(settings, lastPosition: lastPosition)
        self.now = now
        memory = .allocate(byteCount: Self.capacity, alignment: 64)
        var error = hub_error()
        guard let plugin = registration.create(host: host.raw, error: &error) else { throw Refusal(11, error) }
        self.plugin = plugin
        provider = "hub.provider/1".withHubText { plugin.pointee.get_extension(plugin, $0) }!
            .assumingMemoryBound(to: hub_provider_1.self)
        puller = "hub.provider.pull/1".withHubText { plugin.pointee.get_extension(plugin, $0) }!
            .assumingMemoryBound(to: hub_provider_pull_1.self)
    }

    deinit {
        plugin.pointee.stop(plugin)
        plugin.pointee.destroy(plugin)
        memory.deallocate()
        out.deallocate()
    }

    private func attempt(_ body: (UnsafeMutablePointer<hub_error>) -> hub_status) throws {
        var error = hub_error()
        error.struct_size = UInt32(MemoryLayout<hub_error>.size)
        let status = body(&error)
        guard status == 0 else { throw Refusal(status, error) }
    }

    private var time: hub_now { hub_now(wall_ns: now, mono_ns: now) }

    func check() throws { try attempt { plugin.pointee.check_settings(plugin, $0) } }

    /// Starts and wants these symbols, handles from 1.
    func start(_ symbols: [String], kinds: KindSet = [.trade, .quote, .book]) throws {
        try attempt { plugin.pointee.start(plugin, time, $0) }
        host.streams = symbols.map { ($0, "") }
        let texts = symbols.map { symbol in
            let bytes = Array(symbol.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            return UnsafePointer(copy)
        }
        defer { for text in texts { text.deallocate() } }
        let items = symbols.indices.map { index in
            hub_want(
                struct_size: UInt32(MemoryLayout<hub_want>.size), handle: UInt32(index + 1), kinds: kinds.rawValue,
                reserved: 0, symbol: hub_text_of(texts[index]))
        }
        try attempt { provider.pointee.want(plugin, items, UInt64(items.count), time, $0) }
    }

    /// One pull at the present time; true when nothing was emitted.
    func pull(budget: Int) throws -> PullResult {
        out.initialize(
            to: hub_out(
                at: memory.assumingMemoryBound(to: UInt8.self),
                end: (memory + Self.capacity).assumingMemoryBound(to: UInt8.self), host: nil, more: { _, _ in 0 }))
        var next = hub_pull(struct_size: UInt32(MemoryLayout<hub_pull>.size), what: 1, until_ns: 0)
        try attempt { puller.pointee.pull(plugin, UInt32(budget), &next, out, time, $0) }
        let count = UnsafeRawPointer(out.pointee.at!) - UnsafeRawPointer(memory)
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: memory, count: count))
        switch next.what {
        case 1: return .more
        case 2: return .until(next.until_ns)
        default: return .end
        }
    }

    /// Pulls as lockstep does, the clock jumping to when the next record is due, up to a time (inclusive) or until so
    /// many records are there. True: the source has ended.
    @discardableResult
    func run(until end: Int64 = .max, records: Int = .max, budget: Int = 256) throws -> Bool {
        var count = 0
        var seen = bytes.count
        while true {
            switch try pull(budget: budget) {
            case .more: break
            case .until(let time):
                if time > end { return false }
                now = max(now, time)
            case .end: return true
            }
            if records < .max {
                while seen < bytes.count {
                    seen += Int(bytes[seen]) * 64
                    count += 1
                }
                if count >= records { return false }
            }
        }
    }

    /// Calls `body` with each record emitted so far and its place in ``bytes``.
    func forEachRecord(_ body: (UnsafePointer<hub_record>, Int) throws -> Void) rethrows {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(64, bytes.count), alignment: 64)
        defer { copy.deallocate() }
        copy.copyMemory(from: bytes, byteCount: bytes.count)
        var at = 0
        while at < bytes.count {
            let record = UnsafePointer((copy + at).assumingMemoryBound(to: hub_record.self))
            try body(record, at)
            at += Int(record.pointee.lines) * 64
        }
    }

    /// The trades emitted so far.
    var trades: [hub_trade] {
        var trades: [hub_trade] = []
        forEachRecord { record, _ in
            guard record.pointee.kind == 1 else { return }
            trades.append(UnsafeRawPointer(record).load(as: hub_trade.self))
        }
        return trades
    }

    /// The bars emitted so far.
    var bars: [hub_bar] {
        var bars: [hub_bar] = []
        forEachRecord { record, _ in
            guard record.pointee.kind == 5 else { return }
            bars.append(UnsafeRawPointer(record).load(as: hub_bar.self))
        }
        return bars
    }

    /// The quotes emitted so far.
    var quotes: [hub_quote] {
        var quotes: [hub_quote] = []
        forEachRecord { record, _ in
            guard record.pointee.kind == 2 else { return }
            quotes.append(UnsafeRawPointer(record).load(as: hub_quote.self))
        }
        return quotes
    }

    /// Positions with the place in ``bytes`` behind each.
    var positions: [(data: [UInt8], end: Int)] {
        var positions: [(data: [UInt8], end: Int)] = []
        forEachRecord { record, at in
            guard record.pointee.kind == 128 else { return }
            positions.append((Array(bytes[(at + 40)..<(at + 64)]), at + 64))
        }
        return positions
    }
}
