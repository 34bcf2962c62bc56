import EventFormat
import HubConfig
import HubFold
import HubJournal
import HubModel
import HubStore
import PluginABI

/// What the indicators and sinks need of the engine.
extension Engine {
    /// Journals values of an indicator. Returns how many found room.
    func takeValues(_ values: ArraySlice<[UInt8]>) -> Int {
        lock.withLock {
            var count = 0
            for value in values {
                guard (try? sequencer.take(value)) != nil else { break }
                count += 1
            }
            sequencer.publish()
            return count
        }
    }

    /// Where an indicator begins to read: behind the last bar that any value names as its cause there may be bars that were
    /// never computed, so it starts at the oldest cause of the newest values.
    func indicatorStart() -> UInt64 {
        // Bars below this position are read from the store when a series is met; values that are in the journal are not said
        // again. Going back a little costs nothing but time.
        lock.withLock {
            let fold = sequencer.fold
            var oldest = sequencer.last
            for symbol in fold.symbols {
                guard let summary = fold.instrument(symbol) else { continue }
                for number in summary.valueDefinitions {
                    oldest = min(oldest, newestCause(fold, symbol, number))
                }
            }
            return oldest
        }
    }

    func indicatorSurroundings() -> IndicatorRunner.Surroundings {
        IndicatorRunner.Surroundings(
            pipelineOfSymbol: { [self] text in
                guard let symbol = try? Symbol(text) else { return nil }
                return configuration.pipeline(of: symbol)?.name
            },
            earlierBars: { [self] symbol, interval, before, body in
                // The store follows the journal: what is below a record that was read will be there.
                store.waitUntil(before - 1)
                do {
                    try store.forEachBar(symbol: symbol, interval: interval.rawValue, before: before, body)
                } catch {
                    logger.warning("earlier bars of \(symbol) cannot be read, indicators begin without them: \(error)")
                }
            },
            newestCause: { [self] symbol, definition in
                lock.withLock { newestCause(sequencer.fold, symbol, definition) }
            },
            number: { [self] definition in
                lock.withLock {
                    let number = try? sequencer.value(definition)
                    sequencer.publish()
                    return number
                }
            })
    }

    private func newestCause(_ fold: Fold, _ symbol: String, _ definition: UInt32) -> UInt64 {
        var cause: UInt64 = 0
        _ = fold.newestRecords(of: symbol) { record in
            guard record.pointee.kind == UInt8(HUB_VALUE) else { return false }
            let value = UnsafeRawPointer(record).assumingMemoryBound(to: hub_value.self)
            if value.pointee.definition == definition { cause = value.pointee.cause }
            return false
        }
        return cause
    }

    /// Makes the sinks, each behind its durable cursor, and starts them.
    func startSinks() throws(StartError) {
        for sink in configuration.sinks {
            let users = configuration.pipelines.filter { $0.sinks.contains(sink.name) }
            guard !users.isEmpty else { continue }
            let made = try instance(of: sink)
            do {
                let instance = try SinkInstance(made.base)
                try made.base.start(now: now())
                let start = try sinkStart(sink)
                let runner = SinkRunner(
                    name: sink.name, instance: instance,
                    filter: .init(
                        selector: sink.kinds, patterns: sink.symbols ?? [], takesSimulated: sink.takesSimulated),
                    settings: .init(
                        batchEvents: sink.batchEvents, batchNanoseconds: sink.batchEveryNanoseconds,
                        backoffMinimumNanoseconds: sink.backoffMinimumNanoseconds,
                        backoffMaximumNanoseconds: sink.backoffMaximumNanoseconds),
                    journal: journal, definitions: definitions, after: start,
                    belongs: { [configuration] text in
                        guard let symbol = try? Symbol(text) else { return false }
                        return configuration.pipeline(of: symbol).map { own in users.contains { $0.name == own.name } }
                            ?? false
                    })
                let thread = SinkThread(
                    runner, journal: journal, store: store, holdNanoseconds: sink.holdNanoseconds, logger: logger)
                sinkThreads.append(thread)
                thread.start()
            } catch {
                throw StartError("sinks.\(sink.name): \(error)")
            }
        }
    }

    private func sinkStart(_ sink: SinkConfiguration) throws -> UInt64 {
        if let known = try store.sinkCursor(sink.name) { return known }
        let start = sink.start == .earliest ? 0 : journal.head
        try store.setSinkCursor(sink.name, to: start)
        return start
    }
}
