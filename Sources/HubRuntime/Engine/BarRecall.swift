import EventFormat
import HubFold
import HubJournal
import HubStore
import Logging
import PluginABI

/// Answers the fold's questions about bars that it no longer remembers: from the store, and from the journal for what the
/// store does not have yet. On the sequencer's thread.
///
/// The answer depends on the records below the position asked for alone: the store is asked as it was known there, and
/// behind its position the journal is read. The store's thread never waits for the fold, so waiting for it here ends; it is
/// done only where reading the journal instead would take longer.
final class BarRecall {
    /// Reading so many records of the journal costs about as much as the question itself.
    private static let readAtMost: UInt64 = 20_000
    private static let patienceMilliseconds = 1_000

    private let journal: Journal
    private let store: Store
    private let logger: Logger
    /// Makes what was committed visible to readers.
    var publish: () -> Void = {}
    private var failures = 0

    init(journal: Journal, store: Store, logger: Logger) {
        self.journal = journal
        self.store = store
        self.logger = logger
    }

    /// While the journal is recovered nobody follows it: the store is brought to its head here.
    func catchUp() {
        do {
            if store.position < journal.head { try store.follow(journal) }
        } catch {
            fail(error)
        }
    }

    func answer(_ request: RecallRequest) -> [hub_bar]? {
        let last = request.before - 1
        let position = store.position
        if last > position { publish() }
        if last > position + Self.readAtMost {
            store.waitUntil(last - Self.readAtMost, timeoutMilliseconds: Self.patienceMilliseconds)
        }
        let known = min(store.position, last)
        do {
            let bars = try store.bars(
                symbol: request.symbol, interval: request.interval, from: request.from, to: nil, through: known,
                limit: request.limit, newest: false)
            guard known < last else { return bars }
            return merge(bars, request, after: known, through: last)
        } catch {
            fail(error)
            return nil
        }
    }

    /// Adds what the journal has behind the store's position.
    private func merge(_ bars: [hub_bar], _ request: RecallRequest, after: UInt64, through last: UInt64) -> [hub_bar] {
        // Behind the last one of a full answer there may be more in the store.
        let end = bars.count == request.limit ? bars.last.map(\.head.ts_event) ?? .max : .max
        var newer: [Int64: hub_bar] = [:]
        let definitions = self.definitions()
        let reader = journal.reader(after: after)
        reading: while reader.position < last {
            switch reader.next(maxBytes: 1 << 20) {
            case .records(let bytes, _, _):
                var offset = 0
                while offset < bytes.count {
                    let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                    offset += Int(record.pointee.lines) * Int(HUB_LINE)
                    guard record.pointee.seq <= last else { break reading }
                    guard record.pointee.kind == UInt8(HUB_BAR), record.pointee.ts_event >= request.from,
                        record.pointee.ts_event <= end
                    else { continue }
                    let bar = UnsafeRawPointer(record).assumingMemoryBound(to: hub_bar.self)
                    guard bar.pointee.interval == request.interval,
                        definitions.stream(record.pointee.stream)?.symbol == request.symbol
                    else { continue }
                    newer[record.pointee.ts_event] = bar.pointee
                }
            case .hole: continue
            case .caughtUp: break reading
            }
        }
        guard !newer.isEmpty else { return bars }
        var merged = bars.filter { newer[$0.head.ts_event] == nil } + newer.values
        merged.sort { $0.head.ts_event < $1.head.ts_event }
        return Array(merged.prefix(request.limit))
    }

    /// The definitions up to now: the fold's.
    var definitions: () -> DefinitionTable = { DefinitionTable() }

    private func fail(_ error: any Error) {
        failures += 1
        guard failures == 1 else { return }
        logger.error(
            "bars of the past cannot be read, so what comes late for them revises nothing until they can: \(error)")
    }
}
