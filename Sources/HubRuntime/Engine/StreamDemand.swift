public import HubConfig
public import HubModel
import Synchronization

/// Instruments that clients want streamed although no list of a pipeline names them (`pipelines.*.on_demand`).
///
/// One is streamed while at least one client subscribes to it by name, and for `linger` after the last. Any thread.
public final class StreamDemand: Sendable {
    private struct Entry {
        var pipeline: Int
        var clients: Int
        /// Since when nobody wants it.
        var idleNanoseconds: Int64 = 0
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var isChanged = false
    }

    /// So many at the same time.
    public let limit: Int
    private let pipelines: [PipelineConfiguration]
    /// What is streamed anyway.
    private let listed: Set<Symbol>
    private let state = Mutex(State())
    private let clock: @Sendable () -> Int64

    init(pipelines: [PipelineConfiguration], limit: Int, clock: @escaping @Sendable () -> Int64) {
        self.pipelines = pipelines
        listed = Set(pipelines.flatMap(\.instruments))
        self.limit = limit
        self.clock = clock
    }

    /// Whether any pipeline offers anything.
    public var isPossible: Bool { pipelines.contains { !$0.onDemand.isEmpty && !$0.sources.isEmpty } }

    /// Whether an instrument is streamed when somebody asks for it: no list has it, and a pipeline that runs offers it.
    public func offers(_ symbol: Symbol) -> Bool { pipeline(of: symbol) != nil }

    private func pipeline(of symbol: Symbol) -> Int? {
        guard !listed.contains(symbol), !pipelines.contains(where: { $0.globs.contains { $0.matches(symbol) } }) else {
            return nil
        }
        return pipelines.firstIndex { $0.offers(symbol) && !$0.sources.isEmpty }
    }

    /// Whether there is room for one more.
    public func hasRoom(for symbol: Symbol) -> Bool {
        state.withLock { $0.entries[symbol.text] != nil || $0.entries.count < limit }
    }

    /// Whether it would be streamed for who asks, and nobody does.
    public func isIdle(_ symbol: Symbol) -> Bool {
        offers(symbol) && state.withLock { $0.entries[symbol.text] == nil }
    }

    /// One more client wants it. False: there is no room.
    @discardableResult
    public func hold(_ symbol: Symbol) -> Bool {
        guard let pipeline = pipeline(of: symbol) else { return false }
        return state.withLock { state in
            if state.entries[symbol.text] == nil {
                guard state.entries.count < limit else { return false }
                state.entries[symbol.text] = Entry(pipeline: pipeline, clients: 0)
                state.isChanged = true
            }
            state.entries[symbol.text]?.clients += 1
            return true
        }
    }

    /// One client less.
    public func release(_ symbol: Symbol) {
        let now = clock()
        state.withLock { state in
            guard var entry = state.entries[symbol.text], entry.clients > 0 else { return }
            entry.clients -= 1
            if entry.clients == 0 { entry.idleNanoseconds = now }
            state.entries[symbol.text] = entry
        }
    }

    /// How many are streamed now.
    public var count: Int { state.withLock { $0.entries.count } }

    /// Of each pipeline what is to be streamed, sorted; `nil` where nothing changed since the last time.
    func take(now: Int64) -> [[String]]? {
        state.withLock { state in
            for (symbol, entry) in state.entries where entry.clients == 0 {
                let linger = pipelines[entry.pipeline].lingerNanoseconds
                guard linger != .max, now - entry.idleNanoseconds >= linger else { continue }
                state.entries[symbol] = nil
                state.isChanged = true
            }
            guard state.isChanged else { return nil }
            state.isChanged = false
            var lists = [[String]](repeating: [], count: pipelines.count)
            for (symbol, entry) in state.entries { lists[entry.pipeline].append(symbol) }
            return lists.map { $0.sorted() }
        }
    }
}

extension Engine {
    /// Whether every provider that may serve an instrument on demand has refused it.
    public func isRefused(_ symbol: String) -> Bool {
        lock.withLock { supervisor.isRefused(symbol) }
    }
}
