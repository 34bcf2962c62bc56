import EventFormat
import HubConfig
import HubFold
import HubJournal
import HubModel
import HubNet
import HubStore
import Logging
import PluginABI

extension Engine {
    // MARK: Opening

    static func openJournal(_ configuration: Configuration) throws(StartError) -> Journal {
        var options = JournalOptions(folder: configuration.hub.data)
        options.durability = configuration.hub.durability == .fsync ? .fsync : .process
        options.minimumFreeBytes = configuration.hub.retention.minimumFreeBytes
        let retention = configuration.hub.retention
        options.retentionNanoseconds = retention.journalNanoseconds == .max ? nil : retention.journalNanoseconds
        if retention.journalBytes != .max {
            options.retentionBytes = retention.journalBytes
            // Whole segments go: a journal that may be small has small ones.
            let block = JournalOptions.blockBytes
            options.segmentBytes = max(
                4 * block, min(options.segmentBytes, Int(retention.journalBytes / 8) / block * block))
        }
        if configuration.hub.clock == .virtual {
            // In lockstep nothing may differ from run to run, the epoch included.
            options.epoch = Plans.digest(configuration.foldDigestInput).prefix(8).map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined()
        }
        do {
            return try Journal.open(options)
        } catch {
            throw StartError("\(error)")
        }
    }

    static func recover(
        _ journal: Journal, _ plan: FoldPlan, recall: BarRecall, logger: Logger
    ) throws(StartError) -> (fold: Fold, result: Recovery.Result) {
        var fold = Fold(plan: plan)
        var position: UInt64 = 0
        if let checkpoint = journal.newestCheckpoint() {
            do {
                fold = try Fold(plan: plan, restoring: checkpoint.state)
                position = checkpoint.seq
            } catch {
                logger.warning(
                    "the checkpoint at \(checkpoint.seq) cannot be used (\(error)); the journal is read instead")
                fold = Fold(plan: plan)
            }
        }
        recall.definitions = { [unowned fold] in fold.definitions }
        fold.recall = { request in
            recall.catchUp()
            return recall.answer(request)
        }
        defer { fold.recall = { recall.answer($0) } }
        if position == 0, journal.earliest.seq > 1, journal.head > 0 {
            // Retention took the beginning: what is defined there is repeated at the head of the oldest segment.
            let bytes = (try? journal.definitions(ofSegmentContaining: journal.earliest.seq)) ?? []
            let silent = Recovery.silent
            bytes.withUnsafeBytes { space in
                var offset = 0
                while offset < space.count {
                    let record = (space.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                    fold.apply(record, silent)
                    offset += Int(record.pointee.lines) * Int(HUB_LINE)
                }
            }
        }
        let result = Recovery.run(journal: journal, fold: fold, after: position)
        if result.foldedRecords > 0 {
            logger.info("recovered: \(result.foldedRecords) records folded behind the checkpoint at \(position)")
        }
        return (fold, result)
    }

    // MARK: Instances

    static func makeProviders(
        _ configuration: Configuration, _ plugins: PluginRegistry, store: Store, network: NetworkLoop,
        version: String, _ logger: @Sendable (String) -> Logger
    ) throws(StartError) -> [ProviderInstance] {
        var made: [ProviderInstance] = []
        for provider in configuration.providers {
            let logger = logger("providers.\(provider.name)")
            let (base, lines) = try makeInstance(provider, plugins, logger: logger, configuration)
            let context = base.context
            context.instanceStore = InstanceStore(of: provider.name, in: store)
            if configuration.hub.clock == .real {
                let link = VendorLink(
                    settings: provider.network, rates: plugins.entry(provider.plugin.id)?.descriptor.rates ?? [],
                    secrets: context.secrets, network: network, userAgent: "hub/\(version)", logger: logger,
                    wake: { [unowned context] in context.wakeOwner.withLock { $0 }?() })
                context.link = link
                context.requestGate.withLock {
                    $0 = {
                        guard link.gate.breakerState == .open else { return nil }
                        return (.failed, "its last requests all failed: none are made for a while", nil)
                    }
                }
            }
            do {
                let instance = try ProviderInstance(base, name: provider.name, maximumLines: lines)
                instance.record(provider, in: configuration, version: version, logger: logger)
                made.append(instance)
            } catch {
                throw StartError("providers.\(provider.name): \(error)")
            }
        }
        return made
    }

    static func makeInstance(
        _ component: any ComponentConfiguration, _ plugins: PluginRegistry, logger: Logger,
        _ configuration: Configuration
    ) throws(StartError) -> (base: PluginInstance, maximumLines: Int) {
        let users = configuration.pipelines.filter { pipeline in
            pipeline.sources.contains { $0.provider == component.name }
        }
        let descriptor = plugins.entry(component.plugin.id)?.descriptor
        let network = (component as? ProviderConfiguration)?.network ?? NetworkSettings()
        let secrets = SecretBook(
            settings: component.settings, hosts: descriptor?.hosts ?? [],
            logins: LoginFile(
                path: network.storesLogin ? "\(configuration.hub.data)/logins/\(component.name).json" : nil,
                onProblem: { logger.warning("\($0)") }),
            isOpen: component.plugin.traits.contains(.plainSecret))
        let context = InstanceContext(
            name: component.name, settings: component.settings,
            isSimulated: component.plugin.traits.contains(.simulated), logger: logger, secrets: secrets,
            vendorNames: Dictionary(
                (component as? ProviderConfiguration)?.symbols.map { ($0.symbol, $0.vendorName) } ?? [],
                uniquingKeysWith: { first, _ in first }),
            takes: { text in
                guard let symbol = try? Symbol(text) else { return false }
                return users.contains { $0.takes(symbol) }
            })
        do {
            let loaded = try plugins.open(component.plugin.id)
            let base = try PluginInstance(entry: loaded.library.entry, id: component.plugin.id, context: context)
            try base.checkSettings()
            return (base, loaded.descriptor.maximumLines)
        } catch let failure as PluginFailure {
            if let pointer = failure.pointer.isEmpty ? nil : failure.pointer {
                throw StartError(
                    component.settings.diagnostic(pointer: pointer, message: failure.text, file: configuration.path)
                        .description)
            }
            throw StartError("\(component.name): \(failure.text)")
        } catch {
            throw StartError("\(component.name): \(error)")
        }
    }

    static func makeSupervisor(
        _ configuration: Configuration, _ providers: [ProviderInstance], _ sources: [Source], _ sequencer: Sequencer,
        _ demand: StreamDemand?, _ now: Int64
    ) -> Supervisor {
        let fold = sequencer.fold
        let pipelines = configuration.pipelines.map { Plans.supervised($0, in: configuration) }
        let active = pipelines.map { pipeline in
            let name = fold.activeSource(ofPipeline: pipeline.name)
            return pipeline.sources.firstIndex { sources[$0].name == name } ?? 0
        }
        return Supervisor(
            plans: configuration.providers.map { Plans.supervised($0, in: configuration) }, sources: sources,
            pipelines: pipelines, active: active,
            states: sources.map { source in
                configuration.hub.clock == .virtual
                    ? SourceState(rawValue: fold.source(source.name)?.state ?? 0) ?? .starting : .starting
            },
            openGaps: sources.map { source in
                fold.openGaps.filter { $0.source == source.name }.map { gap in
                    let isPlugins = ![HUB_GAP_SOURCE_DOWN, HUB_GAP_SOURCE_STALE, HUB_GAP_DISK_FULL, HUB_GAP_HUB_DOWN]
                        .contains(Int(gap.reason))
                    return Supervisor.OpenGap(
                        number: gap.id, reason: gap.reason, fromNanoseconds: gap.from, symbols: gap.symbols,
                        kinds: gap.kinds, isPlugins: isPlugins)
                }
            },
            lastClock: fold.clockNanoseconds, now: now,
            wants: Plans.wants(configuration, pipelines, active: active, providers, fold, now: now),
            skipped: { UInt32(clamping: fold.skippedSincePosition(ofSource: sources[$0].name)) },
            stream: { index, handle in try? sequencer.stream(sources[index].definition(of: handle)) },
            streamOfSymbol: { index, symbol in
                let handle = providers[index].context.handle(symbol: symbol)
                return try? sequencer.stream(sources[index].definition(of: handle))
            },
            demands: { demand?.take(now: $0) },
            say: { record in
                try? sequencer.take(
                    record, receivedNanoseconds: record.withUnsafeBytes { $0.load(fromByteOffset: 8, as: Int64.self) })
            })
    }

    // MARK: Starting

    /// The records that stand at the beginning of a run: the streams of the sources, what the run depends on, and what was
    /// missed meanwhile. A full disk does not keep the hub from serving what it has.
    func journalTheStart() throws(StartError) {
        let now = wallNanoseconds
        let fold = sequencer.fold
        lock.withLock {
            do throws(Sequencer.Refusal) {
                for source in sources {
                    source.ownStream = try sequencer.stream(
                        StreamDefinition(
                            id: 0, symbol: "", source: source.name, marketCentre: "", instrumentType: 0, currency: "",
                            calendar: "", tickSize: .nan, lotSize: .nan,
                            simulated: configuration.provider(source.name)?.plugin.traits.contains(.simulated) == true))
                }
                let digest = Plans.digest(configuration.foldDigestInput)
                if fold.configurationDigest != digest {
                    try sequencer.take(
                        HubRecord.configuration(digest: digest, stream: 0, at: now), receivedNanoseconds: now)
                }
            } catch {
                intake.close(because: error.cause, now: now)
            }
            sequencer.publish()
        }
    }

    /// Starts the providers, each from where it was. Returns what is worth a warning.
    func startProviders() throws(StartError) -> [String] {
        var warnings: [String] = []
        let now = now()
        for (index, provider) in providers.enumerated() {
            guard let settings = configuration.provider(provider.name) else { continue }
            if let warning = resume(index, settings) { warnings.append(warning) }
            if !isLockstep || supervisor.health[index].state == .starting {
                lock.withLock {
                    supervisor.starting(source: index, now: now.wall_ns)
                    sequencer.publish()
                }
            }
            do {
                try provider.start(wanted: lock.withLock { supervisor.beginWants(source: index) }, now: now)
                lock.withLock {
                    // A source that is asked has nothing to connect to: it is up. Others say so themselves, or deliver.
                    if provider.isPullProvider, supervisor.health[index].state == .starting {
                        supervisor.report(source: index, state: .ok, reason: "", now: now.wall_ns)
                    }
                    sequencer.publish()
                }
            } catch {
                if Int(error.status) == HUB_CONFIG {
                    let place = settings.settings.diagnostic(
                        pointer: error.pointer, message: error.text, file: configuration.path)
                    throw StartError(place.description)
                }
                // What a person or time can mend is no reason not to run the rest.
                warnings.append("\(provider.name) did not start: \(error.text)")
                lock.withLock {
                    let state: SourceState = Int(error.status) == HUB_AUTH ? .authNeeded : .failed
                    supervisor.report(source: index, state: state, reason: error.text, now: now.wall_ns)
                    sequencer.publish()
                }
            }
        }
        return warnings
    }

    /// Tells a source where it was, if its settings are still those it got there with.
    private func resume(_ index: Int, _ settings: ProviderConfiguration) -> String? {
        let now = wallNanoseconds
        let name = providers[index].name
        return lock.withLock { () -> String? in
            let fold = sequencer.fold
            let digest = Plans.digest(settings.settingsDigestInput)
            let known = fold.settingsDigest(ofSource: name)
            var warning: String?
            if known == digest {
                if settings.plugin.traits.contains(.resumes) {
                    let point = fold.resumePoint(of: name)
                    providers[index].context.resume(from: point.position)
                    fold.dropDuplicates(point.accepted, from: name)
                }
            } else {
                if known != nil { warning = "\(name): its settings changed, so it starts anew" }
                _ = try? sequencer.take(
                    HubRecord.configuration(digest: digest, stream: sources[index].ownStream, at: now),
                    receivedNanoseconds: now)
            }
            if let last = fold.source(name)?.lastEvent, !isLockstep {
                supervisor.hubWasDown(source: index, sinceEventNanoseconds: last, now: now)
            }
            sequencer.publish()
            return warning
        }
    }
}
