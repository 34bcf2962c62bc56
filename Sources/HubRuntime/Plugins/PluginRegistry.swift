public import HubConfig

/// The plugins that are installed, and why others cannot be used. Immutable.
public struct PluginRegistry: PluginCatalogue {
    /// One plugin of one library.
    public struct Entry: Sendable {
        public let descriptor: PluginDescriptor
        public let library: ScannedLibrary
    }

    /// All files, bundled ones first, then in the order of the folders and of their names.
    public let libraries: [ScannedLibrary]
    /// All plugins, in the order of the files.
    public let entries: [Entry]
    /// What is wrong, in words: refused files, ids that occur twice, folders that cannot be read.
    public let problems: [String]
    private let byID: [String: Int]
    private let refusals: [String: String]

    init(libraries: [ScannedLibrary], problems: [String]) {
        var problems = problems
        var entries: [Entry] = []
        var files: [String: [String]] = [:]
        var refusals: [String: String] = [:]
        for library in libraries {
            for descriptor in library.descriptors {
                entries.append(Entry(descriptor: descriptor, library: library))
                files[descriptor.id, default: []].append(library.file)
            }
            if let refusal = library.refusal {
                problems.append(refusal.description)
                // Which plugins a refused file holds is not known; by convention it is named after the one it holds.
                refusals[PluginRegistry.likelyID(library)] = refusal.description
            }
        }
        var byID: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            let id = entry.descriptor.id
            guard let all = files[id], all.count > 1 else {
                byID[id] = index
                continue
            }
            if all.first == entry.library.file {
                let reason = "the plugin '\(id)' is in \(all.joined(separator: " and in ")); remove all but one of them"
                problems.append(reason)
                refusals[id] = reason
            }
        }
        self.libraries = libraries
        self.entries = entries
        self.problems = problems
        self.byID = byID
        self.refusals = refusals
    }

    /// One plugin; `nil` where there is none, or more than one, with that id.
    public func entry(_ id: String) -> Entry? { byID[id].map { entries[$0] } }

    /// Loads the library of a plugin, provided that it is still the one that was scanned.
    public func open(_ id: String) throws(PluginRefusal) -> (library: PluginLibrary, descriptor: PluginDescriptor) {
        guard let entry = entry(id) else {
            throw PluginRefusal(file: id, reason: refusal(id) ?? "there is no such plugin; see `hub plugin list`")
        }
        let library = try PluginLibrary.open(entry.library.file, expecting: entry.library.sha256)
        return (library, entry.descriptor)
    }

    // MARK: PluginCatalogue

    public func descriptor(_ id: String) -> PluginDescription? {
        entry(id).map {
            PluginDescription($0.descriptor, file: $0.library.file, isBundled: $0.library.isBundled)
        }
    }

    public var ids: [String] { entries.map(\.descriptor.id) }

    public func refusal(_ id: String) -> String? { refusals[id] }

    private static func likelyID(_ library: ScannedLibrary) -> String {
        var name = library.fileName
        if name.hasSuffix(".so") { name.removeLast(3) }
        if name.hasPrefix("lib") { name.removeFirst(3) }
        return name
    }
}
