package import EventFormat
import HubCapture
import Logging
package import PluginABI
import Synchronization

/// One provider's instance with its ring and timers: called on the feed thread (lockstep: the driver's), read by the
/// sequencer.
package final class ProviderInstance: ProviderPort, @unchecked Sendable {
    /// What is to be done next, and when.
    package enum Next: Equatable {
        case now
        case at(Int64)
        /// The ring is full: the sequencer will say when there is room.
        case whenThereIsRoom
        case never
    }

    struct Timer {
        var number: UInt32
        var dueNanoseconds: Int64
        var periodNanoseconds: Int64
    }

    package let name: String
    package let context: InstanceContext
    private let base: PluginInstance
    let provider: UnsafePointer<hub_provider_1>
    private let pull: UnsafePointer<hub_provider_pull_1>?
    let queryTable: UnsafePointer<hub_query_1>?
    let catalogTable: UnsafePointer<hub_catalog_1>?
    /// What others want done on the instance's thread.
    let controlCalls = Mutex<[@Sendable (ProviderInstance, hub_now) -> Void]>([])
    private let ring: RecordRing
    private let maximumBytes: Int
    private var check: RecordCheck
    private var timers: [Timer] = []
    /// What was taken from the mailbox and waits for room.
    var deliveries: ArraySlice<VendorMailbox.Entry> = []
    var pullAgainNanoseconds: Int64 = 0
    private var isPulling: Bool
    private var hasEnded = false
    private var hasLoggedFault = false
    private var backoffNanoseconds: Int64 = 0
    /// Pulls in a row that brought nothing although more was promised.
    private var emptyPulls = 0
    /// Whether the callback that runs asked for more than there was.
    private let shortage = UnsafeMutablePointer<Bool>.allocate(capacity: 1)
    /// Since when records find no room, by the time of the last one that did.
    private var overloadSinceNanoseconds: Int64?
    private var lastEventNanoseconds: Int64 = 0

    /// The sequencer's.
    private var isEndPending = false
    /// Whether notices keep their place among the records. In lockstep they stand behind what one call emitted, whatever they
    /// say, since a restart finds its place by that. Set before the start.
    var ordersNotices = false

    // Counters, read by anybody.
    private let rejectedCount = Atomic<UInt64>(0)
    private let errorCount = Atomic<UInt64>(0)
    private let droppedCount = Atomic<UInt64>(0)
    private let overloadCount = Atomic<UInt64>(0)
    private let isShortOfRoom = Atomic<Bool>(false)
    private let startedFlag = Atomic<Bool>(false)
    /// Called when the sequencer made room for a provider that waited for it.
    let onRoom = Mutex<(@Sendable () -> Void)?>(nil)

    /// A pull provider is asked only when there is so much room: what it may emit for one budget must fit.
    private static let roomForPull = 1 << 20
    private static let patience = 16

    package init(_ base: PluginInstance, name: String, maximumLines: Int, ringBytes: Int = 4 << 20)
        throws(PluginFailure)
    {
        self.base = base
        self.name = name
        context = base.context
        guard let provider = base.extension(HUB_PROVIDER_EXTENSION, as: hub_provider_1.self) else {
            throw PluginFailure(
                status: hub_status(HUB_UNSUPPORTED), text: "the plugin has no extension \(HUB_PROVIDER_EXTENSION)")
        }
        guard provider.pointee.want != nil else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL),
                text: "\(HUB_PROVIDER_EXTENSION) of the plugin lacks 'want': its author has to mend it")
        }
        self.provider = provider
        pull = base.extension(HUB_PROVIDER_PULL_EXTENSION, as: hub_provider_pull_1.self)
        queryTable = base.extension(HUB_QUERY_EXTENSION, as: hub_query_1.self)
        catalogTable = base.extension(HUB_CATALOG_EXTENSION, as: hub_catalog_1.self)
        isPulling = pull != nil
        ring = RecordRing(capacity: ringBytes)
        maximumBytes = min(maximumLines * Int(HUB_LINE), ringBytes)
        check = RecordCheck(handleCount: 1)
        shortage.initialize(to: false)
    }

    deinit { shortage.deallocate() }

    var rejected: UInt64 { rejectedCount.load(ordering: .relaxed) }
    var errors: UInt64 { errorCount.load(ordering: .relaxed) }
    /// Calls whose records found no room.
    var overloads: UInt64 { overloadCount.load(ordering: .relaxed) }
    /// Lines dropped because their callback failed.
    var dropped: UInt64 { droppedCount.load(ordering: .relaxed) }
    var isPullProvider: Bool { pull != nil }
    var plugin: UnsafePointer<hub_plugin> { base.plugin }
    var isStarted: Bool { startedFlag.load(ordering: .acquiring) }

    // MARK: Life

    /// Starts it and tells it what is wanted, in this order; handles are dense and the same from run to run.
    package func start(wanted: [(symbol: String, kinds: UInt32)], now: hub_now) throws(PluginFailure) {
        try startAlone(now: now)
        try tell(wanted, now: now)
        startedFlag.store(true, ordering: .releasing)
    }

    func startAlone(now: hub_now) throws(PluginFailure) {
        context.tap?.takeStart(now)
        try base.start(now: now)
        if context.playback != nil { startedFlag.store(true, ordering: .releasing) }
    }

    func stop() {
        startedFlag.store(false, ordering: .releasing)
        context.tap?.take(.stop, hub_now(wall_ns: WallClock.now, mono_ns: MonotonicClock.now))
        stopAlone()
        context.queries.failAll("the hub stops")
        context.link?.stop()
    }

    func stopAlone() { base.stop() }

    func destroy() {
        base.destroy()
    }

    // MARK: The feed thread

    /// Does what is due and says what is next.
    ///
    /// - Parameter budget: records that a pull provider may emit at most. In lockstep 1: then `marksUnits` flags the last
    ///   record of each call, so that a restart finds its place.
    package func step(now: hub_now, budget: UInt32 = 2048, marksUnits: Bool = false) -> Next {
        runControlCalls(now: now)
        if !deliver(now: now) { return .whenThereIsRoom }
        takeTimerWishes()
        if !fireTimers(now: now, marksUnits: marksUnits) { return .whenThereIsRoom }
        var next = pullIfDue(now: now, budget: budget, marksUnits: marksUnits)
        takeTimerWishes()
        let wake = context.link?.step(now: now)
        if let due = (timers.map(\.dueNanoseconds) + (wake.map { [$0] } ?? [])).min() {
            switch next {
            case .at(let other): next = .at(min(due, other))
            case .never: next = .at(due)
            case .now, .whenThereIsRoom: break
            }
        }
        return next
    }

    /// When something is due next, without doing it.
    var due: Int64? {
        // Timers that were set since the last step, or in `start` before the first, count too.
        takeTimerWishes()
        var times = timers.map(\.dueNanoseconds)
        if isPulling { times.append(pullAgainNanoseconds) }
        return times.min()
    }

    private func takeTimerWishes() {
        for wish in context.takeTimerWishes() {
            timers.removeAll { $0.number == wish.timer }
            guard let at = wish.atNanoseconds else { continue }
            timers.append(Timer(number: wish.timer, dueNanoseconds: at, periodNanoseconds: wish.periodNanoseconds))
        }
    }

    /// Fires what is due, in the order of their times. False: there is no room for what they may emit.
    private func fireTimers(now: hub_now, marksUnits: Bool) -> Bool {
        while true {
            guard
                let index = timers.indices.filter({ timers[$0].dueNanoseconds <= now.wall_ns })
                    .min(by: {
                        (timers[$0].dueNanoseconds, timers[$0].number) < (timers[$1].dueNanoseconds, timers[$1].number)
                    })
            else { return true }
            let timer = timers[index]
            if timer.periodNanoseconds > 0 {
                // By the clock, never by the delay; times that were slept through are not made up for.
                let missed = (now.wall_ns - timer.dueNanoseconds) / timer.periodNanoseconds
                timers[index].dueNanoseconds += (missed + 1) * timer.periodNanoseconds
            } else {
                timers.remove(at: index)
            }
            fire(timer.number, now: now, marksUnits: marksUnits)
        }
    }

    func fire(_ timer: UInt32, now: hub_now, marksUnits: Bool) {
        guard let onTimer = provider.pointee.on_timer else { return }
        context.tap?.take(.timer(timer), now)
        let plugin = base.plugin
        _ = emit(now: now, marksUnits: marksUnits) { out, error in onTimer(plugin, timer, out, now, error) }
    }

    private func pullIfDue(now: hub_now, budget: UInt32, marksUnits: Bool) -> Next {
        guard isPulling, let pull else { return .never }
        guard now.wall_ns >= pullAgainNanoseconds else { return .at(pullAgainNanoseconds) }
        guard ring.freeBytes >= Self.roomForPull else { return hasRoom(Self.roomForPull) ? .now : .whenThereIsRoom }
        var next = hub_pull(struct_size: UInt32(MemoryLayout<hub_pull>.size), what: UInt32(HUB_PULL_MORE), until_ns: 0)
        let plugin = base.plugin
        let result = emit(now: now, marksUnits: marksUnits) { out, error in
            pull.pointee.pull(plugin, budget, &next, out, now, error)
        }
        switch result {
        case .failure(let error):
            return fail(error, now: now)
        case .success(let bytes):
            backoffNanoseconds = 0
            // Something that promises more and brings nothing would keep the loop, or a lockstep run, at one place.
            emptyPulls = bytes == 0 ? emptyPulls + 1 : 0
            let isStuck = emptyPulls > Self.patience
            switch Int(next.what) {
            case HUB_PULL_UNTIL where next.until_ns > now.wall_ns || !isStuck:
                pullAgainNanoseconds = next.until_ns
                return next.until_ns <= now.wall_ns ? .now : .at(next.until_ns)
            // An end is believed when nothing came with it: so it is always a step of its own.
            case HUB_PULL_END where bytes == 0:
                isPulling = false
                if !hasEnded { context.notice(.ended) }
                hasEnded = true
                return .never
            default:
                guard !isStuck else {
                    pullAgainNanoseconds = now.wall_ns + 1_000_000
                    return .at(pullAgainNanoseconds)
                }
                pullAgainNanoseconds = now.wall_ns
                return .now
            }
        }
    }

    /// Whether the ring has so much room; if not, the sequencer says when it has.
    private func hasRoom(_ bytes: Int) -> Bool {
        guard ring.freeBytes < bytes else { return true }
        isShortOfRoom.store(true, ordering: .sequentiallyConsistent)
        // Looked at again: the sequencer may have made room just before the flag was up.
        if ring.freeBytes < bytes { return false }
        isShortOfRoom.store(false, ordering: .relaxed)
        return true
    }

    func `extension`<Table>(_ id: String, as type: Table.Type) -> UnsafePointer<Table>? {
        base.extension(id, as: type)
    }

    /// Whether the most that one callback may emit fits.
    func hasRoomForCallback() -> Bool { hasRoom(maximumBytes) }

    /// Runs a callback that may emit; what it says when it fails is logged and counted.
    func run(
        _ now: hub_now,
        _ body: (UnsafeMutablePointer<hub_out>, UnsafeMutablePointer<hub_error>) -> hub_status
    ) {
        _ = emit(now: now, marksUnits: false, body)
    }

    /// A pull that failed is tried again, later each time; where only a person can help it is not.
    private func fail(_ error: PluginFailure, now: hub_now) -> Next {
        switch Int(error.status) {
        case HUB_AUTH: context.notice(.feed(state: UInt8(HUB_STATE_AUTH_NEEDED), reason: error.text))
        case HUB_CONFIG, HUB_ENTITLEMENT, HUB_UNSUPPORTED, HUB_NOT_FOUND, HUB_PROTOCOL:
            context.notice(.feed(state: UInt8(HUB_STATE_FAILED), reason: error.text))
            isPulling = false
            return .never
        default: context.notice(.feed(state: UInt8(HUB_STATE_RECONNECTING), reason: error.text))
        }
        backoffNanoseconds = min(60_000_000_000, max(1_000_000_000, backoffNanoseconds * 2))
        let pause = max(backoffNanoseconds, Int64(error.retryAfterMilliseconds ?? 0) * 1_000_000)
        pullAgainNanoseconds = now.wall_ns + pause
        return .at(pullAgainNanoseconds)
    }

    /// Calls something that may emit, checks what it emitted, and shows the sequencer what is good.
    private func emit(
        now: hub_now, marksUnits: Bool,
        _ body: (UnsafeMutablePointer<hub_out>, UnsafeMutablePointer<hub_error>) -> hub_status
    ) -> Result<Int, PluginFailure> {
        let free = ring.free()
        let space = UnsafeMutableRawBufferPointer(start: free.baseAddress, count: min(free.count, maximumBytes))
        shortage.pointee = false
        context.callback(runs: true, shown: ring.shownBytes)
        defer { context.callback(runs: false, shown: ring.shownBytes) }
        var out = hub_out.over(space, shortage: shortage)
        // The limit of one call is the plugin's own; a full ring is not its fault, but what it had is lost.
        defer { if shortage.pointee, free.count < maximumBytes { overload(now: now) } }
        do throws(PluginFailure) {
            try base.call { error in body(&out, error) }
        } catch {
            errorCount.add(1, ordering: .relaxed)
            droppedCount.add(UInt64((out.emitted(into: space) ?? 0) / Int(HUB_LINE)), ordering: .relaxed)
            context.log(.warning, "\(name): \(error.text)")
            return .failure(error)
        }
        guard let emitted = out.emitted(into: space) else {
            rejectedCount.add(1, ordering: .relaxed)
            context.log(.warning, "\(name): what a call emitted was dropped: it moved the end to where it cannot be")
            return .success(0)
        }
        guard emitted > 0 else { return .success(0) }
        check.handleCount = context.handleCount
        let before = check.rejected
        let good = check.run(
            UnsafeMutableRawBufferPointer(start: space.baseAddress, count: emitted),
            receivedNanoseconds: now.wall_ns)
        if check.rejected != before { rejected(check.rejected - before) }
        if good > 0 {
            if marksUnits { markLast(space.baseAddress!, good) }
            if !isPulling { noteTimes(space.baseAddress!, good, now: now) }
            ring.show(good)
        }
        return .success(good)
    }

    // MARK: Overload

    private func overload(now: hub_now) {
        overloadCount.add(1, ordering: .relaxed)
        if overloadSinceNanoseconds == nil {
            overloadSinceNanoseconds = lastEventNanoseconds != 0 ? lastEventNanoseconds : now.wall_ns
        }
    }

    /// An overload is over with the first call that has room: then the gap is known from end to end, and told before what
    /// comes behind it. Pull providers are never short of room, so only others pay for this.
    private func noteTimes(_ start: UnsafeMutableRawPointer, _ bytes: Int, now: hub_now) {
        let first = start.assumingMemoryBound(to: hub_record.self).pointee.ts_event
        if let since = overloadSinceNanoseconds, !shortage.pointee {
            overloadSinceNanoseconds = nil
            context.notice(
                .gap(
                    reason: UInt8(HUB_GAP_OVERLOAD), handles: [], kinds: 0, fromNanoseconds: since,
                    toNanoseconds: first != 0 ? first : now.wall_ns))
        }
        var offset = 0
        while offset < bytes {
            let record = (start + offset).assumingMemoryBound(to: hub_record.self)
            lastEventNanoseconds = record.pointee.ts_event
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
    }

    private func markLast(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
        var offset = 0
        while true {
            let record = (start + offset).assumingMemoryBound(to: hub_record.self)
            let next = offset + Int(record.pointee.lines) * Int(HUB_LINE)
            if next >= bytes {
                record.pointee.flags |= UInt16(HUB_FLAG_LAST_OF_MESSAGE)
                return
            }
            record.pointee.flags &= ~UInt16(HUB_FLAG_LAST_OF_MESSAGE)
            offset = next
        }
    }

    private func rejected(_ count: UInt64) {
        rejectedCount.add(count, ordering: .relaxed)
        guard !hasLoggedFault, let fault = check.firstFault else { return }
        hasLoggedFault = true
        let hex = fault.bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
        context.logger.warning(
            "\(name): a record was dropped: \(fault.reason); more of them are only counted (rejected). Its bytes: \(hex)"
        )
    }

    // MARK: The sequencer's thread

    package func definition(of handle: UInt32) -> StreamDefinition { context.definition(of: handle) }

    package func waiting(limit: Int) -> UnsafeMutableRawBufferPointer {
        guard ordersNotices else { return ring.waiting(limit: limit) }
        let at = ring.consumedBytes
        guard let next = context.nextNotice(behind: at), next != .max else { return ring.waiting(limit: limit) }
        return ring.waiting(limit: min(limit, next - at))
    }

    package func consume(_ bytes: Int) {
        ring.consume(bytes)
        if isShortOfRoom.load(ordering: .sequentiallyConsistent),
            ring.freeBytes >= max(2 * Self.roomForPull, maximumBytes)
        {
            isShortOfRoom.store(false, ordering: .relaxed)
            onRoom.withLock { $0 }?()
        }
    }

    package func takeNotices() -> [SourceNotice] {
        var notices = context.takeNotices(upTo: ordersNotices && !ring.isEmpty ? ring.consumedBytes : .max)
        notices.removeAll { notice in
            guard case .ended = notice else { return false }
            isEndPending = true
            return true
        }
        // An end counts when what came before it was dealt with.
        if isEndPending, ring.isEmpty {
            isEndPending = false
            notices.append(.ended)
        }
        return notices
    }

    var hasRecords: Bool { !ring.isEmpty }

    /// Whether there is something for the sequencer.
    package var hasNews: Bool { !ring.isEmpty || context.hasNotices }
}
