import EventFormat
import HubModel
import NIOCore

/// One stream: a cursor over the journal, a filter, and a socket that may or may not take more just now.
///
/// Reading along with its group it is given each message as it is made; while a write is pending messages gather, and go out
/// as one write when the socket takes more. Too far behind for that, it leaves the group and reads the journal by its own
/// cursor until it stands where the group stands. Nothing waits for it, and what is kept for it is bounded.
///
/// Belongs to one event loop. `StreamSession` decides what is said; here is how it reaches the socket. Reading alone is in
/// `StreamConnection+Reading.swift`, beginning in `StreamConnection+Start.swift`.
final class StreamConnection {
    /// How events reach the connection.
    enum Feed {
        /// Nothing is subscribed, or where to begin is still being found out.
        case none
        /// Reads by its own cursor; also while its position is still beyond what the fan-out has seen, and all the time if
        /// it is to end somewhere.
        case reading
        /// Is given the messages of its group.
        case joined
        /// Nothing more is written.
        case ended
    }

    let fanOut: FanOut
    let services: StreamServices
    let context: ChannelHandlerContext
    /// Where finished frames are written: below the frame encoder, which would copy them.
    private let outlet: ChannelHandlerContext
    let style: TimeStyle
    let framing: Framing
    var session: StreamSession

    var feed = Feed.none
    private(set) var group: Group?
    var memberIndex = -1
    /// The next message of the group that this connection has not been given.
    var nextFrame = 0
    /// Every matching event up to here has been sent; for a member of a group `position` knows.
    var ownPosition: UInt64 = 0
    /// Event objects sent, and how many of them the session knows of.
    private(set) var sent: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    let openedNanoseconds: Int64
    /// How many of its group's events it has been given, or was beyond when it came.
    private var delivered: UInt64 = 0
    private(set) var isTold = false
    /// The newest `ts_recv` of what was read while reading alone.
    var readReceived: Int64 = 0

    /// What it gave lies in its memory: `pending` is nothing without it.
    var reader: (any LogReader)? { didSet { pending = nil } }
    /// Records that were read and are not due yet.
    var pending: UnsafeRawBufferPointer?
    /// How many times as much as others it reads at a time, since little of it matches.
    var sparsity = 1
    /// The pace of a replay.
    var clock = ReplayClock(speed: 0)
    /// Set while the next event is not due.
    var timer: Scheduled<Void>?
    var builder: FrameBuilder
    /// Messages that became full while others read along; see `SharedReading`.
    var collected: [Frame] = []
    /// What is left out for a client that is too slow.
    var conflation = Conflation.none
    /// What the store still has of positions the journal has let go.
    var walk: HistoryWalk?
    /// With whom it shares its views, and which of them it was given last: of what position, and the number of the round.
    var viewGroup: ViewGroup?
    var viewPosition: UInt64 = 0
    var viewRound: UInt64 = 0
    /// Instruments that are streamed for this connection while it wants them.
    var held: Set<Symbol> = []
    var isQueued = false
    var heartbeatSlot = -1
    private var heartbeatIsDue = false

    init(
        fanOut: FanOut, services: StreamServices, context: ChannelHandlerContext, outlet: ChannelHandlerContext,
        session: StreamSession, style: TimeStyle, framing: Framing = .webSocket(.json, deflateBits: 0)
    ) {
        self.fanOut = fanOut
        self.services = services
        self.context = context
        self.outlet = outlet
        self.session = session
        self.style = style
        self.framing = framing
        builder = FrameBuilder(framing, sealer: fanOut.sealer, isPooled: true)
        openedNanoseconds = services.clock()
    }

    var name: String { session.settings.connection }

    // MARK: Where it stands

    /// Every matching event up to here has been sent: a safe place to resume from.
    var position: UInt64 {
        guard case .joined = feed else { return ownPosition }
        guard let group, nextFrame < group.endFrame else { return fanOut.position }
        return group.frame(nextFrame).first - 1
    }

    /// Whether the socket takes more.
    var isWritable: Bool { context.channel.isWritable }

    var isEnded: Bool { if case .ended = feed { true } else { false } }

    private var hasAll: Bool {
        if case .joined = feed, let group { return nextFrame == group.endFrame }
        return false
    }

    /// Tells the session how far delivery has come; it is asked for far less often than events are sent.
    func syncSession() {
        session.advance(to: session.isDelivering ? position : 0, events: sent - session.sent)
    }

    // MARK: Writing

    /// Writes a finished frame.
    func write(_ buffer: ByteBuffer) {
        bytes &+= UInt64(buffer.readableBytes)
        fanOut.countBytes(buffer.readableBytes)
        outlet.writeAndFlush(NIOAny(buffer), promise: nil)
    }

    /// Answers may wait for a socket up to this; events never wait as bytes.
    private static let maximumPendingBytes = 8 << 20

    private var pendingBytes: Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Writes objects, in one message.
    func send(_ objects: [StreamObject]) {
        guard !objects.isEmpty, !isEnded else { return }
        if !isWritable, pendingBytes > Self.maximumPendingBytes {
            // Asks and does not read the answers: there is no use in telling it anything.
            vanished()
            context.close(promise: nil)
            return
        }
        write(
            fanOut.message(framing) { message in
                for object in objects {
                    message.add(type: object.type, cursor: object.resumeCursor) {
                        object.write(into: &$0, style: style)
                    }
                }
            })
        // A bounded answer over plain HTTP is complete then; a WebSocket may still be asked for something.
        if !framing.isTwoWay, objects.contains(where: { $0.type == "end" }) { close(1000) }
    }

    // MARK: With the group

    /// Gives the newest messages of the group, from that number on, to a member that has all others; answers whether it
    /// took them.
    @inline(__always)
    func offer(from first: Int) -> Bool {
        guard isWritable, let group, nextFrame == first else { return false }
        if first == group.endFrame - 1 {
            take(group.frame(first))
        } else {
            writeGathered()
        }
        return nextFrame == group.endFrame
    }

    private func take(_ frame: Frame) {
        nextFrame += 1
        count(frame.events)
        write(frame.buffer)
    }

    func count(_ events: Int) {
        sent &+= UInt64(events)
        delivered &+= UInt64(events)
        fanOut.countEvents(events)
    }

    /// Notes that events are not given to it although they match.
    func skip(_ events: UInt64) { delivered &+= events }

    /// Gathered messages go out as one write up to this: what a client does not take stays in memory, a copy for each, and the
    /// rest of the one before beside it.
    private static let maximumGatheredBytes = 64 << 10

    /// Writes what has gathered, as few writes.
    private func writeGathered() {
        while isWritable, case .joined = feed, let group, nextFrame < group.endFrame {
            let first = group.frame(nextFrame)
            var last = nextFrame + 1
            var total = first.buffer.readableBytes
            while last < group.endFrame, total + group.frame(last).buffer.readableBytes <= Self.maximumGatheredBytes {
                total += group.frame(last).buffer.readableBytes
                last += 1
            }
            if last == nextFrame + 1 {
                // Alone it stays the one that all members share.
                take(first)
                continue
            }
            var merged = ByteBufferAllocator().buffer(capacity: total)
            var events = 0
            for number in nextFrame..<last {
                merged.writeImmutableBuffer(group.frame(number).buffer)
                events += group.frame(number).events
            }
            nextFrame = last
            count(events)
            write(merged)
        }
    }

    /// Leaves the group's messages and reads on alone, from the first event it has not been given.
    func detach() {
        guard case .joined = feed, let group else { return }
        readReceived = nextFrame < group.endFrame ? group.frame(nextFrame).firstReceived : services.clock()
        ownPosition = position
        group.leave(self)
        feed = .reading
        reader = nil
    }

    /// Begins to read after a position with a filter: at the start, and whenever the filter changes.
    func begin(after position: UInt64, in newGroup: Group) {
        newGroup.connections += 1
        leaveGroup()
        group = newGroup
        ownPosition = position
        delivered = newGroup.totalEvents
        reader = nil
        feed = .reading
        followDemand()
        fanOut.enqueue(self)
    }

    /// Stops reading: nothing is subscribed any more.
    func rest() {
        ownPosition = position
        leaveGroup()
        reader = nil
        walk = nil
        timer?.cancel()
        timer = nil
        feed = .none
    }

    /// Stands where the fan-out stands: from here on with the group.
    func join() {
        guard let group else { return }
        reader = nil
        builder.clear()
        clock = ReplayClock(speed: 0)
        conflation = .none
        delivered = group.totalEvents
        if framing.encoding == .binary {
            for message in builder.catchUp(with: group.defined, fanOut.definitions) { write(message) }
            // A write can find that the socket is gone.
            guard !isEnded else { return }
        }
        group.join(self)
        feed = .joined
        syncSession()
        send(session.reachedHead(services.facts()))
        fanOut.views.join(self)
        tellLag()
    }

    private func leaveGroup() {
        fanOut.views.leave(self)
        guard let group else { return }
        group.leave(self)
        self.group = nil
        fanOut.release(group)
    }

    /// Stands where the fan-out stands, and stays with its own cursor: it is to end somewhere.
    func reachHead() {
        // What was read beyond is read again once the fan-out has seen it.
        reader = nil
        clock = ReplayClock(speed: 0)
        conflation = .none
        delivered = group?.totalEvents ?? delivered
        syncSession()
        send(session.reachedHead(services.facts()))
        fanOut.views.join(self)
    }

    // MARK: The socket takes more, or time passes

    /// Called when everything written before has left.
    func becameWritable() {
        if heartbeatIsDue { beat(services.sources()) }
        switch feed {
        case .joined where !hasAll:
            tellLag()
            writeGathered()
            if hasAll { tellLag() }
        case .reading: readOn()
        default: break
        }
    }

    /// Called when a message was made that the socket did not take: events alone are looked at here, which is cheap; the
    /// time since is looked at now and then.
    @inline(__always)
    func fellBehind() {
        if let group, group.totalEvents &- delivered >= LagTracker.firstEvents { tellLag() }
    }

    /// Matching events not sent yet; before `live` the positions that are still ahead.
    var behind: UInt64 {
        guard let group else { return 0 }
        switch feed {
        case .joined: return nextFrame < group.endFrame ? max(1, group.totalEvents &- delivered) : 0
        case .reading where session.phase == .live:
            return group.totalEvents > delivered ? group.totalEvents - delivered : 0
        case .reading: return fanOut.log.head > ownPosition ? fanOut.log.head - ownPosition : 0
        case .none, .ended: return 0
        }
    }

    /// Looks whether the connection has to be told that it is behind, and does what it asked for then.
    func tellLag() {
        guard session.phase == .live, let group else { return }
        let behind = self.behind
        var oldest: Int64 = 0
        switch feed {
        case .joined:
            guard nextFrame < group.endFrame else { break }
            oldest = group.frame(nextFrame).firstReceived
        case .reading:
            oldest = readReceived
            // Not there yet, though no more events are known to match: nothing to tell, and nothing to take back.
            if behind == 0, ownPosition != fanOut.position { return }
        default: return
        }
        let milliseconds = behind == 0 ? 0 : max(0, (services.clock() - oldest) / 1_000_000)
        if behind == 0, !isTold { return }
        syncSession()
        let answer = session.updateLag(events: behind, milliseconds: milliseconds, facts: services.facts())
        guard !answer.objects.isEmpty else { return }
        if isTold != (behind > 0) { fanOut.noteSlow(behind > 0 ? 1 : -1) }
        isTold = behind > 0
        perform(answer)
        if behind > 0, !isEnded { beginConflation() }
    }

    /// Sends a heartbeat, or notes that one is due: one waiting is enough for a socket that takes nothing.
    func beat(_ sources: [StreamObject.Heartbeat.Source]) {
        guard isWritable else {
            heartbeatIsDue = true
            return
        }
        heartbeatIsDue = false
        syncSession()
        send(session.heartbeat(sources, facts: services.facts()))
    }

    // MARK: The end

    /// Says `bye` with the place to resume from, then closes.
    func end(_ code: ProblemCode, closeCode: UInt16, message: String, retryAfterMilliseconds: Int64? = nil) {
        guard !isEnded else { return }
        syncSession()
        perform(
            session.close(
                code, closeCode: closeCode, message: message, retryAfterMilliseconds: retryAfterMilliseconds,
                facts: services.facts()))
    }

    /// Writes what ends the framing and closes once it has left, or after ten seconds in any case: the peer may not be
    /// reading.
    func close(_ code: UInt16) {
        guard !isEnded else { return }
        vanished()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        outlet.writeAndFlush(NIOAny(framing.ending(code))).whenComplete { _ in
            // The peer's own close frame ends the connection; it gets a moment for it.
            bound.value.eventLoop.scheduleTask(in: .milliseconds(250)) { bound.value.close(promise: nil) }
        }
        context.eventLoop.scheduleTask(in: .seconds(10)) { bound.value.close(promise: nil) }
    }

    /// The socket is gone, or is to be.
    func vanished() {
        guard !isEnded else { return }
        if isTold { fanOut.noteSlow(-1) }
        ownPosition = position
        leaveGroup()
        feed = .ended
        reader = nil
        walk = nil
        timer?.cancel()
        timer = nil
        releaseDemand()
        fanOut.forget(self)
    }
}
