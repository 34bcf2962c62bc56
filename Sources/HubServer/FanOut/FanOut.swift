import EventFormat
import HubRuntime
import NIOCore
import PluginABI
import Synchronization

/// Takes every record of the journal to the streams of one event loop.
///
/// It is a cursor over the journal like any other reader. Woken after records were published, it goes through all of them,
/// encodes each event that somebody wants once, adds it to the message of every group that wants it, ends the messages and
/// gives each to the members of its group as one shared buffer and one write. Under load more records wait when it comes
/// around, so messages grow and cost less; without load an event leaves at once.
///
/// Everything but `wake` belongs to the event loop.
final class FanOut: @unchecked Sendable {
    /// Records looked at in one turn, in bytes: then sockets have theirs.
    static let turnBytes = 1 << 20
    /// Time for those who read alone in one turn.
    static let readingNanoseconds: UInt64 = 2_000_000
    static let sliceBytes = 256 << 10
    /// Records that are read at a time for one connection alone. Small: a client that stops reading keeps its last message.
    static let readingBytes = 16 << 10
    /// So many times as much for one whose filter finds little in it: else every event is a message and a write of its own.
    static let sparseReading = 8

    let loop: any EventLoop
    let services: StreamServices
    private let metrics: ServerMetrics

    /// Every record up to here has been looked at and handed out.
    private(set) var position: UInt64
    private var reader: (any LogReader)?
    private(set) var definitions: DefinitionTable
    private var token: PublishToken?

    private var groups: [GroupKey: Group] = [:]
    private(set) var index = GroupIndex()
    private var dirty: ContiguousArray<Group> = []
    var encoders = StyleEncoders()
    let sealer: FrameSealer
    private var objects = ObjectMessage()
    private var inflater: Inflater?

    private(set) var connections: [ObjectIdentifier: StreamConnection] = [:]
    private var queue: [StreamConnection] = []
    private var ahead: [StreamConnection] = []
    private let shared = SharedReading()
    private var wheel: HeartbeatWheel

    private(set) lazy var views = Views(fanOut: self)

    /// Events sent in all when they were counted last.
    private var rate: (uptime: UInt64, events: UInt64) = (0, 0)
    private var isScheduled = false
    private var isInTurn = false
    private var isStopping = false

    init(loop: any EventLoop, services: StreamServices, heartbeatNanoseconds: Int64, metrics: ServerMetrics) {
        self.loop = loop
        self.services = services
        self.metrics = metrics
        definitions = services.definitions()
        position = services.log.head
        sealer = FrameSealer(epoch: services.log.epoch)
        wheel = HeartbeatWheel(periodNanoseconds: heartbeatNanoseconds)
    }

    var log: any EventLog { services.log }

    // MARK: Waking

    /// Couples the fan-out with the sequencer.
    func start(_ onPublish: (@escaping @Sendable () -> Void) -> PublishToken) {
        token = onPublish { [weak self] in self?.wake() }
        wake()
        scheduleTick(at: .now())
    }

    /// Something was published. Any thread.
    func wake() {
        loop.execute { [self] in
            if !isScheduled { turn() }
        }
    }

    /// Says `bye` to everybody and takes nobody new.
    func stop() {
        isStopping = true
        token?.cancel()
        for connection in Array(connections.values) {
            connection.end(
                .shutdown, closeCode: 1001, message: "the hub is stopping", retryAfterMilliseconds: 1000)
        }
    }

    private func schedule(in delay: TimeAmount) {
        guard !isScheduled else { return }
        isScheduled = true
        loop.scheduleTask(in: delay) { [self] in
            isScheduled = false
            turn()
        }
    }

    /// Looks at what is new, serves those who read alone, and goes on later if there is more: the sockets come in between.
    private func turn() {
        guard !isStopping else { return }
        if index.isEmpty {
            // Nobody listens: the wake-up is not acknowledged, so publishing costs the sequencer nothing, until somebody does.
            position = log.head
            reader = nil
            return
        }
        isInTurn = true
        let started = ThreadClock.nanoseconds
        let before = position
        let more = handOut()
        if position != before {
            requeueAhead()
            if views.isActive { views.release() }
        }
        let busy = (!queue.isEmpty || !shared.isEmpty) && serveReaders()
        isInTurn = false
        // What it cost, not how long it took: a turn that others kept from the processor is no reason to rest.
        let spent = ThreadClock.nanoseconds &- started
        if more || busy {
            // Later, not at once: a task that queues itself would keep the sockets from being looked at.
            schedule(in: .nanoseconds(20_000))
        } else if spent > 100_000 {
            // A turn that cost much is followed by a rest before the next one, during which nobody has to wake this loop:
            // messages get larger, writes fewer, and the rest of the machine gets its share.
            schedule(in: .nanoseconds(Int64(min(spent / 2, 3_000_000))))
        } else {
            token?.acknowledge()
            // What was published before the acknowledgement woke nobody.
            if log.head != position { schedule(in: .nanoseconds(0)) }
        }
    }

    // MARK: Handing out

    /// Goes through new records, at most `turnBytes` of them; answers whether there are more.
    private func handOut() -> Bool {
        let head = log.head
        guard head > position else { return false }
        if reader == nil { reader = log.reader(after: position) }
        guard let reader else { return false }
        var left = Self.turnBytes
        while left > 0 {
            switch reader.next(maxBytes: min(left, Self.sliceBytes)) {
            case .caughtUp:
                flush()
                return false
            case .hole(_, let before):
                position = max(position, before - 1)
            case .records(let chunk):
                left -= chunk.count
                handOut(chunk)
            }
        }
        flush()
        return log.head > position
    }

    private func handOut(_ chunk: UnsafeRawBufferPointer) {
        guard let base = chunk.baseAddress else { return }
        // Nothing is written here, so no group comes or goes.
        var index = index
        var offset = 0
        while offset < chunk.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            if Int(record.pointee.kind) == HUB_DEFINE, definitions.learn(record) {
                // Let go first: nobody else may hold what is changed.
                index = GroupIndex()
                self.index.update(definitions)
                index = self.index
            }
            if Int(record.pointee.kind) == HUB_CONTROL { noteRefusal(record) }
            index.forEach(record) { give(record, to: $0) }
            position = record.pointee.seq
        }
        if views.isActive { views.note(chunk) }
    }

    /// A provider does not stream an instrument: those for whom it was asked are told, once all of the list have said so.
    private func noteRefusal(_ record: UnsafePointer<hub_record>) {
        let control = UnsafeRawPointer(record).assumingMemoryBound(to: hub_control.self)
        guard Int(control.pointee.what) == HUB_CONTROL_SUBSCRIPTION, Int(control.pointee.state) == HUB_STATE_FAILED,
            services.demand?.count ?? 0 > 0, let symbol = definitions.stream(record.pointee.stream)?.symbol
        else { return }
        let reason = RecordText.read(record, after: 48, count: 4)[3]
        loop.execute { [self] in
            for connection in Array(connections.values) where connection.held.contains(where: { $0.text == symbol }) {
                guard services.isRefused(symbol) else { return }
                connection.tellRefused(symbol, reason)
            }
        }
    }

    @inline(__always)
    private func give(_ record: UnsafePointer<hub_record>, to group: Group) {
        group.count()
        if group.members.isEmpty { return }
        let event = encoders.encode(record, style: group.encoder, definitions: definitions)
        if !group.isDirty {
            group.isDirty = true
            dirty.append(group)
        }
        group.add(event, record, definitions)
    }

    /// Ends all messages under construction and gives them to the members.
    ///
    /// Only here sockets are written to: a write may find that a socket is gone, or free, and then anything changes.
    private func flush() {
        guard !dirty.isEmpty else { return }
        let groups = dirty
        dirty.removeAll(keepingCapacity: true)
        for group in groups {
            group.isDirty = false
            let first = group.undelivered
            group.cut()
            group.undelivered = group.endFrame
            let members = group.members
            for member in members where !member.offer(from: first) { member.fellBehind() }
            for connection in group.trim() { enqueue(connection) }
        }
    }

    // MARK: Those who read alone

    /// Puts a connection in line for a slice of its own reading.
    func enqueue(_ connection: StreamConnection) {
        guard !connection.isQueued, case .reading = connection.feed else { return }
        connection.isQueued = true
        queue.append(connection)
        if !isInTurn { schedule(in: .nanoseconds(0)) }
    }

    /// Gives each in line a slice in turn until the time is over; answers whether some wait for more.
    private func serveReaders() -> Bool {
        let deadline = NIODeadline.now().uptimeNanoseconds &+ Self.readingNanoseconds
        var next = 0
        while next < queue.count {
            let connection = queue[next]
            next += 1
            if connection.mayShareReading {
                shared.add(connection)
                continue
            }
            connection.isQueued = false
            switch connection.readSlice(maxBytes: Self.readingBytes) {
            case .again: enqueue(connection)
            case .ahead: ahead.append(connection)
            case .nothing: break
            }
            if NIODeadline.now().uptimeNanoseconds >= deadline { break }
        }
        queue.removeFirst(next)
        if !shared.isEmpty { shared.step(self) }
        return !queue.isEmpty || !shared.isEmpty
    }

    /// Those who stand beyond what this fan-out has seen come up again when it has moved.
    private func requeueAhead() {
        let waiting = ahead
        ahead.removeAll()
        for connection in waiting { enqueue(connection) }
    }

    /// Encodes the events of a chunk that a group's filter selects, up to a position.
    ///
    /// - Returns: the last position and the `ts_recv` that was looked at, and the messages that became full on the way.
    func encode(
        _ chunk: UnsafeRawBufferPointer, through target: UInt64, for group: Group, into builder: inout FrameBuilder
    ) -> (seq: UInt64, received: Int64, full: [Frame]) {
        var full: [Frame] = []
        guard let base = chunk.baseAddress else { return (0, 0, full) }
        let filter = group.filter
        var offset = 0
        var seq: UInt64 = 0
        var received: Int64 = 0
        while offset < chunk.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            if record.pointee.seq > target { return (target, received, full) }
            seq = record.pointee.seq
            received = record.pointee.ts_recv
            guard filter.matches(record) else { continue }
            let event = encoders.encode(record, style: group.encoder, definitions: definitions)
            if builder.isFull(adding: event.count) { full.append(builder.cut()) }
            builder.append(event, record, definitions)
        }
        return (seq, received, full)
    }

    // MARK: Groups and connections

    /// The group with that filter, made if it is new.
    func group(_ key: GroupKey) -> Group {
        if let group = groups[key] { return group }
        if index.isEmpty {
            // From here on records are looked at one by one, and definitions learnt from them.
            position = max(position, log.head)
            reader = nil
            definitions = services.definitions()
            if !isInTurn { schedule(in: .nanoseconds(0)) }
        }
        let group = Group(
            key: key, filter: CompiledFilter(key.filter, definitions: definitions),
            encoder: encoders.index(of: key.style, key.framing.encoding), sealer: sealer)
        groups[key] = group
        index.add(group, definitions)
        return group
    }

    /// A connection has left; a group without any is let go.
    func release(_ group: Group) {
        group.connections -= 1
        guard group.connections == 0 else { return }
        groups[group.key] = nil
        index.remove(group)
    }

    func add(_ connection: StreamConnection) {
        connections[ObjectIdentifier(connection)] = connection
        wheel.add(connection)
        metrics.count(connection.framing, 1)
        metrics.streamsOpened.add(1, ordering: .relaxed)
    }

    func forget(_ connection: StreamConnection) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        wheel.remove(connection)
        metrics.count(connection.framing, -1)
    }

    // MARK: Heartbeats

    private func scheduleTick(at last: NIODeadline) {
        guard !isStopping else { return }
        let next = last + .nanoseconds(wheel.tickNanoseconds)
        loop.scheduleTask(deadline: next) { [self] in
            tick()
            // From the deadline that was due, not from now: a late tick must not make all later ones late.
            scheduleTick(at: max(next, .now() - .nanoseconds(wheel.tickNanoseconds)))
        }
    }

    private func tick() {
        countRate()
        let due = wheel.advance()
        if !due.isEmpty {
            let sources = services.sources()
            for connection in due { connection.beat(sources) }
        }
        for connection in Array(connections.values) {
            connection.tellLag()
            connection.endIfOver()
        }
    }

    // MARK: Counting

    /// Once a second: how many events went out since the last time.
    private func countRate() {
        let now = NIODeadline.now().uptimeNanoseconds
        let passed = now &- rate.uptime
        guard passed >= 1_000_000_000 else { return }
        let events = metrics.eventsSent.load(ordering: .relaxed)
        let tenths = Double(events &- rate.events) * 1e10 / Double(passed)
        metrics.eventTenthsPerSecond.store(rate.uptime == 0 ? 0 : UInt64(tenths), ordering: .relaxed)
        rate = (now, events)
    }

    func countEvents(_ events: Int) { metrics.eventsSent.add(UInt64(events), ordering: .relaxed) }
    func countBytes(_ bytes: Int) { metrics.bytesSent.add(UInt64(bytes), ordering: .relaxed) }
    func noteSlow(_ change: Int) { metrics.slowStreams.add(change, ordering: .relaxed) }

    /// Takes a compressed message of a client apart.
    func inflate(_ message: [UInt8], limit: Int) throws(Inflater.Failure) -> [UInt8] {
        if inflater == nil { inflater = Inflater() }
        guard let inflater else { throw .notDeflate }
        return try inflater.inflate(message, limit: limit)
    }

    /// Makes a message out of objects that are no events.
    func message(_ framing: Framing, _ body: (inout ObjectMessage) -> Void) -> ByteBuffer {
        objects.begin(framing)
        body(&objects)
        return objects.end(sealer)
    }
}
