/// Who is to stream what, and what each source said to it: a value without I/O.
///
/// A source is told what it is to stream when it starts, and then what changes: a standby that is not needed streams
/// nothing, and an instrument on demand comes and goes.
struct WantBook {
    /// One instrument that a source is to stream; `kinds` 0 = no longer.
    typealias Want = (symbol: String, kinds: UInt32)

    /// What a source said of an instrument that it was to stream.
    enum Answer: Equatable {
        case streams
        case lacks(reason: String)
    }

    /// Whether what is wanted follows the sources' health. In lockstep everybody streams everything: a run must not depend
    /// on the order in which calls come through.
    let followsHealth: Bool
    /// Of each pipeline: so many of its sources, from the first on, stream all its instruments.
    var reach: [Int]
    /// Of each pipeline and place in its list: since when it has been among them.
    var reachedNanoseconds: [[Int64]]
    /// Of each pipeline: instruments that another place than the serving one serves.
    var assigned: [[String: Int]]
    /// Of each pipeline: instruments that further places are asked for.
    var sought: [[String: [Int]]]
    /// Of each pipeline: instruments that are streamed because somebody wants them just now.
    var demanded: [[String]]
    /// Of each source.
    private(set) var answers: [[String: Answer]]
    /// Of each source: instruments it has refused.
    private(set) var lacking: [Set<String>]
    private(set) var told: [[String: UInt32]]
    /// Whether something changed that decides who streams what.
    var isChanged = true
    private let tell: (_ source: Int, _ changes: [Want]) -> Bool

    /// - Parameter tell: hands changes to a source; false: it cannot take them now.
    init(
        sources: Int, pipelines: Int, followsHealth: Bool = false, reach: [Int]? = nil,
        assigned: [[String: Int]]? = nil,
        places: Int = 16, now: Int64 = 0, tell: @escaping (_ source: Int, _ changes: [Want]) -> Bool = { _, _ in true }
    ) {
        self.followsHealth = followsHealth
        self.reach = reach ?? Array(repeating: .max, count: pipelines)
        reachedNanoseconds = Array(repeating: Array(repeating: now, count: max(places, sources)), count: pipelines)
        self.assigned = assigned ?? Array(repeating: [:], count: pipelines)
        sought = Array(repeating: [:], count: pipelines)
        demanded = Array(repeating: [], count: pipelines)
        answers = Array(repeating: [:], count: sources)
        lacking = Array(repeating: [], count: sources)
        told = Array(repeating: [:], count: sources)
        self.tell = tell
    }

    /// What a source said.
    mutating func answered(source index: Int, _ symbol: String, _ answer: Answer?) {
        answers[index][symbol] = answer
        if case .lacks = answer {
            lacking[index].insert(symbol)
        } else {
            lacking[index].remove(symbol)
        }
    }

    /// What a source was told when it started.
    mutating func begin(_ wanted: [Want], source index: Int) {
        told[index] = Dictionary(wanted.map { ($0.symbol, $0.kinds) }, uniquingKeysWith: { $0 | $1 })
    }

    /// Tells a source what changed. False: it could not be told.
    mutating func want(_ wanted: [Want], of index: Int) -> Bool {
        var changes: [Want] = []
        var now: [String: UInt32] = [:]
        for want in wanted {
            let isNew = now.updateValue((now[want.symbol] ?? 0) | want.kinds, forKey: want.symbol) == nil
            if isNew, told[index][want.symbol] == nil { answered(source: index, want.symbol, nil) }
            if isNew, told[index][want.symbol] != want.kinds { changes.append(want) }
        }
        for symbol in told[index].keys.sorted() where now[symbol] == nil { changes.append((symbol, 0)) }
        guard !changes.isEmpty else { return true }
        guard tell(index, changes) else { return false }
        told[index] = now
        return true
    }
}
