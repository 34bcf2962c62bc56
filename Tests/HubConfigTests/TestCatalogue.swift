import HubConfig
import HubModel

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The plugins of `Fixtures/plugins`: the four bundled ones as the reference describes them, one of a vendor, one with a secret.
struct TestCatalogue: PluginCatalogue {
    private let plugins: [PluginDescription]

    static let shared = TestCatalogue()

    init() {
        plugins = ["simulator", "replay", "ta", "file", "acme", "store"].map { name in
            TestCatalogue.read(TestFiles.read("Fixtures/plugins/\(name).json"))
        }
    }

    private static func read(_ text: String) -> PluginDescription {
        guard let tree = try? SettingsTree(json: text), let schema = tree["schema"],
            let kind = tree["kind"]?.textValue.flatMap(PluginDescription.Kind.init)
        else { preconditionFailure("a fixture of a plugin is not what it should be: \(text)") }
        var traits: PluginDescription.Traits = []
        if tree["simulated"] == true { traits.insert(.simulated) }
        if tree["recorded"] == true { traits.insert(.recorded) }
        if tree["resumes"] == true { traits.insert(.resumes) }
        let kinds = (tree["kinds"]?.listValue ?? []).compactMap(\.textValue).compactMap { EventKind(name: $0) }
        return PluginDescription(
            id: tree["id"]?.textValue ?? "", kind: kind, version: "0.1.0", schema: schema, traits: traits,
            kinds: kinds.reduce(0) { $0 | $1.bit }, isBundled: tree["bundled"]?.boolValue ?? true)
    }

    func descriptor(_ id: String) -> PluginDescription? { plugins.first { $0.id == id } }
    var ids: [String] { plugins.map(\.id) }
    func refusal(_ id: String) -> String? {
        id == "broken" ? "libbroken.so was built for ABI 0.9; this hub speaks 0.0: build it again" : nil
    }
}

/// Files beside the tests, and temporary ones.
enum TestFiles {
    static let folder: String = {
        let file = #filePath
        return String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
    }()

    static func read(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : "\(folder)/\(path)"
        guard let file = fopen(whole, "r") else { preconditionFailure("cannot read \(whole)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { preconditionFailure("cannot write \(path)") }
        fputs(text, file)
        fclose(file)
    }

    /// Names of the files in a folder beside the tests, in order.
    static func list(_ path: String) -> [String] {
        guard let stream = opendir("\(folder)/\(path)") else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// Runs something with a folder of its own, which is taken away afterwards.
    static func withFolder<R>(_ body: (_ folder: String) throws -> R) rethrows -> R {
        var template = Array("/tmp/hub-config-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("cannot make a temporary folder") }
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer {
            if let stream = opendir(folder) {
                while let entry = readdir(stream) {
                    let name = withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    }
                    unlink("\(folder)/\(name)")
                }
                closedir(stream)
            }
            rmdir(folder)
        }
        return try body(folder)
    }
}
