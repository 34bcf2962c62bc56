import EventFormat
import HubModel
import PluginABI

extension Supervisor {
    // MARK: Who serves

    /// Whether a source serves a pipeline, or an instrument of one. One that no pipeline lists stands for itself.
    func serves(_ index: Int) -> Bool {
        var isListed = false
        for pipeline in pipelines.indices {
            guard let place = pipelines[pipeline].sources.firstIndex(of: index) else { continue }
            isListed = true
            if active[pipeline] == place || wants.assigned[pipeline].values.contains(place) { return true }
        }
        return !isListed
    }

    /// Those of some instruments (empty = all) that a source serves; `nil` where it serves none of them.
    func concerned(_ symbols: [String], of index: Int) -> [String]? {
        let listed = pipelines.indices.filter { pipelines[$0].sources.contains(index) }
        let isWhole = listed.allSatisfy {
            pipelines[$0].sources[active[$0]] == index && wants.assigned[$0].isEmpty
        }
        if isWhole { return symbols }
        var served: Set<String> = []
        var globs: [SymbolPattern] = []
        for pipeline in listed {
            let place = pipelines[pipeline].sources.firstIndex(of: index) ?? 0
            let assigned = wants.assigned[pipeline]
            if active[pipeline] == place {
                let own = pipelines[pipeline].instruments + wants.demanded[pipeline]
                served.formUnion(own.filter { (assigned[$0] ?? place) == place })
                globs += pipelines[pipeline].globs.compactMap { try? SymbolPattern($0) }
            } else {
                served.formUnion(assigned.filter { $0.value == place }.keys)
            }
        }
        guard !symbols.isEmpty else {
            let all = served.sorted() + globs.map(\.text)
            return all.isEmpty ? nil : all
        }
        let left = symbols.filter { symbol in
            served.contains(symbol) || globs.contains { $0.text == symbol || $0.matches(symbol) }
        }
        return left.isEmpty ? nil : left
    }

    /// What is streamed on demand by a source.
    func demanded(of index: Int) -> [String] {
        pipelines.indices.filter { pipelines[$0].sources.contains(index) }.flatMap { wants.demanded[$0] }
    }

    /// Whether these are all the instruments of a source.
    func isAll(_ symbols: [String], _ index: Int) -> Bool {
        if symbols == plans[index].symbols { return true }
        let demanded = demanded(of: index)
        return !demanded.isEmpty && Set(symbols) == Set(plans[index].symbols + demanded)
    }

    /// Whether everybody that may serve an instrument on demand has refused it.
    func isRefused(_ symbol: String) -> Bool {
        guard let index = pipelines.indices.first(where: { wants.demanded[$0].contains(symbol) }) else { return false }
        let members = pipelines[index].sources
        let asked = pipelines[index].isPerInstrument ? members : members.isEmpty ? [] : [members[active[index]]]
        return asked.allSatisfy { wants.lacking[$0].contains(symbol) }
    }

    /// Whether nothing is wanted of a source: then its silence says nothing.
    func isIdle(_ index: Int) -> Bool {
        wants.followsHealth && wants.told[index].isEmpty && !plans[index].isRecorded
            && !pipelines.contains { $0.sources.contains(index) && !$0.globs.isEmpty }
    }

    // MARK: What is wanted

    /// What a source is to stream now, in the order of the file.
    func wanted(of index: Int) -> [WantBook.Want] {
        var result: [WantBook.Want] = []
        for (number, pipeline) in pipelines.enumerated() {
            guard let place = pipeline.sources.firstIndex(of: index), place < pipeline.kinds.count else { continue }
            let streamsAll = place < wants.reach[number] || plans[index].isRecorded
            for symbols in [pipeline.instruments, wants.demanded[number]] {
                for symbol in symbols {
                    let isOwn =
                        streamsAll || wants.assigned[number][symbol] == place
                        || wants.sought[number][symbol]?.contains(place) == true
                    if isOwn { result.append((symbol, pipeline.kinds[place])) }
                }
            }
        }
        return result
    }

    /// Notes what a source is told with its start.
    func beginWants(source index: Int) -> [WantBook.Want] {
        let wanted = wanted(of: index)
        wants.begin(wanted, source: index)
        return wanted
    }

    /// Tells the sources what changed.
    func tellWants() {
        guard wants.isChanged, wants.followsHealth else { return }
        wants.isChanged = false
        for index in plans.indices where !wants.want(wanted(of: index), of: index) { wants.isChanged = true }
    }

    /// What a source said of an instrument it was to stream.
    func answered(source index: Int, _ symbol: String, state: UInt8, reason: String) {
        switch Int(state) {
        case HUB_STATE_OK: wants.answered(source: index, symbol, .streams)
        case HUB_STATE_FAILED: wants.answered(source: index, symbol, .lacks(reason: reason))
        case HUB_STATE_ENDED: if wants.told[index][symbol] == nil { wants.answered(source: index, symbol, nil) }
        default: break
        }
    }

    // MARK: Standby

    /// What follows from the sources' health for who streams what.
    func follow(pipeline index: Int, now: Int64) {
        guard pipelines[index].sources.count > 1 else { return }
        if wants.followsHealth { updateReach(index, now: now) }
        if pipelines[index].isPerInstrument { assign(pipeline: index, now: now) }
    }

    /// All before the serving source stream, so that it shows when they are well again; where it is in doubt, those behind
    /// it are brought up one by one, so that they are there when its time is over.
    private func updateReach(_ index: Int, now: Int64) {
        let members = pipelines[index].sources
        let policy = policies[index]
        let serving = active[index]
        let after = policy.afterNanoseconds
        let before = wants.reach[index]
        var reach = serving + 1 + (pipelines[index].isWarm ? 1 : 0)
        if policy.canServe[serving] {
            // A connection that comes and goes does not make the next one come and go with it.
            if before > reach, now - policy.since[serving] < after { reach = before }
        } else if health[members[serving]].state.isFinal || now - policy.since[serving] >= after / 2 {
            for place in members.indices.dropFirst(serving + 1) {
                reach = max(reach, place + 1)
                if policy.canServe[place] || place >= before { break }
                let isHopeless =
                    health[members[place]].state.isFinal || now - wants.reachedNanoseconds[index][place] >= after
                if !isHopeless { break }
            }
        } else {
            reach = max(reach, min(before, members.count))
        }
        reach = min(reach, members.count)
        guard reach != before else { return }
        if reach > before {
            for place in before..<reach { wants.reachedNanoseconds[index][place] = now }
        }
        wants.reach[index] = reach
        wants.isChanged = true
    }

    // MARK: Instruments

    /// What the serving source does not have is taken from the next that has it, and given back when it has it again.
    private func assign(pipeline index: Int, now: Int64) {
        let members = pipelines[index].sources
        let serving = active[index]
        let lacking = wants.lacking[members[serving]]
        guard !lacking.isEmpty || !wants.assigned[index].isEmpty else { return }
        var concerned = Set(wants.assigned[index].keys)
        if !lacking.isEmpty {
            for symbol in pipelines[index].instruments where lacking.contains(symbol) { concerned.insert(symbol) }
            for symbol in wants.demanded[index] where lacking.contains(symbol) { concerned.insert(symbol) }
        }
        for symbol in concerned.sorted() {
            let place = wants.assigned[index][symbol] ?? serving
            guard let wanted = self.place(for: symbol, pipeline: index, now: now), wanted != place else { continue }
            move(symbol, pipeline: index, from: place, to: wanted, now: now)
        }
    }

    /// The place that is to serve an instrument; `nil` where that cannot be said yet.
    private func place(for symbol: String, pipeline index: Int, now: Int64) -> Int? {
        let members = pipelines[index].sources
        let serving = active[index]
        let policy = policies[index]
        // Who serves the pipeline is about to change: that comes first.
        guard policy.canServe[serving] else { return nil }
        switch wants.answers[members[serving]][symbol] {
        case .streams: return serving
        case nil: return nil
        case .lacks: break
        }
        for place in members.indices where place != serving {
            if case .lacks = wants.answers[members[place]][symbol] { continue }
            seek(symbol, place, pipeline: index)
            let isWell = policy.canServe[place]
            if isWell, wants.answers[members[place]][symbol] == .streams { return place }
            // One that is away for a moment keeps its instruments for as long as a pipeline would wait.
            let keeps = wants.assigned[index][symbol] == place
            if keeps, !isWell, !health[members[place]].state.isFinal,
                now - policy.since[place] < policy.afterNanoseconds
            {
                return place
            }
        }
        return nil
    }

    /// Has a source stream one instrument that it would not stream else.
    private func seek(_ symbol: String, _ place: Int, pipeline index: Int) {
        guard wants.followsHealth, place >= wants.reach[index],
            wants.sought[index][symbol]?.contains(place) != true
        else { return }
        wants.sought[index][symbol, default: []].append(place)
        wants.isChanged = true
    }

    private func move(_ symbol: String, pipeline index: Int, from: Int, to: Int, now: Int64) {
        let members = pipelines[index].sources
        guard let stream = streamOfSymbol(members[to], symbol) else { return }
        var reason = "\(plans[members[to]].name) has it again"
        if case .lacks(let why) = wants.answers[members[active[index]]][symbol] {
            reason = "\(plans[members[active[index]]].name) does not stream it: \(why)"
        }
        journal(
            HubRecord.failover(
                pipeline: pipelines[index].name, from: plans[members[from]].name, to: plans[members[to]].name,
                reason: reason, stream: stream, lastSequence: sources[members[from]].lastSequence, skipped: 0, at: now))
        wants.assigned[index][symbol] = to == active[index] ? nil : to
        if to == active[index] { wants.sought[index][symbol] = nil }
        wants.isChanged = true
    }

    /// How many instruments of a pipeline nobody of its list streams.
    func unserved(pipeline index: Int) -> Int {
        let members = pipelines[index].sources
        guard !members.isEmpty else { return 0 }
        return (pipelines[index].instruments + wants.demanded[index]).count { symbol in
            wants.lacking[members[wants.assigned[index][symbol] ?? active[index]]].contains(symbol)
        }
    }
}
