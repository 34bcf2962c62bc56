import EventFormat
import HubModel
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
    /// Kept records between two positions, both exclusive, one behind the other, with the last position that was covered.
    let readHistory: @Sendable (_ after: UInt64, _ before: UInt64) throws -> HistoryChunk
    /// The newest records that a filter selects, and the position whose state they are.
    let snapshot: @Sendable (_ filter: SubscriptionFilter) -> (records: [UInt8], seq: UInt64)
    /// What views of these instruments are made of. Blocks.
    let readViews: @Sendable (_ wishes: [ViewWish]) -> ViewReading
    let definitions: @Sendable () -> DefinitionTable
    let pool: NIOThreadPool
    let logger: Logger

    /// The journal at this moment.
    func facts() -> StreamFacts {
        let earliest = log.earliest
        return StreamFacts(
            nowNanoseconds: clock(), epochs: epochs(), head: log.head,
            earliest: (earliest.seq, earliest.receivedNanoseconds))
    }

    func history(
        after: UInt64, before: UInt64, on loop: any EventLoop,
        then: @escaping @Sendable (Result<HistoryChunk, any Error>) -> Void
    ) {
        let read = readHistory
        pool.runIfActive(eventLoop: loop) { try read(after, before) }.whenComplete(then)
    }

    /// Looks for the position where a stream begins.
    func search(
        _ goal: StartSearch.Goal, filter: SubscriptionFilter, on loop: any EventLoop,
        then: @escaping @Sendable (Result<UInt64, any Error>) -> Void
    ) {
        pool.runIfActive(eventLoop: loop) { try StartFinder(services: self, filter: filter).find(goal) }
            .whenComplete(then)
    }

    func takeSnapshot(
        of filter: SubscriptionFilter, on loop: any EventLoop,
        then: @escaping @Sendable (Result<(records: [UInt8], seq: UInt64), any Error>) -> Void
    ) {
        let snapshot = snapshot
        pool.runIfActive(eventLoop: loop) { snapshot(filter) }.whenComplete(then)
    }
}
