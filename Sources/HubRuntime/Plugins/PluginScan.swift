import CHubSystem
import Glibc
import HubModel

/// The child's side of a scan: what the hidden command of the executable runs.
///
/// A library is foreign code: its constructors and its `init` may crash or hang, so they run first in a process that is
/// there for nothing else. One JSON line says which file comes next, another what it holds.
public enum PluginScan {
    /// The name of the hidden command.
    public static let command = "plugin-scan"

    /// Examines files in order, tells each result on standard output as soon as it is there, and ends the process.
    public static func runChild(paths: [String]) -> Never {
        let output = hub_claim_output()
        guard output >= 0 else { _exit(1) }
        // The parent ends a child that hangs; this is for a parent that is no more.
        alarm(UInt32(60 + 60 * paths.count))
        for path in paths {
            say(.map([("file", .text(path)), ("begins", .bool(true))]), to: output)
            var entries: [(String, SettingsTree)] = [("file", .text(path))]
            do {
                let library = try PluginLibrary.open(path)
                library.leave()
                entries.append(("sha256", .text(library.sha256)))
                entries.append(("plugins", .list(library.descriptors.map(\.tree))))
            } catch {
                entries.append(("refused", .text(error.reason)))
            }
            say(.map(entries), to: output)
        }
        // No destructors: the results are out, and what a library does at its end is no concern of ours.
        _exit(0)
    }

    private static func say(_ tree: SettingsTree, to output: Int32) {
        let line = tree.json() + [0x0a]
        line.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                let written = write(output, bytes.baseAddress! + at, bytes.count - at)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { _exit(1) }
                at += written
            }
        }
    }
}
