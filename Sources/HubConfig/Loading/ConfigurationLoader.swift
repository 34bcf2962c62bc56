internal import HubModel

/// Reads and checks `hub.yaml`.
///
/// Mistakes of operators are never thrown: all of them come back as diagnostics, in one run. Loading reads files and runs the
/// commands that the configuration names (up to 10 s each), so it belongs on no event loop.
public struct ConfigurationLoader: Sendable {
    private let environment: [String: String]
    private let scan: @Sendable (PluginsSettings) -> any PluginCatalogue
    private let overrides: [String]

    /// - Parameters:
    ///   - environment: variables for `${NAME}` and for commands.
    ///   - plugins: what is installed.
    ///   - overrides: the arguments of `--set`, `path=value`, in their order.
    public init(environment: [String: String], plugins: any PluginCatalogue, overrides: [String] = []) {
        self.init(environment: environment, overrides: overrides) { _ in plugins }
    }

    /// - Parameter scan: looks for plugins where the configuration says they are; called once, after the section `plugins`
    ///   was read.
    public init(
        environment: [String: String], overrides: [String] = [],
        scan: @escaping @Sendable (PluginsSettings) -> any PluginCatalogue
    ) {
        self.environment = environment
        self.overrides = overrides
        self.scan = scan
    }

    /// Reads a configuration.
    ///
    /// - Parameter path: of the file; relative to the working directory.
    /// - Returns: the configuration, unless one of the diagnostics is an error; and the diagnostics, ordered by place.
    public func load(_ path: String) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        do throws(FileError) {
            return load(try FileBytes.read(path, atMost: SourceScan.largestFile), path: path)
        } catch {
            let message = "cannot be read: \(error.reason)"
            return (nil, [Diagnostic(.error, place: Diagnostic.Place(file: path), message: message)])
        }
    }

    /// Reads a configuration from bytes, as if they stood in a file of that path.
    public func load(_ bytes: [UInt8], path: String) -> (
        configuration: Configuration?, diagnostics: [Diagnostic]
    ) {
        let absolute = FileBytes.absolute(path, in: FileBytes.currentFolder)
        return load(bytes, name: path, folder: FileBytes.folder(of: absolute))
    }

    /// - Parameters:
    ///   - name: shown in diagnostics.
    ///   - folder: where relative paths start; absolute.
    func load(
        _ bytes: [UInt8], name: String, folder: String
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        let source = SourceText(name: name, folder: folder, bytes: bytes)
        let problems = Problems()
        let assembly = Assembly(source, Expander(environment: environment), problems, scan: scan)
        let configuration = assembly.read(overrides: overrides)
        let isUsable = problems.errorCount == 0
        return (isUsable ? configuration : nil, problems.diagnostics(mainFile: source))
    }
}
