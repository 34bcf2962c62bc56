import EventFormat
import HubJournal
import HubModel
import HubRuntime
import Logging
import NIOCore
import NIOPosix
import PluginABI

/// What streams need of the hub beside the journal. Every member may be used from any thread; what takes its time runs on
/// threads of its own and answers on the loop.
struct StreamServices: Sendable {
    let log: any EventLog
    let epochs: @Sendable () -> [StreamFacts.Epoch]
    /// The hub's clock, nanoseconds since the Unix epoch.
    let clock: @Sendable () -> Int64
    let catalogue: @Sendable () -> HubCatalogue
    /// What heartbeats say of the sources.
    let sources: @Sendable () -> [StreamObject.Heartbeat.Source]
    /// A cursor over what the journal has let go between two positions, both exclusive, as far as a filter may select it.
    let openHistory: @Sendable (_ after: UInt64, _ before: UInt64, _ filter: JournalFilter) -> HistoryCursor
    /// Finds the position after which a stream begins.
    let findStart: @Sendable (_ goal: StartSearch.Goal, _ filter: SubscriptionFilter) throws -> UInt64
    /// The newest records that a filter selects, and the position whose state they are.
    let snapshot: @Sendable (_ filter: SubscriptionFilter) -> (records: [UInt8], seq: UInt64)
    /// What views of these instruments are made of. Blocks.
    let readViews: @Sendable (_ wishes: [ViewWish]) -> ViewReading
    let definitions: @Sendable () -> DefinitionTable
    let pool: NIOThreadPool
    let logger: Logger
    /// What is streamed on demand.
    var demand: StreamDemand?
    /// Whether every provider has refused an instrument on demand.
    var isRefused: @Sendable (_ symbol: String) -> Bool = { _ in false }
    /// When venues trade.
    var calendars = MarketCalendars()

    /// The journal at this moment.
    func facts() -> StreamFacts {
        let earliest = log.earliest
        return StreamFacts(
            nowNanoseconds: clock(), epochs: epochs(), head: log.head,
            earliest: (earliest.seq, earliest.receivedNanoseconds))
    }

    /// The next part of the past; while it is being written, the one behind it is read.
    func history(
        _ cursor: HistoryCursor, on loop: any EventLoop,
        then: @escaping @Sendable (Result<HistoryChunk, any Error>) -> Void
    ) {
        let pool = pool
        pool.runIfActive(eventLoop: loop) {
            let chunk = try cursor.next()
            if !chunk.isLast { pool.submit { if case .active = $0 { cursor.prefetch() } } }
            return chunk
        }.whenComplete(then)
    }

    /// Looks for the position where a stream begins.
    func search(
        _ goal: StartSearch.Goal, filter: SubscriptionFilter, on loop: any EventLoop,
        then: @escaping @Sendable (Result<UInt64, any Error>) -> Void
    ) {
        let find = findStart
        pool.runIfActive(eventLoop: loop) { try find(goal, filter) }.whenComplete(then)
    }

    func takeSnapshot(
        of filter: SubscriptionFilter, on loop: any EventLoop,
        then: @escaping @Sendable (Result<(records: [UInt8], seq: UInt64), any Error>) -> Void
    ) {
        let snapshot = snapshot
        pool.runIfActive(eventLoop: loop) { snapshot(filter) }.whenComplete(then)
    }
}
