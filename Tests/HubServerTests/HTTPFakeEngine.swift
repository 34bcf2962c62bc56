import EventFormat
import Foundation
import HubConfig
import HubFold
import HubJournal
import HubModel
import HubStore
import PluginABI
import Synchronization

@testable import HubRuntime

/// A hub without plugins: a real journal, fold and store in a folder of their own, fed by the test.
final class FakeEngine: EngineAccess, DerivedOutput, @unchecked Sendable {
    let version = "0.0.0-test"
    let configuration: Configuration
    let journal: Journal
    let store: Store
    let definitions: SharedDefinitions
    let folder: String
    private let fold: Fold
    private let lock = NSLock()
    private let follower: Follower
    private var last: UInt64
    private var lastReceived: Int64 = 0
    var reasons: [NotReady] = []
    var indicatorCatalogue: [String] = ["[{\"name\":\"sma\",\"outputs\":[\"sma\"]},{\"name\":\"rsi\"}]"]

    struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    /// Keeps the store at the journal's head.
    final class Follower: @unchecked Sendable {
        private let waiter: JournalWaiter
        private let isStopping = Atomic<Bool>(false)
        private let ended = DispatchSemaphore(value: 0)

        init(journal: Journal, store: Store) {
            let waiter = journal.makeWaiter()
            self.waiter = waiter
            Thread.detachNewThread { [self] in
                while true {
                    let isLast = isStopping.load(ordering: .acquiring)
                    try? store.follow(journal)
                    if isLast { break }
                    _ = waiter.wait(beyond: store.position, timeoutMilliseconds: 200)
                }
                ended.signal()
            }
        }

        func stop() {
            isStopping.store(true, ordering: .releasing)
            waiter.interrupt()
            ended.wait()
            waiter.cancel()
        }
    }

    struct Plugins: PluginCatalogue {
        func descriptor(_ id: String) -> PluginDescription? {
            PluginDescription(id: id, kind: .provider, traits: [.recorded])
        }
        var ids: [String] { ["fake"] }
    }

    /// - Parameter hub: lines of the section `hub` beside `listen` and `data`.
    init(
        hub: [String: String] = [:], pipelines: String? = nil, segmentBytes: Int = 1 << 20, folder given: String? = nil,
        listen: String = "127.0.0.1:0"
    ) throws {
        folder = given ?? NSTemporaryDirectory() + "hub-server-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var yaml = "hub:\n  listen: \"\(listen)\"\n  data: \(folder)\n"
        for (key, value) in hub.sorted(by: { $0.key < $1.key }) { yaml += "  \(key): \(value)\n" }
        yaml += "providers:\n  fake: { plugin: fake }\n"
        yaml += pipelines ?? "pipelines:\n  main: { from: [fake], instruments: [\"*:*\"], bars: [1s, 1m, 5m, 1d] }\n"
        let loader = ConfigurationLoader(environment: [:], plugins: Plugins())
        let loaded = loader.load(Array(yaml.utf8), path: folder + "/hub.yaml")
        guard let configuration = loaded.configuration else {
            throw Broken(description: loaded.diagnostics.map { "\($0)" }.joined(separator: "\n"))
        }
        self.configuration = configuration
        var options = JournalOptions(folder: folder)
        options.segmentBytes = segmentBytes
        options.preparesAhead = false
        options.retentionNanoseconds = 1
        journal = try Journal.open(options)
        fold = Fold(
            plan: FoldPlan(
                pipelines: configuration.pipelines.map {
                    PipelinePlan(
                        name: $0.name, sources: $0.sources.map(\.provider), instruments: $0.instruments,
                        patterns: $0.globs, bars: $0.bars)
                }, sources: [SourcePlan(name: "fake", recorded: true)]))
        definitions = SharedDefinitions(DefinitionTable())
        store = try Store.open(folder: folder)
        follower = Follower(journal: journal, store: store)
        last = journal.head
    }

    deinit {
        follower.stop()
        try? store.close()
        try? journal.close(clean: true)
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Feeding

    /// The stream of a symbol, defined on the spot.
    func stream(_ symbol: String, type: Int = HUB_TYPE_EQUITY, currency: String = "USD") -> UInt32 {
        lock.lock()
        defer { lock.unlock() }
        if let id = fold.streamID(symbol: symbol, source: "fake") { return id }
        if !symbol.isEmpty, fold.streamID(symbol: "", source: "fake") == nil { define("", 0, "") }
        let id = define(symbol, type, currency)
        journal.publish()
        return id
    }

    @discardableResult
    private func define(_ symbol: String, _ type: Int, _ currency: String) -> UInt32 {
        let definition = StreamDefinition(
            id: fold.nextStreamID, symbol: symbol, source: "fake", instrumentType: UInt8(type), currency: currency,
            calendar: "always", tickSize: 0.01)
        var bytes = [UInt8](repeating: 0, count: DefineRecord.lines(definition) * 64)
        bytes.withUnsafeMutableBytes { DefineRecord.write(definition, to: $0.baseAddress!) }
        take(bytes)
        definitions.replace(with: fold.definitions)
        return definition.id
    }

    /// One trade; `time` in nanoseconds.
    @discardableResult
    func trade(
        _ stream: UInt32, price: Double, size: Double = 1, time: Int64, publish: Bool = true, id: UInt64 = 0,
        flags: Int = 0
    ) -> UInt64 {
        var trade = hub_trade()
        trade.head.lines = 1
        trade.head.kind = UInt8(HUB_TRADE)
        trade.head.stream = stream
        trade.head.flags = UInt16(flags)
        trade.head.ts_event = time
        trade.head.ts_recv = wallNanoseconds
        trade.price = price
        trade.size = size
        trade.trade_id = id
        return feed(withUnsafeBytes(of: trade) { Array($0) }, publish: publish)
    }

    func quote(_ stream: UInt32, bid: Double, ask: Double, time: Int64) {
        var quote = hub_quote()
        quote.head.lines = 1
        quote.head.kind = UInt8(HUB_QUOTE)
        quote.head.stream = stream
        quote.head.ts_event = time
        quote.head.ts_recv = wallNanoseconds
        quote.bid = bid
        quote.bid_size = 10
        quote.ask = ask
        quote.ask_size = 20
        feed(withUnsafeBytes(of: quote) { Array($0) })
    }

    /// A gap of the source, symbols as globs.
    func gap(symbols: [String], from: Int64, to: Int64) {
        let source = stream("")
        var gap = hub_gap()
        let text = symbols.joined(separator: "\n")
        let lines = RecordText.linesNeeded(fixedBytes: 64, texts: [text])
        gap.head.lines = UInt8(lines)
        gap.head.kind = UInt8(HUB_GAP)
        gap.head.stream = source
        gap.head.ts_event = to
        gap.head.ts_recv = wallNanoseconds
        gap.state = UInt8(HUB_GAP_CLOSED)
        gap.reason = UInt8(HUB_GAP_SOURCE_DOWN)
        gap.repair = UInt8(HUB_REPAIR_IMPOSSIBLE)
        gap.types = 1 << UInt32(HUB_TRADE)
        gap.from = from
        gap.to = to
        var bytes = [UInt8](repeating: 0, count: lines * 64)
        bytes.withUnsafeMutableBytes { raw in
            raw.baseAddress!.storeBytes(of: gap, as: hub_gap.self)
            RecordText.write([text], after: 64, in: raw.baseAddress!, lines: lines)
        }
        lock.lock()
        take(bytes)
        lock.unlock()
        publish()
    }

    /// The clock goes on; nobody else's event is in it.
    func control(_ what: Int, time: Int64) {
        var control = hub_control()
        control.head.lines = 1
        control.head.kind = UInt8(HUB_CONTROL)
        control.head.ts_event = time
        control.head.ts_recv = wallNanoseconds
        control.what = UInt8(what)
        feed(
            withUnsafeBytes(of: control) { Array($0) }
                + [UInt8](repeating: 0, count: 64 - MemoryLayout<hub_control>.size))
    }

    @discardableResult
    func feed(_ record: [UInt8], publish shows: Bool = true) -> UInt64 {
        lock.lock()
        let seq = take(record)
        lock.unlock()
        if shows { publish() }
        return seq
    }

    @discardableResult
    private func take(_ record: [UInt8]) -> UInt64 {
        var record = record
        return record.withUnsafeMutableBytes { bytes in
            let head = bytes.baseAddress!.assumingMemoryBound(to: hub_record.self)
            if head.pointee.kind < 128, Int(head.pointee.kind) != HUB_GAP {
                guard fold.admit(head) == .take else { return last }
            }
            guard let place = try? journal.reserve(lines: bytes.count / 64) else { return last }
            place.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            commit(place)
            let seq = last
            fold.apply(UnsafePointer(place.assumingMemoryBound(to: hub_record.self)), self)
            return seq
        }
    }

    private func commit(_ place: UnsafeMutableRawPointer) {
        let head = place.assumingMemoryBound(to: hub_record.self)
        lastReceived = max(lastReceived, head.pointee.ts_recv)
        head.pointee.ts_recv = lastReceived
        last += 1
        journal.commit(place, seq: last)
    }

    func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        guard let place = try? journal.reserve(lines: lines) else { return }
        fill(place)
        commit(place)
    }

    /// Makes what was fed visible and wakes listeners.
    func publish() {
        lock.lock()
        defer { lock.unlock() }
        journal.publish()
    }

    /// Lets the journal go as far as whole segments allow; the store has what is kept of it.
    func forget() throws {
        _ = store.waitUntil(journal.head)
        lock.lock()
        defer { lock.unlock() }
        _ = try journal.applyRetention(nowNanoseconds: .max, keepFrom: journal.head)
    }

    /// Packs everything that was fed into the store.
    func compact() throws {
        lock.lock()
        defer { lock.unlock() }
        journal.publish()
        try journal.seal()
        _ = store.waitUntil(journal.head)
        while try store.compactNext(journal) != nil {}
    }

    // MARK: EngineAccess

    var wallNanoseconds: Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    func withFold<R>(_ body: (_ fold: Fold, _ foldSequence: UInt64) throws -> R) rethrows -> R {
        lock.lock()
        defer { lock.unlock() }
        return try body(fold, last)
    }

    func status() -> EngineStatus {
        var status = EngineStatus()
        status.state = "ok"
        var provider = EngineStatus.Provider()
        provider.name = "fake"
        provider.plugin = "fake"
        provider.state = "ok"
        provider.lastEventNanoseconds = lastReceived
        status.providers = [provider]
        return status
    }

    func notReady() -> [NotReady] { reasons }

    func onPublish(_ wake: @escaping @Sendable () -> Void) -> PublishToken { PublishToken(journal, wake: wake) }
}
