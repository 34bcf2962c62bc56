import EventFormat
import HubModel
import NIOCore
import PluginABI

/// What connections must have in common to share their views.
struct ViewKey: Hashable, Sendable {
    var group: GroupKey
    var forming: Bool
    var everyMilliseconds: Int
}

/// Sends forming bars, forming values and summaries to the live connections of one event loop that asked for them.
///
/// Which instruments changed is known from the records that the fan-out goes through; the views of those are computed off
/// the loop, once a group and period. Where nobody asks for views no record is looked at for them.
///
/// Belongs to the event loop.
final class Views {
    unowned let fanOut: FanOut
    let services: StreamServices
    let phases = PhaseCache()
    private var groups: [ViewKey: ViewGroup] = [:]
    /// By stream id: the newest record of a kind that views are made of.
    private(set) var newest: [UInt64] = []

    init(fanOut: FanOut) {
        self.fanOut = fanOut
        services = fanOut.services
    }

    var isActive: Bool { !groups.isEmpty }

    // MARK: What changed

    /// Takes in the records that the fan-out goes through.
    func note(_ chunk: UnsafeRawBufferPointer) {
        RecordChunk.forEach(chunk) { record in
            switch Int(record.pointee.kind) {
            case HUB_TRADE, HUB_TICK, HUB_QUOTE, HUB_BAR:
                let stream = Int(record.pointee.stream)
                while newest.count <= stream { newest.append(0) }
                newest[stream] = record.pointee.seq
            case HUB_CONTROL where Int(RecordPointer(record).what) == HUB_CONTROL_SOURCE:
                // Whether it delivers is part of every summary of its instruments.
                for group in groups.values { group.looksAtAll = true }
            default: break
            }
            return true
        }
    }

    /// The fan-out has handed out more: views that waited for that may go.
    func release() {
        for group in groups.values { group.release() }
    }

    // MARK: Members

    /// A connection has come to the head: from here on it is sent views, if it asked for any.
    func join(_ connection: StreamConnection) {
        guard connection.viewGroup == nil, let key = connection.group?.key else { return }
        let options = connection.session.options
        let selector = key.filter.selector
        let forming =
            options.forming && (selector.mayMatch(kind: UInt8(HUB_BAR)) || selector.mayMatch(kind: UInt8(HUB_VALUE)))
        guard forming || selector.wantsSummary else { return }
        if groups.isEmpty {
            // What came before was not noted: it may all have changed.
            newest = Array(repeating: fanOut.position, count: Int(fanOut.definitions.nextStreamID))
        }
        let viewKey = ViewKey(group: key, forming: forming, everyMilliseconds: options.everyMilliseconds)
        let group = groups[viewKey] ?? ViewGroup(viewKey, self)
        groups[viewKey] = group
        connection.viewGroup = group
        connection.viewPosition = 0
        connection.viewRound = 0
        group.add(connection)
    }

    func leave(_ connection: StreamConnection) {
        guard let group = connection.viewGroup else { return }
        connection.viewGroup = nil
        group.remove(connection)
        if group.isEmpty { groups[group.key] = nil }
    }
}

/// All live connections with the same filter, way to write and period of views.
final class ViewGroup {
    /// Views of this many bytes make a message.
    private static let messageBytes = 256 << 10

    let key: ViewKey
    private unowned let views: Views
    private let renderer: ViewRenderer
    private var members: [ObjectIdentifier: StreamConnection] = [:]
    /// What of a stream's instrument is wanted, by stream id.
    private var wishes: [ViewWish?] = []
    /// For each series the newest fingerprint and the round in which it was new.
    private var changes: [ViewSeries: (fingerprint: Int, round: UInt64)] = [:]
    private var round: UInt64 = 0
    private var phases: [String: TradingCalendar.Phase] = [:]
    /// Computed from events that were not handed out yet.
    private var held: ViewBatch?
    private var timer: Scheduled<Void>?
    /// Whether something may have changed that no record tells of.
    var looksAtAll = false

    init(_ key: ViewKey, _ views: Views) {
        self.key = key
        self.views = views
        renderer = ViewRenderer(
            filter: key.group.filter, style: key.group.style, services: views.services, phases: views.phases)
        schedule(milliseconds: 0)
    }

    var isEmpty: Bool { members.isEmpty }

    func add(_ connection: StreamConnection) { members[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: StreamConnection) {
        members[ObjectIdentifier(connection)] = nil
        guard members.isEmpty else { return }
        timer?.cancel()
        timer = nil
        held = nil
    }

    // MARK: One period after the other

    /// Counted from when the last views were sent: two of one series never come closer together.
    private func schedule(milliseconds: Int) {
        let bound = NIOLoopBound(self, eventLoop: views.fanOut.loop)
        timer = views.fanOut.loop.scheduleTask(in: .milliseconds(Int64(milliseconds))) { bound.value.look() }
    }

    /// Has the views computed of what changed since the last ones.
    private func look() {
        guard !isEmpty else { return }
        // Who does not take anything just now skips these and gets the next ones: the newest.
        let ready = members.values.filter { $0.takesViews(of: 0) }
        guard var base = ready.map(\.viewPosition).min() else { return schedule(milliseconds: key.everyMilliseconds) }
        let now = views.services.clock()
        if looksAtAll
            || phases.contains(where: { views.phases.phase(key: $0.key, views.services.calendars, at: now) != $0.value }
            )
        {
            base = 0
            looksAtAll = false
        }
        let wishes = changed(behind: base)
        guard !wishes.isEmpty else { return schedule(milliseconds: key.everyMilliseconds) }
        let renderer = renderer
        let loop = views.fanOut.loop
        let bound = NIOLoopBound(self, eventLoop: loop)
        let start = base
        views.services.pool.runIfActive(eventLoop: loop) { renderer.render(wishes, base: start) }
            .whenSuccess { bound.value.take($0) }
    }

    private func changed(behind base: UInt64) -> [ViewWish] {
        let definitions = views.fanOut.definitions
        while wishes.count < Int(definitions.nextStreamID) {
            wishes.append(wish(definitions.stream(UInt32(wishes.count))?.symbol ?? ""))
        }
        var seen = Set<String>()
        var found: [ViewWish] = []
        for (stream, seq) in views.newest.enumerated() where seq > base && stream < wishes.count {
            if let wish = wishes[stream], seen.insert(wish.symbol).inserted { found.append(wish) }
        }
        return found
    }

    private func wish(_ symbol: String) -> ViewWish? {
        guard !symbol.isEmpty else { return nil }
        let filter = key.group.filter
        var wish = ViewWish(symbol: symbol, summary: filter.wantsSummary(of: symbol))
        if key.forming {
            for entry in filter.entries where entry.isIncluded && entry.pattern.matches(symbol) {
                wish.bars = wish.bars || entry.selector.mayMatch(kind: UInt8(HUB_BAR))
                wish.values = wish.values || entry.selector.mayMatch(kind: UInt8(HUB_VALUE))
            }
        }
        return wish.summary || wish.bars || wish.values ? wish : nil
    }

    private func take(_ batch: ViewBatch) {
        guard !isEmpty else { return }
        held = batch
        release()
    }

    /// Sends the views that are there, once every event they are made of was handed out.
    func release() {
        guard let batch = held, batch.asOf <= views.fanOut.position else { return }
        held = nil
        send(batch)
        schedule(milliseconds: key.everyMilliseconds)
    }

    // MARK: Sending

    private func send(_ batch: ViewBatch) {
        round += 1
        for piece in batch.pieces where changes[piece.series]?.fingerprint != piece.fingerprint {
            changes[piece.series] = (piece.fingerprint, round)
        }
        phases.merge(batch.phases) { $1 }
        // Members that were given the last views share the messages; one that skipped some gets more.
        var messages: [UInt64: [ByteBuffer]] = [:]
        for member in Array(members.values)
        where member.viewPosition >= batch.base && member.takesViews(of: batch.asOf) {
            let made = messages[member.viewRound] ?? self.messages(batch, behind: member.viewRound)
            messages[member.viewRound] = made
            member.viewPosition = batch.asOf
            member.viewRound = round
            for message in made where !member.isEnded { member.write(message) }
        }
    }

    /// Everything of a batch that was new after a round.
    private func messages(_ batch: ViewBatch, behind round: UInt64) -> [ByteBuffer] {
        let pieces = batch.pieces.filter { (changes[$0.series]?.round ?? 0) > round }
        var messages: [ByteBuffer] = []
        var next = 0
        while next < pieces.count {
            var end = next
            var bytes = 0
            while end < pieces.count, end == next || bytes + pieces[end].range.count <= Self.messageBytes {
                bytes += pieces[end].range.count
                end += 1
            }
            messages.append(
                batch.text.withUnsafeBytes { text in
                    views.fanOut.message(key.group.framing) { message in
                        for piece in pieces[next..<end] {
                            message.add(type: piece.series.type) {
                                $0.element(raw: UnsafeRawBufferPointer(rebasing: text[piece.range]))
                            }
                        }
                    }
                })
            next = end
        }
        return messages
    }
}

extension StreamConnection {
    /// Whether it is live, has been handed every event up to a position, and takes more.
    func takesViews(of seq: UInt64) -> Bool {
        session.phase == .live && isWritable && position >= max(seq, fanOut.position)
    }
}
