import EventFormat
import HubFold
import HubJournal
import HubModel
import HubRuntime
import HubStore
import Logging
import NIOPosix
import PluginABI

extension StreamServices {
    /// The services of a running hub.
    static func of(
        _ engine: any EngineAccess, directories: SymbolDirectories, pool: NIOThreadPool, logger: Logger
    ) -> StreamServices {
        let journal = engine.journal
        let views = ViewReader(engine)
        let epochs = journal.epochs.map { StreamFacts.Epoch(name: $0.name, last: $0.last) }
        let shelf = HistoryShelf()
        return StreamServices(
            log: JournalLog(journal: journal, store: engine.store), epochs: { epochs },
            clock: { engine.wallNanoseconds },
            catalogue: { HubCatalogue(engine: engine, directory: directories.current()) },
            sources: { heartbeatSources(engine.status(), now: engine.wallNanoseconds) },
            openHistory: { after, before, filter in
                HistoryCursor(engine, after: after, through: before - 1, matching: filter, shelf: shelf)
            },
            findStart: { goal, filter in try StartFinder(engine: engine, filter: filter).find(goal) },
            snapshot: { filter in state(of: filter, engine, directories.current()) },
            readViews: { views.read($0) }, definitions: { engine.definitions.snapshot() }, pool: pool, logger: logger,
            demand: engine.demand, isRefused: { engine.isRefused($0) }, calendars: engine.marketCalendars)
    }

    private static func heartbeatSources(_ status: EngineStatus, now: Int64) -> [StreamObject.Heartbeat.Source] {
        status.providers.map { provider in
            let age =
                provider.lastEventNanoseconds == 0 ? nil : max(0, (now - provider.lastEventNanoseconds) / 1_000_000)
            return .init(name: provider.name, state: provider.state, ageMilliseconds: age)
        }
    }

    /// The newest record of each instrument, kind, interval and definition that the filter selects.
    private static func state(
        of filter: SubscriptionFilter, _ engine: any EngineAccess, _ directory: SymbolDirectory
    ) -> (records: [UInt8], seq: UInt64) {
        var symbols: [String] = []
        var seen = Set<String>()
        for entry in filter.entries where entry.isIncluded {
            let matching =
                entry.pattern.isExact ? [entry.pattern.text] : directory.symbols(matching: entry.pattern).map(\.text)
            for symbol in matching where seen.insert(symbol).inserted { symbols.append(symbol) }
        }
        return engine.withFold { fold, seq in
            let compiled = CompiledFilter(filter, definitions: fold.definitions)
            var records: [UInt8] = []
            for symbol in symbols { records += fold.newestRecords(of: symbol) { compiled.matches($0) } }
            return (records, seq)
        }
    }
}

/// The journal as streams read it.
struct JournalLog: EventLog {
    let journal: Journal
    let store: Store

    var epoch: String { journal.epoch }
    var head: UInt64 { journal.head }
    var earliest: (seq: UInt64, receivedNanoseconds: Int64) {
        let journaled = journal.earliest
        guard let stored = store.earliestReadable, stored.seq < journaled.seq else { return journaled }
        return stored
    }
    func reader(after seq: UInt64) -> any LogReader { Reader(journal.reader(after: seq)) }

    private final class Reader: LogReader {
        private let reader: JournalReader

        init(_ reader: JournalReader) {
            self.reader = reader
        }

        func next(maxBytes: Int) -> LogChunk {
            switch reader.next(maxBytes: maxBytes) {
            case .records(let bytes, _, _): .records(bytes)
            case .caughtUp: .caughtUp
            case .hole(let after, let before): .hole(after: after, before: before)
            }
        }
    }
}
