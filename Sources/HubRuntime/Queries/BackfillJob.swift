public import EventFormat
import HubModel

/// A fetch of history: what was asked for, and how far it is.
public struct BackfillJob: Sendable, Hashable {
    public enum State: String, Sendable, Hashable {
        case queued, running, done, failed, cancelled
    }

    public var id: String
    public var state = State.queued
    public var symbols: [String]
    public var interval: Interval
    /// Nanoseconds, inclusive and exclusive.
    public var from: Int64
    public var to: Int64
    /// The provider that is asked; `nil` = those that may serve each instrument, in their order.
    public var provider: String?
    /// Those that are asked, in order, where that is not for the instruments' pipelines to say.
    var providers: [String]?
    /// It serves `pipelines.*.backfill.history`: after a restart what is missing is looked for anew.
    var isHistory = false
    /// Instruments that whoever was asked has nothing of.
    var lost: [String] = []
    /// Bars that were journaled.
    public var rows = 0
    /// Calls that were made, of all there are to make.
    public var done = 0
    public var total = 0
    public var error: String?
    public var createdNanoseconds: Int64
    public var finishedNanoseconds: Int64?

    /// Whether it has come to an end.
    public var isOver: Bool { state != .queued && state != .running }

    init(
        id: String, symbols: [String], interval: Interval, from: Int64, to: Int64, provider: String?,
        createdNanoseconds: Int64
    ) {
        self.id = id
        self.symbols = symbols
        self.interval = interval
        self.from = from
        self.to = to
        self.provider = provider
        self.createdNanoseconds = createdNanoseconds
    }

    /// Whether it fetches the same: then one goes on where the other stopped.
    func isSame(as other: BackfillJob) -> Bool {
        symbols == other.symbols && interval == other.interval && from == other.from && to == other.to
            && provider == other.provider && providers == other.providers
    }

    // MARK: Kept

    var text: String {
        var entries: [(String, SettingsTree)] = [
            ("id", .text(id)), ("state", .text(state.rawValue)), ("symbols", .list(symbols.map { .text($0) })),
            ("interval", .text(interval.text)), ("from", .integer(from)), ("to", .integer(to)),
            ("rows", .integer(Int64(rows))), ("done", .integer(Int64(done))), ("total", .integer(Int64(total))),
            ("created", .integer(createdNanoseconds)),
        ]
        if let provider { entries.append(("provider", .text(provider))) }
        if let providers { entries.append(("providers", .list(providers.map { .text($0) }))) }
        if isHistory { entries.append(("history", .bool(true))) }
        if let error { entries.append(("error", .text(error))) }
        if let finishedNanoseconds { entries.append(("finished", .integer(finishedNanoseconds))) }
        return SettingsTree.map(entries).jsonText
    }

    /// `nil` where the text is none of a job.
    init?(text: String) {
        guard let tree = try? SettingsTree(json: text), let id = tree["id"]?.textValue,
            let state = tree["state"]?.textValue.flatMap(State.init),
            let interval = tree["interval"]?.textValue.flatMap({ Interval($0) }),
            let from = tree["from"]?.integerValue, let to = tree["to"]?.integerValue
        else { return nil }
        self.init(
            id: id, symbols: tree["symbols"]?.listValue?.compactMap(\.textValue) ?? [], interval: interval, from: from,
            to: to, provider: tree["provider"]?.textValue, createdNanoseconds: tree["created"]?.integerValue ?? 0)
        self.state = state
        rows = Int(tree["rows"]?.integerValue ?? 0)
        done = Int(tree["done"]?.integerValue ?? 0)
        total = Int(tree["total"]?.integerValue ?? 0)
        providers = tree["providers"]?.listValue?.compactMap(\.textValue)
        isHistory = tree["history"] != nil
        error = tree["error"]?.textValue
        finishedNanoseconds = tree["finished"]?.integerValue
    }
}
