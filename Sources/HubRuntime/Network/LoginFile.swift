import Crypto
import Glibc
import HubModel
import Synchronization

/// The credentials that logins of one provider brought: in memory, and in a file of the data folder that only its owner can
/// read, where the operator lets it.
final class LoginFile: Sendable {
    struct Credential: Equatable {
        var text: String
        /// 0 = not known.
        var expiresNanoseconds: Int64
        /// Of the setting with the same name when it was captured: where the operator has written another one since, that
        /// one is newer.
        var insteadOf: String
    }

    private let path: String?
    private let credentials: Mutex<[String: Credential]>
    private let onProblem: @Sendable (String) -> Void

    /// - Parameter path: `nil` = nothing is written.
    init(path: String?, onProblem: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.onProblem = onProblem
        credentials = Mutex(path.flatMap(Self.read) ?? [:])
    }

    /// - Parameter setting: the setting with the same name; `nil` = whatever it is.
    func credential(_ name: String, insteadOf setting: String?) -> Credential? {
        guard let found = credentials.withLock({ $0[name] }) else { return nil }
        if let setting, !setting.isEmpty, found.insteadOf != Self.digest(setting) { return nil }
        return found
    }

    /// All of them, as they are.
    var texts: [String] { credentials.withLock { $0.values.map(\.text) } }

    func keep(_ name: String, _ text: String, expiresNanoseconds: Int64, insteadOf setting: String?) {
        change {
            $0[name] = Credential(
                text: text, expiresNanoseconds: expiresNanoseconds, insteadOf: setting.map(Self.digest) ?? "")
        }
    }

    func forget(_ name: String) {
        guard credentials.withLock({ $0[name] != nil }) else { return }
        change { $0[name] = nil }
    }

    private static func digest(_ text: String) -> String {
        text.isEmpty ? "" : String(Hexadecimal.text(SHA256.hash(data: Array(text.utf8))).prefix(16))
    }

    private func change(_ body: (inout [String: Credential]) -> Void) {
        credentials.withLock { credentials in
            body(&credentials)
            guard let path else { return }
            let tree = SettingsTree.map(
                credentials.sorted { $0.key < $1.key }.map { name, credential in
                    (
                        name,
                        .map([
                            ("value", .text(credential.text)), ("expires_ns", .integer(credential.expiresNanoseconds)),
                            ("instead_of", .text(credential.insteadOf)),
                        ])
                    )
                })
            if !Self.write(tree.json(), to: path) {
                onProblem(
                    "the login cannot be kept in \(path) (\(String(cString: strerror(errno)))): it is lost at the next start"
                )
            }
        }
    }

    private static func read(_ path: String) -> [String: Credential]? {
        guard let file = try? FileBytes.read(path), let tree = try? SettingsTree(json: file.bytes) else { return nil }
        var found: [String: Credential] = [:]
        for (name, entry) in tree.mapValue ?? [] {
            guard let text = entry["value"]?.textValue else { continue }
            found[name] = Credential(
                text: text, expiresNanoseconds: entry["expires_ns"]?.integerValue ?? 0,
                insteadOf: entry["instead_of"]?.textValue ?? "")
        }
        return found
    }

    /// Whole or not at all, and never readable by others, not even for a moment.
    private static func write(_ bytes: [UInt8], to path: String) -> Bool {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if mkdir(folder, 0o700) != 0, errno != EEXIST { return false }
        let temporary = path + ".tmp"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress! + offset, $0.count - offset) }
            if count < 0 {
                if errno == EINTR { continue }
                break
            }
            offset += count
        }
        let isWhole = offset == bytes.count && fsync(file) == 0
        close(file)
        return isWhole && rename(temporary, path) == 0
    }
}
