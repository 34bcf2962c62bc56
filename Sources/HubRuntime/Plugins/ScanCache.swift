import Glibc
import HubModel
import PluginABI

/// What earlier scans found out, by file: a start with nothing changed reads this one file and examines none.
///
/// It is a cache in every sense: unreadable, of another version or lost, the files are scanned again.
struct ScanCache {
    struct Entry: Equatable {
        var stamp: FileStamp
        var sha256: String
        var content: ScannedLibrary.Content
    }

    private(set) var entries: [String: Entry] = [:]
    private(set) var isChanged = false

    private static let format: Int64 = 1
    private static let abi = "\(HUB_ABI_MAJOR).\(HUB_ABI_MINOR)"

    /// Reads a cache; an empty one where that is not possible.
    init(file: String?) {
        guard let file, let bytes = try? FileBytes.read(file).bytes, let tree = try? SettingsTree(json: bytes),
            tree["format"]?.integerValue == Self.format, tree["abi"]?.textValue == Self.abi,
            tree["extensions"]?.textValue == HostExtension.fingerprint, let rows = tree["libraries"]?.listValue
        else { return }
        for row in rows {
            guard let path = row["file"]?.textValue, let size = row["size"]?.integerValue,
                let modified = row["modified_ns"]?.integerValue, let sha256 = row["sha256"]?.textValue
            else { continue }
            let content: ScannedLibrary.Content
            if let reason = row["refused"]?.textValue {
                content = .refused(reason)
            } else if let plugins = row["plugins"]?.listValue {
                let descriptors = plugins.compactMap(PluginDescriptor.init)
                guard descriptors.count == plugins.count else { continue }
                content = .plugins(descriptors)
            } else {
                content = .foreign
            }
            entries[path] = Entry(
                stamp: FileStamp(size: size, modifiedNanoseconds: modified), sha256: sha256, content: content)
        }
    }

    /// What is known of a file that has not been touched since.
    func content(of path: String, stamp: FileStamp) -> Entry? {
        guard let entry = entries[path], entry.stamp == stamp else { return nil }
        return entry
    }

    /// What is known of these bytes at this place, whenever they were written.
    func content(of path: String, sha256: String) -> ScannedLibrary.Content? {
        guard let entry = entries[path], entry.sha256 == sha256 else { return nil }
        return entry.content
    }

    mutating func set(_ path: String, _ entry: Entry) {
        guard entries[path] != entry else { return }
        entries[path] = entry
        isChanged = true
    }

    mutating func forget(_ path: String) {
        if entries.removeValue(forKey: path) != nil { isChanged = true }
    }

    /// Writes the cache whole, or not at all; a folder that cannot be written to costs the next start some time, no more.
    func write(to file: String) {
        let rows = entries.sorted { $0.key < $1.key }.map { path, entry in
            var row: [(String, SettingsTree)] = [
                ("file", .text(path)), ("size", .integer(entry.stamp.size)),
                ("modified_ns", .integer(entry.stamp.modifiedNanoseconds)), ("sha256", .text(entry.sha256)),
            ]
            switch entry.content {
            case .plugins(let descriptors): row.append(("plugins", .list(descriptors.map(\.tree))))
            case .refused(let reason): row.append(("refused", .text(reason)))
            case .foreign: break
            }
            return SettingsTree.map(row)
        }
        let tree = SettingsTree.map([
            ("format", .integer(Self.format)), ("abi", .text(Self.abi)),
            ("extensions", .text(HostExtension.fingerprint)), ("libraries", .list(rows)),
        ])
        let temporary = "\(file).\(getpid())"
        let output = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard output >= 0 else { return }
        let bytes = tree.json() + [0x0a]
        let written = bytes.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
        close(output)
        if written != bytes.count || rename(temporary, file) != 0 { unlink(temporary) }
    }
}
