import EventFormat
import HubModel
import PluginABI

/// Holes: opened, told of, closed, and what came of healing them.
extension Supervisor {
    func openGap(source index: Int, reason: UInt8, from: Int64, now: Int64) {
        let isTold = openGaps[index].contains {
            !$0.isPlugins || ($0.reason == reason && isAll($0.symbols, index))
        }
        guard !isTold else { return }
        open(
            OpenGap(
                number: 0, reason: reason, fromNanoseconds: from, symbols: plans[index].symbols + demanded(of: index),
                kinds: plans[index].kinds, isPlugins: false),
            source: index, now: now)
    }

    func open(_ gap: OpenGap, source index: Int, now: Int64) {
        let gap = watched(gap, index)
        openGaps[index].append(gap)
        // What came before it does not end it.
        takenBefore[index] = sources[index].taken
        sources[index].firstEventNanoseconds = 0
        journal(record(gap, source: index, state: HUB_GAP_OPEN, to: 0, now: now)) { number in
            let waiting = self.openGaps[index].firstIndex { $0.number == 0 && $0.reason == gap.reason }
            if let waiting { self.openGaps[index][waiting].number = number }
        }
    }

    /// A source delivers: what was missing of all of it is over.
    func closeGaps(source index: Int, now: Int64) {
        guard !openGaps[index].isEmpty else { return }
        let first = sources[index].firstEventNanoseconds
        for gap in openGaps[index] where isOver(gap, index) {
            close(gap, source: index, to: first == 0 ? now : first, now: now)
        }
        openGaps[index].removeAll { isOver($0, index) }
    }

    func isOver(_ gap: OpenGap, _ index: Int) -> Bool {
        gap.number != 0 && (!gap.isPlugins || isAll(gap.symbols, index))
    }

    func close(_ gap: OpenGap, source index: Int, to: Int64, now: Int64) {
        journal(record(gap, source: index, state: HUB_GAP_CLOSED, to: to, now: now)) { number in
            self.watch?.closed(gap, source: index, number: number, to: to, now: now)
        }
    }

    func watched(_ gap: OpenGap, _ index: Int) -> OpenGap {
        var gap = gap
        gap.served = watch?.served(index, gap.symbols)
        return gap
    }

    /// What came of healing a hole: told as the same gap, or, of some of its instruments, as one of their own.
    func repaired(_ gap: ClosedGap, symbols: [String], repair: UInt8, isOwn: Bool, now: Int64) {
        journal(
            HubRecord.gap(
                .init(
                    state: UInt8(HUB_GAP_CLOSED), reason: gap.reason, repair: repair, kinds: gap.kinds,
                    openedBy: isOwn ? 0 : gap.number, fromNanoseconds: gap.fromNanoseconds,
                    toNanoseconds: gap.toNanoseconds, symbols: symbols),
                stream: sources[gap.source].ownStream, at: now))
    }

    /// What came over the wire and was missed cannot be had again; bars of it perhaps.
    func record(_ gap: OpenGap, source index: Int, state: Int, to: Int64, now: Int64) -> [UInt8] {
        HubRecord.gap(
            .init(
                state: UInt8(state), reason: gap.reason,
                repair: watch?.repair(of: gap, source: index, isOver: state == HUB_GAP_CLOSED)
                    ?? UInt8(HUB_REPAIR_IMPOSSIBLE),
                kinds: gap.kinds, openedBy: gap.number, fromNanoseconds: gap.fromNanoseconds,
                toNanoseconds: to == 0 ? 0 : max(to, gap.fromNanoseconds), symbols: gap.symbols),
            stream: sources[index].ownStream, at: now)
    }
}
