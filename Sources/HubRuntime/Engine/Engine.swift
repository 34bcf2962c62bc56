public import EventFormat
public import HubConfig
public import HubFold
public import HubJournal
public import HubModel
import HubNet
public import HubStore
public import Logging
import PluginABI
import Synchronization

/// A running hub without its server: journal, fold, store, providers, indicators, sinks, put together as the configuration
/// says.
///
/// `init` opens and recovers, and may take as long as the journal behind the newest checkpoint needs; `start` makes things
/// move; `stop` ends them in order. Not to be started twice.
public final class Engine: EngineAccess, @unchecked Sendable {
    public let version: String
    public let configuration: Configuration
    public let journal: Journal
    public let store: Store
    public let definitions: SharedDefinitions
    public let indicatorCatalogue: [String]

    let logger: Logger
    let lock = FoldLock()
    let sequencer: Sequencer
    let intake: Intake
    let providers: [ProviderInstance]
    let sources: [Source]
    let supervisor: Supervisor
    let isLockstep: Bool
    let startedNanoseconds: Int64
    let virtualClock: VirtualClock
    let lastInput: Recovery.LastInput?
    let rates = RateMeter()
    /// Questions on demand, with the cache in front of them.
    public let queryDesk: QueryDesk
    let backfillDesk: BackfillDesk
    /// What is streamed while somebody wants it; `nil` in lockstep, where nothing may depend on clients.
    public let demand: StreamDemand?
    let historyKeeper: HistoryKeeper
    let gapHealer: GapHealer
    let scheduleDesk: ScheduleDesk
    public let marketCalendars: MarketCalendars
    let holidayDesk: HolidayDesk

    /// Where connections and requests of providers run; idle threads where there are none.
    let network = NetworkLoop()
    let loginStates = LoginStates()
    private let plugins: PluginRegistry
    private let storeFollower: StoreFollower
    let compaction: Compaction
    private var housekeeping: Housekeeping?
    private var feedLoops: [FeedLoop] = []
    var sequencerLoop: SequencerLoop?
    private let sequencerThread = WorkerThread(name: "sequencer")
    private var lockstep: LockstepDriver?
    private var indicatorThreads: [IndicatorThread] = []
    /// Inside the lock.
    private(set) var indicatorRunners: [IndicatorRunner] = []
    var sinkThreads: [SinkThread] = []
    let isRunning = Atomic<Bool>(false)
    /// One batch of backfill at a time: those of others wait.
    let backfillTurn = Mutex<Void>(())
    /// One list of instruments is written at a time.
    let listingTurn = Mutex<Void>(())

    /// Opens the data folder, recovers, and makes every instance.
    ///
    /// - Throws: `StartError`.
    public init(
        configuration: Configuration, plugins: PluginRegistry, version: String,
        logger: @escaping @Sendable (String) -> Logger
    ) throws(StartError) {
        self.configuration = configuration
        self.version = version
        self.plugins = plugins
        self.logger = logger("hub")
        isLockstep = configuration.hub.clock == .virtual
        startedNanoseconds = WallClock.now
        journal = try Self.openJournal(configuration)
        do {
            store = try Store.open(folder: configuration.hub.data)
            try store.reconcile(with: journal)
        } catch {
            throw StartError("\(error)")
        }
        let recall = BarRecall(journal: journal, store: store, logger: self.logger)
        let recovered = try Self.recover(journal, Plans.fold(configuration), recall: recall, logger: self.logger)
        definitions = SharedDefinitions(recovered.fold.definitions)
        lastInput = recovered.result.lastInput
        let virtualClock = VirtualClock(
            recovered.result.last == 0 ? VirtualClock.start : recovered.result.lastReceivedNanoseconds)
        self.virtualClock = virtualClock
        sequencer = Sequencer(
            journal: journal, fold: recovered.fold, definitions: definitions, last: recovered.result.last,
            lastReceivedNanoseconds: recovered.result.lastReceivedNanoseconds, owed: recovered.result.owed,
            clock: configuration.hub.clock == .virtual ? { virtualClock.now } : { WallClock.now })
        intake = Intake(logger: self.logger)
        storeFollower = StoreFollower(journal: journal, store: store, logger: logger("store"))
        let isVirtual = isLockstep
        compaction = Compaction(
            journal: journal, store: store, retention: StoreRetention(configuration),
            wallClock: { isVirtual ? virtualClock.now : WallClock.now }, logger: logger("store"))
        providers = try Self.makeProviders(
            configuration, plugins, store: store, network: network, version: version, logger)
        sources = providers.map { provider in
            Source(name: provider.name) { [context = provider.context] in context.definition(of: $0) }
        }
        indicatorCatalogue = Self.catalogue(configuration, plugins)
        demand =
            isLockstep
            ? nil
            : StreamDemand(
                pipelines: configuration.pipelines, limit: configuration.hub.limits.symbols, clock: { WallClock.now })
        supervisor = Self.makeSupervisor(
            configuration, providers, sources, sequencer, demand, isLockstep ? virtualClock.now : startedNanoseconds)
        queryDesk = Self.makeQueryDesk(configuration, providers, lock, supervisor)
        marketCalendars = Plans.marketCalendars(configuration)
        supervisor.marketCalendars = marketCalendars
        holidayDesk = Self.makeHolidayDesk(configuration, queryDesk, marketCalendars, logger: self.logger)
        let handover = BackfillHandover()
        let fetch = Self.makeHistoryFetch(
            configuration, queryDesk, handover, now: { isVirtual ? virtualClock.now : WallClock.now })
        backfillDesk = Self.makeBackfillDesk(fetch, store, logger: self.logger)
        let plan = HealingPlan(pipelines: configuration.pipelines, calendars: marketCalendars)
        historyKeeper = Self.makeHistoryKeeper(
            plan, backfillDesk, queryDesk, store, journal, logger: self.logger)
        scheduleDesk = Self.makeScheduleDesk(
            configuration, marketCalendars, store, handover, logger: self.logger)
        gapHealer = Self.makeGapHealer(configuration, plan, fetch, handover, logger: self.logger)
        let fold = sequencer.fold
        journal.definitionsAtSegmentHead = { Self.definitionRecords(fold.definitions) }
        recall.publish = { [unowned sequencer] in sequencer.makeReadable() }
        handover.engine.withLock { $0 = .init(self) }
        watchGaps()
    }

    // MARK: Life

    /// Starts the sources and everything that follows the journal.
    ///
    /// - Parameter endsWithRecordings: in lockstep, nothing more happens once every recorded source has ended: where a run
    ///   that has other sources too ends must not depend on when somebody notices.
    /// - Throws: `StartError` when a plugin refuses to start for its settings.
    public func start(endsWithRecordings: Bool = false) throws(StartError) {
        isRunning.store(true, ordering: .releasing)
        try journalTheStart()
        storeFollower.start()
        for message in try startProviders() { logger.warning("\(message)") }
        let indicators = try makeIndicators()
        lock.withLock { indicatorRunners = indicators }
        try startSinks()
        let housekeeping = Housekeeping(
            journal: journal, store: store, sequencer: sequencer, lock: lock, intake: intake,
            wallClock: { [self] in wallNanoseconds },
            logger: logger, rates: rates, sources: { [self] in sourceCounts() },
            keepFrom: { [self] now in keepFrom(now: now) })
        self.housekeeping = housekeeping
        housekeeping.start()
        compaction.start()
        if isLockstep {
            let driver = LockstepDriver(
                sequencer: sequencer, lock: lock, clock: virtualClock, providers: providers, sources: sources,
                supervisor: supervisor, indicators: indicators, intake: intake, lastInput: lastInput,
                finite: endsWithRecordings ? recordedSources : [], logger: logger)
            lockstep = driver
            driver.start()
            return
        }
        indicatorThreads = indicators.map { IndicatorThread($0, engine: self) }
        for thread in indicatorThreads { thread.start() }
        startFeeds()
    }

    private func startFeeds() {
        for provider in providers { provider.ordersNotices = true }
        let loop = SequencerLoop(
            sequencer: sequencer, lock: lock, ports: providers, sources: sources, supervisor: supervisor,
            intake: intake,
            wallClock: { WallClock.now }, logger: logger)
        sequencerLoop = loop
        sequencerThread.start { loop.run() }
        let (blocking, others) = split(providers)
        if !others.isEmpty { feedLoops.append(feedLoop("feed", others, loop)) }
        for provider in blocking { feedLoops.append(feedLoop(provider.name, [provider], loop)) }
        for feed in feedLoops { feed.start() }
        startListings()
        backfillDesk.start()
        startHealing()
        historyKeeper.start()
        scheduleDesk.start()
        refreshStalePrices()
        holidayDesk.start()
    }

    private func feedLoop(_ name: String, _ instances: [ProviderInstance], _ loop: SequencerLoop) -> FeedLoop {
        FeedLoop(name: name, instances: instances, wallClock: { WallClock.now }, onRecords: { loop.wake.wake() })
    }

    private func split(_ providers: [ProviderInstance]) -> (blocking: [ProviderInstance], others: [ProviderInstance]) {
        let isBlocking = { (provider: ProviderInstance) in
            self.configuration.provider(provider.name)?.plugin.traits.contains(.blocking) == true
        }
        return (providers.filter(isBlocking), providers.filter { !isBlocking($0) })
    }

    /// Whether every recorded source has ended and what came of it is in the store and with the sinks.
    public var isDone: Bool {
        let recorded = recordedSources.count
        if let lockstep { return lockstep.isDone }
        guard let sequencerLoop, recorded > 0, sequencerLoop.ended >= recorded else { return false }
        let head = journal.head
        guard indicatorThreads.allSatisfy({ $0.position >= head }), journal.head == head else { return false }
        return true
    }

    /// Ends everything in order: sources, sequencer, indicators, sinks, store, journal. What was published stays.
    ///
    /// - Parameter deadlineNanoseconds: monotonic time until which sinks may take to write what is left.
    public func stop(withinNanoseconds: Int64) {
        guard isRunning.exchange(false, ordering: .acquiringAndReleasing) else { return }
        backfillDesk.stop()
        gapHealer.stop()
        historyKeeper.stop()
        scheduleDesk.stop()
        holidayDesk.stop()
        // A batch of backfill that is under way ends with what it has.
        backfillTurn.withLock { _ in }
        listingTurn.withLock { _ in }
        let deadline = WallClock.now + withinNanoseconds
        lockstep?.stop()
        for feed in feedLoops { feed.stop() }
        for provider in providers { provider.context.tap?.stop() }
        sequencerLoop?.stop()
        if sequencerLoop != nil { sequencerThread.join() }
        for thread in indicatorThreads { thread.stop() }
        for thread in sinkThreads { thread.stop(deadline: deadline) }
        storeFollower.stop()
        compaction.stop()
        housekeeping?.stop()
        housekeeping?.checkpoint()
        do {
            try journal.close(clean: true)
        } catch {
            logger.error("the journal was not closed cleanly: \(error)")
        }
        network.stop()
        for provider in providers { provider.destroy() }
    }

    private var recordedSources: [Int] {
        configuration.providers.indices.filter { configuration.providers[$0].plugin.traits.contains(.recorded) }
    }

    // MARK: EngineAccess

    public var wallNanoseconds: Int64 { isLockstep ? virtualClock.now : WallClock.now }

    public func withFold<R>(_ body: (Fold, UInt64) throws -> R) rethrows -> R {
        try lock.withLock { try body(sequencer.fold, sequencer.last) }
    }

    public func onPublish(_ wake: @escaping @Sendable () -> Void) -> PublishToken {
        PublishToken(journal, wake: wake)
    }

    public func notReady() -> [NotReady] {
        var reasons: [NotReady] = []
        if !isRunning.load(ordering: .acquiring) {
            reasons.append(NotReady(component: "hub", state: "starting", reason: "not everything is up yet"))
        }
        if let reason = intake.reason {
            reasons.append(NotReady(component: "journal", state: "disk_full", reason: reason))
        }
        return reasons
    }

    // MARK: For the parts

    /// The oldest position that somebody still needs.
    private func keepFrom(now: Int64) -> UInt64 {
        // What is not compacted yet only the journal has.
        var position = min(store.durablePosition, store.compactedTo)
        for thread in sinkThreads { position = min(position, thread.neededFrom(now: now)) }
        for thread in indicatorThreads { position = min(position, thread.position) }
        return position + 1
    }

    private func sourceCounts() -> [(name: String, count: UInt64)] {
        lock.withLock { sources.map { ($0.name, $0.taken) } }
    }

    private static func definitionRecords(_ definitions: DefinitionTable) -> [UInt8] {
        definitions.streams.flatMap { HubRecord.define($0) } + definitions.values.flatMap { HubRecord.define($0) }
    }

    /// Makes the instances of indicators with their runners.
    private func makeIndicators() throws(StartError) -> [IndicatorRunner] {
        var runners: [IndicatorRunner] = []
        for indicator in configuration.indicators {
            let users = configuration.pipelines.filter { $0.indicators.contains(indicator.name) }
            guard !users.isEmpty else { continue }
            let made = try instance(of: indicator)
            do {
                let instance = try IndicatorInstance(made.base, maximumLines: made.maximumLines)
                try instance.start(now: now())
                let wishes = users.map {
                    IndicatorRunner.Wish(pipeline: $0.name, intervals: indicator.intervals ?? $0.bars)
                }
                define(instance, wishes)
                runners.append(
                    IndicatorRunner(
                        name: indicator.name, instance: instance, wishes: wishes,
                        surroundings: indicatorSurroundings(), journal: journal, definitions: definitions,
                        after: indicatorStart()))
            } catch {
                throw StartError("indicators.\(indicator.name): \(error)")
            }
        }
        return runners
    }

    /// Journals what an indicator will compute before it does, so that clients can ask for it from the start.
    private func define(_ instance: IndicatorInstance, _ wishes: [IndicatorRunner.Wish]) {
        lock.withLock {
            for interval in Interval.allCases where wishes.contains(where: { $0.intervals.contains(interval) }) {
                for definition in instance.definitions {
                    if let only = definition.intervals, !only.contains(interval.rawValue) { continue }
                    // Without room it is journaled when the first bar is there.
                    _ = try? sequencer.value(
                        ValueDefinition(
                            id: 0, name: definition.name, interval: interval.rawValue, outputs: definition.outputs))
                }
            }
            sequencer.publish()
        }
    }

    /// The catalogues of the indicators in use, each plugin's once.
    private static func catalogue(_ configuration: Configuration, _ plugins: PluginRegistry) -> [String] {
        var seen: [String] = []
        for indicator in configuration.indicators where !seen.contains(indicator.plugin.id) {
            seen.append(indicator.plugin.id)
        }
        return seen.compactMap { plugins.entry($0)?.descriptor.catalogue.jsonText }
    }

    func now() -> hub_now { hub_now(wall_ns: wallNanoseconds, mono_ns: MonotonicClock.now) }

    func instance(
        of component: any ComponentConfiguration
    ) throws(StartError) -> (base: PluginInstance, maximumLines: Int) {
        try Self.makeInstance(component, plugins, logger: logger, configuration)
    }
}
