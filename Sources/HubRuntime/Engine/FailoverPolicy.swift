/// Decides which source serves a pipeline: a value without I/O, fed with the sources' states and the time.
///
/// The first of the list that can serve does, at most `afterNanoseconds` after the one before it stopped being able to;
/// at once where only a person can help (`auth_needed`, `failed`, `stopped`). A source higher up in the list gets its
/// place back when it has been able to serve for `backAfterNanoseconds`.
struct FailoverPolicy: Sendable {
    /// A switch that is to be journaled.
    struct Switch: Equatable, Sendable {
        var from: Int
        var to: Int
        var reason: String
    }

    let names: [String]
    let afterNanoseconds: Int64
    /// `Int64.max` = stay for ever.
    let backAfterNanoseconds: Int64
    /// Since when each source can serve, or cannot.
    private(set) var since: [Int64]
    private(set) var canServe: [Bool]

    init(names: [String], afterNanoseconds: Int64, backAfterNanoseconds: Int64, now: Int64) {
        self.names = names
        self.afterNanoseconds = afterNanoseconds
        self.backAfterNanoseconds = backAfterNanoseconds
        since = Array(repeating: now, count: names.count)
        canServe = Array(repeating: false, count: names.count)
    }

    /// The switch that is due, given each source's state in the order of `names`.
    ///
    /// - Parameter late: those that deliver too late to serve, whatever their state.
    mutating func decide(states: [SourceState], late: Set<Int> = [], active: Int, now: Int64) -> Switch? {
        for index in names.indices {
            let can = states[index].canServe && !late.contains(index)
            guard can != canServe[index] else { continue }
            canServe[index] = can
            since[index] = now
        }
        if !canServe[active] {
            let downNanoseconds = now - since[active]
            guard states[active].isFinal || downNanoseconds >= afterNanoseconds else { return nil }
            guard let next = names.indices.first(where: { canServe[$0] }) else { return nil }
            let reason =
                states[active].isFinal
                ? "\(names[active]) is \(states[active].word)"
                : "\(names[active]) \(late.contains(active) ? "late" : states[active].word) for "
                    + "\(downNanoseconds / 1_000_000) ms"
            return Switch(from: active, to: next, reason: reason)
        }
        for index in 0..<active where canServe[index] && backAfterNanoseconds != .max {
            guard now - since[index] >= backAfterNanoseconds else { continue }
            return Switch(from: active, to: index, reason: "\(names[index]) is \(states[index].word) again")
        }
        return nil
    }
}
