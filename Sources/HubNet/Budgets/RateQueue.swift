/// Requests of one class that wait for their turn, in the order they came, each until its deadline; bounded.
///
/// Pure: the caller gives the time, starts what `next` hands out and comes back at `wake`. Belongs to one thread.
public struct RateQueue<Item: Sendable>: Sendable {
    /// What becomes of a new request.
    public enum Admission: Equatable, Sendable {
        /// It may go at once, and is paid for.
        case go
        case wait
        /// So many wait already: overload.
        case full
        /// Its turn cannot come before its deadline, but at that time (monotonic nanoseconds) at the earliest.
        case late(Int64)
    }

    private struct Entry {
        var item: Item
        var id: UInt64
        var cost: Int
        var deadline: Int64
    }

    public var budget: RateBudget
    public let capacity: Int
    private var entries: [Entry] = []

    /// - Parameter capacity: how many may wait.
    public init(_ budget: RateBudget, capacity: Int) {
        self.budget = budget
        self.capacity = capacity
    }

    public var waiting: Int { entries.count }

    /// - Parameter id: for `remove`; unique among those that wait.
    public mutating func admit(_ item: Item, id: UInt64, cost: Int = 1, deadline: Int64, now: Int64) -> Admission {
        if entries.isEmpty, budget.take(cost: cost, now: now) { return .go }
        let earliest = budget.earliest(cost: cost, now: now)
        if earliest >= deadline { return .late(earliest) }
        guard entries.count < capacity else { return .full }
        entries.append(Entry(item: item, id: id, cost: cost, deadline: deadline))
        return .wait
    }

    /// Takes one out that is no longer wanted.
    public mutating func remove(id: UInt64) -> Item? {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return nil }
        return entries.remove(at: index).item
    }

    /// Those whose time came: the ones that go now, paid for, and the ones whose deadline passed.
    public mutating func due(now: Int64) -> (go: [Item], expired: [Item]) {
        var expired: [Item] = []
        entries.removeAll { entry in
            guard entry.deadline <= now else { return false }
            expired.append(entry.item)
            return true
        }
        var count = 0
        while count < entries.count, budget.take(cost: entries[count].cost, now: now) { count += 1 }
        let go = entries[..<count].map(\.item)
        entries.removeFirst(count)
        return (go, expired)
    }

    /// When to ask `due` again; `nil` = nothing waits.
    public mutating func wake(now: Int64) -> Int64? {
        guard let first = entries.first, let deadline = entries.lazy.map(\.deadline).min() else { return nil }
        return min(deadline, budget.earliest(cost: first.cost, now: now))
    }

    /// Everything that waits, for the end.
    public mutating func removeAll() -> [Item] {
        defer { entries.removeAll() }
        return entries.map(\.item)
    }
}
