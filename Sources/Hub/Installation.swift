import Foundation
import HubConfig
import HubRuntime

/// Where this executable finds plugins, and where it remembers what it found in them.
enum Installation {
    /// Looks through the bundled folders and those that the configuration names.
    static func scan(_ settings: PluginsSettings) -> PluginRegistry {
        PluginScanner(
            folders: settings.path, pins: settings.pins, timeoutNanoseconds: settings.scanTimeoutNanoseconds,
            cacheFile: cacheFile
        ).scan()
    }

    /// Where the script of the page's chart may be: beside the executable, and where packages put such things.
    static var pageFolders: [String] {
        let executable = PluginScanner.ownExecutable
        let folder = executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
        return [folder + "/web", folder + "/../share/hub/web"]
    }

    /// Reads and checks a configuration with the plugins that are installed.
    static func load(
        _ path: String, overrides: [String]
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic], plugins: PluginRegistry?) {
        let found = Box()
        let loader = ConfigurationLoader(environment: ProcessInfo.processInfo.environment, overrides: overrides) {
            settings in
            let registry = scan(settings)
            found.registry = registry
            return registry
        }
        let (configuration, diagnostics) = loader.load(path)
        return (configuration, diagnostics, found.registry)
    }

    // Filled by the loader's one call, on this thread.
    private final class Box: @unchecked Sendable {
        var registry: PluginRegistry?
    }

    private static var cacheFile: String? {
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" }
        guard let base, base.hasPrefix("/") else { return nil }
        let folder = base + "/hub"
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder + "/plugins.json"
    }
}
