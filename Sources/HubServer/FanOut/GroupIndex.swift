import EventFormat
import PluginABI

/// The groups of a fan-out, found by what a record is of: with hundreds of filters for one instrument each, a record is judged
/// by those that may want it and by no others.
///
/// A group whose filter takes in much of what there is stands in one list that every record goes through; the others stand in a
/// list for each stream they may want. Only data is looked up so: states, gaps and definitions, which are rare and have rules
/// of their own, go to all. Belongs to the event loop of its fan-out.
struct GroupIndex {
    /// A group in the list of a stream.
    private struct Node {
        var group: Int32
        /// The next of the same stream, -1 = none; of those that are free, the next of these.
        var next: Int32
        /// What it wants of the stream, a bit a kind, and the flags it wants nothing with: so that nothing else is looked at.
        var kinds: UInt16
        var excludedFlags: UInt16
    }

    private(set) var groups: ContiguousArray<Group> = []
    /// Of each group, beside it so that a record touches nothing else.
    private var filters: ContiguousArray<SharedFilter> = []
    /// Of each group, whether it wants the positions of sources and the hub's clock, which come a thousand times a second.
    private var wantsClocks: ContiguousArray<Bool> = []
    private var wide: ContiguousArray<Int32> = []
    /// The first node of each stream, -1 = none.
    private var heads: ContiguousArray<Int32> = []
    private var nodes: ContiguousArray<Node> = []
    private var free: Int32 = -1
    private var definitionsKnown: UInt32 = 0

    var isEmpty: Bool { groups.isEmpty }

    /// Calls `body` with every group that wants a record.
    @inline(__always)
    func forEach(_ record: UnsafePointer<hub_record>, _ body: (Group) -> Void) {
        let stream = Int(record.pointee.stream)
        guard Int(record.pointee.kind) <= HUB_SIGNAL, stream < heads.count else {
            let isClock = CompiledFilter.isClock(record)
            for index in filters.indices
            where (!isClock || wantsClocks[index]) && filters[index].compiled.matches(record) {
                body(groups[index])
            }
            return
        }
        for index in wide where filters[Int(index)].matches(record) { body(groups[Int(index)]) }
        let bit: UInt16 = CompiledFilter.isPlain(record.pointee.kind) ? 1 << UInt16(record.pointee.kind) : 0
        let flags = record.pointee.flags
        var at = heads[stream]
        while at >= 0 {
            let node = nodes[Int(at)]
            let isWanted =
                bit != 0
                ? node.kinds & bit != 0 && flags & node.excludedFlags == 0
                : filters[Int(node.group)].compiled.matches(record)
            if isWanted { body(groups[Int(node.group)]) }
            at = node.next
        }
    }

    /// Takes in a group whose filter knows these definitions.
    mutating func add(_ group: Group, _ definitions: borrowing DefinitionTable) {
        know(definitions)
        group.index = groups.count
        groups.append(group)
        filters.append(group.filter)
        wantsClocks.append(group.filter.compiled.wantsClocks)
        enlist(group.index)
    }

    mutating func remove(_ group: Group) {
        let index = group.index
        guard groups.indices.contains(index), groups[index] === group else { return }
        strike(index)
        let last = groups.count - 1
        if index != last {
            rename(last, to: index)
            groups[index] = groups[last]
            filters[index] = filters[last]
            wantsClocks[index] = wantsClocks[last]
            groups[index].index = index
        }
        groups.removeLast()
        filters.removeLast()
        wantsClocks.removeLast()
    }

    /// Has all filters learn what was defined since.
    mutating func update(_ definitions: borrowing DefinitionTable) {
        for index in groups.indices {
            groups[index].update(definitions)
            filters[index] = groups[index].filter
        }
        let known = heads.count
        if definitions.nextDefinitionID != definitionsKnown {
            // With another value a filter may want streams of which it wanted nothing before.
            know(definitions)
            heads = ContiguousArray(repeating: -1, count: heads.count)
            nodes.removeAll(keepingCapacity: true)
            wide.removeAll(keepingCapacity: true)
            free = -1
            for index in groups.indices { enlist(index) }
        } else {
            know(definitions)
            for index in groups.indices where !groups[index].isWide {
                for stream in known..<heads.count where wants(index, stream) { push(index, stream) }
            }
        }
    }

    // MARK: Lists

    private mutating func know(_ definitions: borrowing DefinitionTable) {
        definitionsKnown = definitions.nextDefinitionID
        while heads.count < Int(definitions.nextStreamID) { heads.append(-1) }
    }

    private func wants(_ index: Int, _ stream: Int) -> Bool {
        filters[index].compiled.mayMatchData(ofStream: UInt32(stream))
    }

    private mutating func enlist(_ index: Int) {
        let streams = heads.indices.filter { wants(index, $0) }
        groups[index].isWide = streams.count * 4 > heads.count
        if groups[index].isWide {
            wide.append(Int32(index))
        } else {
            for stream in streams { push(index, stream) }
        }
    }

    private mutating func push(_ index: Int, _ stream: Int) {
        let filter = filters[index].compiled
        let node = Node(
            group: Int32(index), next: heads[stream], kinds: filter.dataKinds(ofStream: UInt32(stream)),
            excludedFlags: filter.excludedFlags)
        if free >= 0 {
            heads[stream] = free
            let next = nodes[Int(free)].next
            nodes[Int(free)] = node
            free = next
        } else {
            heads[stream] = Int32(nodes.count)
            nodes.append(node)
        }
    }

    private mutating func strike(_ index: Int) {
        if groups[index].isWide {
            wide.removeAll { $0 == Int32(index) }
            return
        }
        for stream in heads.indices where wants(index, stream) {
            var before: Int32 = -1
            var at = heads[stream]
            while at >= 0, nodes[Int(at)].group != Int32(index) {
                before = at
                at = nodes[Int(at)].next
            }
            guard at >= 0 else { continue }
            if before < 0 { heads[stream] = nodes[Int(at)].next } else { nodes[Int(before)].next = nodes[Int(at)].next }
            nodes[Int(at)].next = free
            free = at
        }
    }

    private mutating func rename(_ index: Int, to newIndex: Int) {
        if groups[index].isWide {
            for place in wide.indices where wide[place] == Int32(index) { wide[place] = Int32(newIndex) }
            return
        }
        for stream in heads.indices where wants(index, stream) {
            var at = heads[stream]
            while at >= 0 {
                if nodes[Int(at)].group == Int32(index) { nodes[Int(at)].group = Int32(newIndex) }
                at = nodes[Int(at)].next
            }
        }
    }
}
