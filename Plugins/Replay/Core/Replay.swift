public import PluginKit

/// The bundled source of recorded market data: plugin `replay`.
///
/// Rows of all files come merged by time (a bar when it is over), of equal times in the order of the files. A position
/// counts rows, so a run that goes on from any of them emits exactly what the uninterrupted run would have.
public final class Replay: PullProvider {
    private let host: Host
    private let settings: ReplaySettings
    private let problems: SettingsProblems
    private var handles: [String: UInt32] = [:]
    private var kinds: [String: KindSet] = [:]
    private var isWantKnown = false
    private var player: ReplayPlayer?

    public init(host: Host) {
        self.host = host
        var problems = SettingsProblems()
        settings = ReplaySettings(host.settings, problems: &problems)
        self.problems = problems
    }

    deinit { player?.close() }

    public func checkSettings() throws { try problems.throwIfAny() }

    public func start(now: Now) throws {
        try problems.throwIfAny()
        host.feed(.ok)
    }

    /// Takes what is wanted before the first pull; what is wanted later of an instrument whose file is being played
    /// already cannot begin in the middle, so it is refused.
    public func want(_ items: [Want], now: Now) throws {
        for item in items {
            if item.kinds.isEmpty {
                handles[item.symbol] = nil
                host.subscription(item.handle, .ended)
                continue
            }
            let files = settings.files.filter { $0.symbol == item.symbol && Self.isWanted($0.kind, item.kinds) }
            guard !files.isEmpty else {
                host.subscription(item.handle, .failed, reason: "no file has what is wanted of \(item.symbol)")
                continue
            }
            if player != nil, handles[item.symbol] == nil {
                host.subscription(
                    item.handle, .failed, reason: "the replay has begun without \(item.symbol); it needs a restart")
                continue
            }
            handles[item.symbol] = item.handle
            kinds[item.symbol] = item.kinds
            host.subscription(item.handle, .ok)
        }
        isWantKnown = true
    }

    /// Bars are wanted of whatever is wanted: kinds name what streams.
    private static func isWanted(_ kind: ReplayFileKind, _ kinds: KindSet) -> Bool {
        switch kind {
        case .trade: kinds.contains(.trade)
        case .quote: kinds.contains(.quote)
        case .bar: true
        }
    }

    public func stop() {
        player?.close()
        player = nil
    }

    public func pull(budget: Int, into output: Output, now: Now) throws -> PullResult {
        guard isWantKnown else { return .until(now.wallNanoseconds + 1_000_000_000) }
        if player == nil {
            let wanted = settings.files.map { file in
                Self.isWanted(file.kind, kinds[file.symbol] ?? []) ? handles[file.symbol] ?? 0 : 0
            }
            player = try ReplayPlayer(
                settings, handles: wanted, resuming: host.lastPosition().map(ReplayPosition.init), host: host)
        }
        return try player?.pull(budget, output, now.wallNanoseconds) ?? .end
    }
}
