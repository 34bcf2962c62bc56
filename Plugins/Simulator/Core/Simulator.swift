public import PluginKit

/// The bundled source of made-up market data: plugin `simulator`.
///
/// Everything it emits is a function of its settings, of the event's number and of time; what is not is in
/// ``SimulatorPosition``, which it emits in order with its data. So a run that goes on from any position emits exactly
/// what the uninterrupted run would have.
public final class Simulator: PullProvider {
    private let host: Host
    private let settings: SimulatorSettings
    private let problems: SettingsProblems
    private var wanted: [Want] = []
    private var engine: SimulatorEngine?
    private var resumed: SimulatorPosition?
    private var toldToResume = false

    public init(host: Host) {
        self.host = host
        var problems = SettingsProblems()
        settings = SimulatorSettings(host.settings, problems: &problems)
        self.problems = problems
    }

    deinit { engine?.deallocate() }

    public func checkSettings() throws { try problems.throwIfAny() }

    public func start(now: Now) throws {
        try problems.throwIfAny()
        resumed = host.lastPosition().map(SimulatorPosition.init)
        if let resumed {
            host.log(.info, "goes on at event \(resumed.event)")
        }
        host.feed(.ok)
    }

    public func want(_ items: [Want], now: Now) throws {
        for item in items {
            wanted.removeAll { $0.handle == item.handle }
            if item.kinds.isEmpty {
                host.subscription(item.handle, .ended)
                continue
            }
            let kinds = item.kinds.intersection(settings.kinds)
            guard !kinds.isEmpty else {
                host.subscription(
                    item.handle, .failed, reason: "the simulator's settings name none of the kinds that are wanted")
                continue
            }
            let instrument = settings.instrument(item.symbol)
            try host.describe(
                item.handle,
                Instrument(
                    symbol: item.symbol, type: instrument.type, currency: instrument.currency,
                    calendar: settings.calendar.rawValue, tickSize: instrument.tickSize, lotSize: instrument.lot))
            wanted.append(Want(handle: item.handle, kinds: kinds, symbol: item.symbol))
            host.subscription(item.handle, .ok)
        }
        // The order decides which instrument an event falls to, so it must not depend on the order of calls.
        wanted.sort { $0.handle < $1.handle }
        let position = engine?.position ?? resumed
        engine?.deallocate()
        engine = nil
        resumed = position
    }

    public func stop() {
        engine?.deallocate()
        engine = nil
    }

    public func pull(budget: Int, into output: Output, now: Now) throws -> PullResult {
        guard !wanted.isEmpty else { return .until(now.wallNanoseconds + 1_000_000_000) }
        if engine == nil {
            engine = SimulatorEngine(settings, wanted: wanted, resuming: resumed, now: now.wallNanoseconds)
            resumed = nil
        }
        let result = engine?.pull(budget, output, now.wallNanoseconds) ?? .more
        if let skipped = engine?.takeSkipped() {
            let seconds = (skipped.to - skipped.from) / 1_000_000_000
            host.log(.warning, "left out \(seconds) s of events: more than the simulator catches up on")
            host.gap(
                .sourceReset, handles: wanted.map(\.handle), kinds: settings.kinds, fromNanoseconds: skipped.from,
                toNanoseconds: skipped.to)
        }
        return result
    }
}
