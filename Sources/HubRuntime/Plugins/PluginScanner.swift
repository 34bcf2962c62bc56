import Glibc
import HubModel

/// Finds out what the libraries in the plugin folders hold, without running any of them in this process.
///
/// One child examines all that is new. If it crashes or hangs, the file it was at is refused, and the others get a child
/// each. Results are kept by path, size, time of change and SHA-256.
public struct PluginScanner: Sendable {
    /// Absolute path of the executable that runs `PluginScan.runChild` under the command `plugin-scan`.
    public var executable: String
    /// Folders of what came with the hub. Files there that are no plugins are passed over.
    public var bundledFolders: [String]
    /// The operator's folders, searched afterwards.
    public var folders: [String]
    /// File name → the SHA-256 it must have, 64 lower-case hexadecimal digits.
    public var pins: [(file: String, sha256: String)]
    /// Longest time one library may take.
    public var timeoutNanoseconds: Int64
    /// Where results are kept; `nil` = nowhere.
    public var cacheFile: String?

    public init(
        executable: String = PluginScanner.ownExecutable, bundledFolders: [String]? = nil, folders: [String] = [],
        pins: [(file: String, sha256: String)] = [], timeoutNanoseconds: Int64 = 5_000_000_000, cacheFile: String? = nil
    ) {
        self.executable = executable
        self.bundledFolders = bundledFolders ?? PluginScanner.bundledFolders(of: executable)
        self.folders = folders
        self.pins = pins
        self.timeoutNanoseconds = timeoutNanoseconds
        self.cacheFile = cacheFile
    }

    /// The executable of this process.
    public static var ownExecutable: String {
        realpath("/proc/self/exe") ?? CommandLine.arguments[0]
    }

    /// Where an executable's own plugins are: beside it, and in `../lib/hub/plugins`.
    public static func bundledFolders(of executable: String) -> [String] {
        let folder = executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
        return [folder, folder + "/../lib/hub/plugins"]
    }

    /// Looks into all folders. Blocks: a child takes about 50 ms, nothing changed since the last time well under 10 ms.
    public func scan() -> PluginRegistry {
        var cache = ScanCache(file: cacheFile)
        var problems: [String] = []
        var candidates: [Candidate] = []
        var seen: Set<String> = []
        for (folder, isBundled) in bundledFolders.map({ ($0, true) }) + folders.map({ ($0, false) }) {
            for path in files(in: folder, problems: &problems) where seen.insert(path).inserted {
                candidates.append(Candidate(path: path, isBundled: isBundled))
            }
        }
        for index in candidates.indices {
            candidates[index].examine(&cache)
            guard candidates[index].content == nil, let reason = brokenPin(of: candidates[index].library) else {
                continue
            }
            // Not even in a child: code that is not what was pinned does not run.
            candidates[index].content = .refused(reason)
            candidates[index].isLasting = false
        }
        examineInChildren(&candidates)
        for candidate in candidates { candidate.remember(in: &cache) }
        if let cacheFile, cache.isChanged { cache.write(to: cacheFile) }
        let libraries = candidates.compactMap { candidate -> ScannedLibrary? in
            if candidate.isBundled, candidate.content == .foreign { return nil }
            return pinned(candidate.library)
        }
        return PluginRegistry(libraries: libraries, problems: problems)
    }

    // MARK: Folders

    private func files(in folder: String, problems: inout [String]) -> [String] {
        guard let folder = PluginScanner.realpath(folder) else { return [] }
        guard let stream = opendir(folder) else {
            if errno != ENOTDIR || !folder.hasSuffix(".so") {
                problems.append("the plugin folder \(folder) cannot be read: \(String(cString: strerror(errno)))")
            }
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name.hasSuffix(".so"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { folder + "/" + $0 }
    }

    private static func realpath(_ path: String) -> String? {
        guard let resolved = Glibc.realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func pinned(_ library: ScannedLibrary) -> ScannedLibrary {
        var library = library
        if library.content == .foreign {
            library.content = .refused(PluginLibrary.noEntry(library.file).reason)
        }
        if let reason = brokenPin(of: library) { library.content = .refused(reason) }
        return library
    }

    /// Why a file is not the one that the operator pinned; `nil` if it is, or none was pinned.
    private func brokenPin(of library: ScannedLibrary) -> String? {
        guard let pin = pins.first(where: { $0.file == library.fileName }), pin.sha256 != library.sha256,
            !library.sha256.isEmpty
        else { return nil }
        return
            "is not the one that plugins.pins names: expected sha256:\(pin.sha256), found sha256:\(library.sha256); put "
            + "the right file there, or pin this one if it is to be trusted"
    }

    // MARK: Children

    private func examineInChildren(_ candidates: inout [Candidate]) {
        let child = ScanChild(command: [executable, PluginScan.command], timeoutNanoseconds: timeoutNanoseconds)
        var open = candidates.indices.filter { candidates[$0].content == nil }
        guard !open.isEmpty else { return }
        take(child.run(open.map { candidates[$0].path }), &candidates)
        open = open.filter { candidates[$0].content == nil }
        for index in open { take(child.run([candidates[index].path]), &candidates) }
        for index in open where candidates[index].content == nil {
            candidates[index].content = .refused("could not be examined: the scan gave no answer; start the hub again")
            candidates[index].isLasting = false
        }
    }

    private func take(_ outcome: ScanChild.Outcome, _ candidates: inout [Candidate]) {
        for index in candidates.indices where candidates[index].content == nil {
            let path = candidates[index].path
            if let answer = outcome.answers[path] {
                candidates[index].take(answer)
            } else if let guilty = outcome.guilty, guilty.file == path {
                switch guilty.end {
                case .crashed(let how):
                    candidates[index].content = .refused("crashed while it was examined: \(how)")
                case .hung:
                    candidates[index].content = .refused(
                        "did not answer within \(ConfiguredDuration.nanoseconds(timeoutNanoseconds)) while it was "
                            + "examined; see plugins.scan_timeout")
                    candidates[index].isLasting = false
                }
            } else if let reason = outcome.failedToStart {
                candidates[index].content = .refused("could not be examined: \(reason)")
                candidates[index].isLasting = false
            }
        }
    }
}

/// A file on its way through a scan.
private struct Candidate {
    let path: String
    let isBundled: Bool
    var stamp: FileStamp?
    var sha256 = ""
    /// `nil` until it is known.
    var content: ScannedLibrary.Content?
    /// Whether the result is a matter of the bytes alone, not of the moment.
    var isLasting = true

    init(path: String, isBundled: Bool) {
        self.path = path
        self.isBundled = isBundled
    }

    var library: ScannedLibrary {
        ScannedLibrary(
            file: path, sha256: sha256, isBundled: isBundled,
            content: content ?? .refused("could not be examined; start the hub again"))
    }

    /// Whatever can be said without running the file.
    mutating func examine(_ cache: inout ScanCache) {
        guard let now = FileStamp(ofFile: path) else {
            content = .refused("cannot be examined: \(String(cString: strerror(errno)))")
            isLasting = false
            return
        }
        if let known = cache.content(of: path, stamp: now) {
            (stamp, sha256, content) = (now, known.sha256, known.content)
            return
        }
        do throws(PluginRefusal) {
            let file = try FileBytes.read(path)
            (stamp, sha256) = (file.stamp, file.sha256)
            if let known = cache.content(of: path, sha256: sha256) {
                content = known
                return
            }
            try SharedObject.check(file, path: path)
            if !file.contains(PluginLibrary.symbol) { content = .foreign }
        } catch {
            content = .refused(error.reason)
            isLasting = !sha256.isEmpty
        }
    }

    /// What a child said of it.
    mutating func take(_ answer: SettingsTree) {
        if let reason = answer["refused"]?.textValue {
            content = .refused(reason)
        } else if answer["sha256"]?.textValue != sha256 {
            content = .refused("was changed while it was examined; start the hub again")
            isLasting = false
        } else {
            content = .plugins((answer["plugins"]?.listValue ?? []).compactMap(PluginDescriptor.init))
        }
    }

    func remember(in cache: inout ScanCache) {
        if isLasting, let stamp, let content {
            cache.set(path, ScanCache.Entry(stamp: stamp, sha256: sha256, content: content))
        } else {
            cache.forget(path)
        }
    }
}
