import Foundation
import HubConfig
import HubModel
import HubRuntime

/// Starts every provider by itself, in a data folder that is thrown away, and says whether its vendor lets it in: what
/// `hub check --connect` prints.
struct ConnectionCheck {
    struct Row {
        var provider: String
        var plugin: String
        /// As in `/v1/status`.
        var state: String
        var reason: String?
        var milliseconds: Int
        /// Its data is recorded or made up.
        var needsNobody: Bool

        /// Whether its vendor was reached and took its credentials.
        var isReached: Bool {
            needsNobody ? state != "failed" : ["ok", "closed", "degraded", "stale"].contains(state)
        }
        /// Whether nothing more is to be waited for.
        var isSettled: Bool { isReached || ["auth_needed", "failed", "stopped"].contains(state) }
    }

    let configuration: Configuration
    let plugins: PluginRegistry
    let limitSeconds: Double

    func run() throws -> [Row] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hub-check-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }
        // What logins brought is tried, but a copy of it: a running hub's own must outlive a vendor that refuses it.
        let logins = "\(configuration.hub.data)/logins"
        if FileManager.default.fileExists(atPath: logins) {
            try FileManager.default.copyItem(atPath: logins, toPath: folder.appendingPathComponent("logins").path)
        }
        var alone = configuration
        alone.hub.data = folder.path
        alone.hub.clock = .real
        alone.indicators = []
        alone.sinks = []
        for index in alone.pipelines.indices {
            alone.pipelines[index].indicators = []
            alone.pipelines[index].sinks = []
            alone.pipelines[index].bars = []
        }
        let engine = try Engine(
            configuration: alone, plugins: plugins, version: HubVersion.hub, logger: { HubLogging.quiet($0) })
        defer { engine.stop(withinNanoseconds: 1_000_000_000) }
        try engine.start()
        return watch(engine)
    }

    /// Looks at the states until all of them say something, or the time is over.
    private func watch(_ engine: Engine) -> [Row] {
        let start = ContinuousClock.now
        let deadline = start + .seconds(limitSeconds)
        var settled: [String: Int] = [:]
        while true {
            let elapsed = Int((ContinuousClock.now - start) / .milliseconds(1))
            let rows = engine.status().providers.map { provider -> Row in
                let traits = configuration.provider(provider.name)?.plugin.traits ?? []
                return Row(
                    provider: provider.name, plugin: provider.plugin, state: provider.state, reason: provider.reason,
                    milliseconds: settled[provider.name] ?? elapsed,
                    needsNobody: !traits.isDisjoint(with: [.recorded, .simulated]))
            }
            for row in rows where row.isSettled { settled[row.provider] = row.milliseconds }
            if rows.allSatisfy(\.isSettled) || ContinuousClock.now >= deadline { return rows }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }
}

extension ConnectionCheck {
    static func json(_ diagnostics: SettingsTree, _ rows: [Row]) -> SettingsTree {
        let list = SettingsTree.list(
            rows.map { row in
                var fields: [(String, SettingsTree)] = [
                    ("provider", .text(row.provider)), ("plugin", .text(row.plugin)), ("state", .text(row.state)),
                    ("reached", .bool(row.isReached)),
                ]
                if let reason = row.reason { fields.append(("reason", .text(reason))) }
                fields.append(("elapsed_ms", .integer(Int64(row.milliseconds))))
                return .map(fields)
            })
        return .map([("diagnostics", diagnostics), ("providers", list)])
    }
}

extension ConnectionCheck.Row {
    /// For people.
    var line: String {
        let because = reason.map { ": \($0)" } ?? ""
        if needsNobody, isReached { return "\(provider) (\(plugin)): has no vendor" }
        return isReached
            ? "\(provider) (\(plugin)): reached after \(milliseconds) ms"
            : "\(provider) (\(plugin)): \(isSettled ? "" : "not reached within \(milliseconds) ms, ")\(state)\(because)"
    }
}
