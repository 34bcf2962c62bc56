import Crypto
import HubConfig
import HubModel
import Synchronization

/// The credentials of one provider, and the tokens its plugin knows in their place.
///
/// A token is `HUBSECRET` and 22 letters and digits, made anew at each start. It turns into what it stands for only on the
/// way out, and only towards hosts that the plugin declared or the operator wrote into its settings.
package final class SecretBook: Sendable {
    /// Where a token stands: what it turns into is escaped as the place needs it.
    enum Place {
        /// Percent-encoded, in the path, the query, or a form.
        case url
        /// As it is; what has control characters is refused.
        case header
        /// Inside a text of a JSON document.
        case json
        case raw
    }

    struct Refusal: Error, Equatable {
        var text: String
    }

    private enum Meaning {
        case text(String)
        /// Worked out when it is put in place, since parts may change.
        case derived(Derivation, [String])
        /// What was captured under a name, whatever it is by then.
        case kept(String)
    }

    enum Derivation: UInt32 {
        case sha256 = 1
        case hmacSHA256 = 2
        case basic = 3
    }

    private struct State {
        var meanings: [String: Meaning] = [:]
        var settings: [String: String] = [:]
        var kept: [String: String] = [:]
        var derived: [String: String] = [:]
        /// In the order they were minted: what a login brought is forgotten again.
        var passing: [String] = []
    }

    private let state = Mutex(State())
    private let changeCount = Atomic<Int>(0)
    private let settings: PluginSettings
    /// Lower-case host names it may be spliced for.
    private let hosts: Set<String>
    private let logins: LoginFile
    /// The plugin says that it needs secrets in the open.
    private let isOpen: Bool

    static let prefix = "HUBSECRET"
    private static let digits = 22
    /// Tokens of one login at most; older ones are forgotten.
    private static let mostPassing = 64

    /// - Parameter hosts: of the plugin's descriptor. Those of URLs in the settings count, too.
    init(settings: PluginSettings, hosts: [String], logins: LoginFile, isOpen: Bool = false) {
        self.settings = settings
        self.isOpen = isOpen
        self.logins = logins
        self.hosts = Set(hosts.map { $0.lowercased() } + Self.hosts(of: settings.tree))
    }

    private static func hosts(of tree: SettingsTree) -> [String] {
        switch tree {
        case .text(let text): host(of: text).map { [$0] } ?? []
        case .list(let items): items.flatMap(hosts)
        case .map(let entries): entries.flatMap { hosts(of: $0.1) }
        default: []
        }
    }

    /// The host of a URL, in small letters; `nil` where it is none.
    static func host(of url: String) -> String? {
        guard let scheme = ["https://", "http://", "wss://", "ws://"].first(where: url.lowercased().hasPrefix) else {
            return nil
        }
        var host = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        if host.first == "[" { return host.firstIndex(of: "]").map { String(host[...$0]).lowercased() } }
        return String(host.prefix { $0 != ":" }).lowercased()
    }

    // MARK: What plugins ask for

    /// The token for a setting, `nil` where it is no secret or not there.
    func token(ofSetting pointer: String) -> String? {
        guard !isOpen, settings.secrets.contains(pointer), let secret = settings.text(pointer) else { return nil }
        // An empty secret is no secret, and plugins can see that it is not there.
        guard !secret.isEmpty else { return "" }
        return state.withLock { state in
            if let known = state.settings[pointer] { return known }
            let token = Self.mint()
            state.settings[pointer] = token
            state.meanings[token] = .text(secret)
            return token
        }
    }

    /// A token for what is worked out of texts and tokens; the same for the same.
    func derive(_ how: Derivation, _ parts: [String]) -> String {
        defer { changeCount.add(1, ordering: .releasing) }
        return state.withLock { state in
            let key = "\(how.rawValue)\u{0}" + parts.joined(separator: "\u{0}")
            if let known = state.derived[key] { return known }
            let token = Self.mint()
            // A plugin that derives for every login must not fill the memory.
            if state.derived.count >= 256 {
                for old in state.derived.values { state.meanings[old] = nil }
                state.derived = [:]
            }
            state.derived[key] = token
            state.meanings[token] = .derived(how, parts)
            return token
        }
    }

    /// A token for what came by and is of no lasting use: what a browser brought back.
    func pass(_ text: String) -> String {
        defer { changeCount.add(1, ordering: .releasing) }
        return state.withLock { state in
            let token = Self.mint()
            state.meanings[token] = .text(text)
            state.passing.append(token)
            if state.passing.count > Self.mostPassing { state.meanings[state.passing.removeFirst()] = nil }
            return token
        }
    }

    /// The token of what was captured under a name, and when it ends.
    func kept(_ name: String) -> (token: String, expiresNanoseconds: Int64)? {
        guard let login = logins.credential(name, insteadOf: settings.text("/\(name)")) else { return nil }
        return (keptToken(name), login.expiresNanoseconds)
    }

    private func keptToken(_ name: String) -> String {
        state.withLock { state in
            if let known = state.kept[name] { return known }
            let token = Self.mint()
            state.kept[name] = token
            state.meanings[token] = .kept(name)
            return token
        }
    }

    /// Keeps a credential under a name and gives its token.
    func capture(_ name: String, _ text: String, expiresNanoseconds: Int64) -> String {
        logins.keep(name, text, expiresNanoseconds: expiresNanoseconds, insteadOf: settings.text("/\(name)"))
        changeCount.add(1, ordering: .releasing)
        return keptToken(name)
    }

    func forget(_ name: String) { logins.forget(name) }

    // MARK: What must not be told

    /// Grows whenever a text is added to those in the open.
    var changes: Int { changeCount.load(ordering: .acquiring) }

    /// Everything that is a secret, as it is: for who keeps it out of what is written.
    func inTheOpen() -> [String] {
        let configured = settings.secrets.compactMap { settings.text($0) } + Self.passwords(of: settings.tree)
        let tokens = state.withLock { Array($0.meanings.keys) }
        let revealed = tokens.compactMap { token in (try? reveal(token, depth: 0)) ?? nil }
        return configured + logins.texts + revealed
    }

    /// A text as it may stand in an address, in a JSON text, and as it is.
    static func forms(of text: String) -> [String] {
        [.raw, .url, .json].compactMap { (place: Place) in try? escaped(text, place) }
    }

    private static func passwords(of tree: SettingsTree) -> [String] {
        switch tree {
        case .text(let text):
            guard let start = text.firstIndex(of: ":"), text[start...].hasPrefix("://") else { return [] }
            let authority = text[start...].dropFirst(3).prefix { $0 != "/" && $0 != "?" }
            guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
                return []
            }
            return [String(authority[..<at][colon...].dropFirst())]
        case .list(let items): return items.flatMap(passwords)
        case .map(let entries): return entries.flatMap { passwords(of: $0.1) }
        default: return []
        }
    }

    // MARK: On the way out

    /// Whether secrets may be sent to the host of a URL.
    func trusts(_ url: String) -> Bool { Self.host(of: url).map { hosts.contains($0) } ?? false }

    static func hasToken(_ text: String) -> Bool { text.contains(prefix) }

    /// Puts what tokens stand for in their place. What looks like a token and is none stays.
    func splice(_ text: String, _ place: Place) throws(Refusal) -> String {
        guard Self.hasToken(text) else { return text }
        var result = ""
        var rest = text[...]
        while let at = rest.range(of: Self.prefix) {
            let end = rest.index(at.upperBound, offsetBy: Self.digits, limitedBy: rest.endIndex) ?? rest.endIndex
            let token = String(rest[at.lowerBound..<end])
            result += rest[..<at.lowerBound]
            if let secret = try reveal(token, depth: 0) {
                result += try Self.escaped(secret, place)
            } else {
                result += token
            }
            rest = rest[end...]
        }
        return result + rest
    }

    private func reveal(_ token: String, depth: Int) throws(Refusal) -> String? {
        guard let meaning = state.withLock({ $0.meanings[token] }) else { return nil }
        switch meaning {
        case .text(let text): return text
        case .kept(let name):
            guard let login = logins.credential(name, insteadOf: nil) else {
                throw Refusal(text: "the login that '\(name)' came from is over")
            }
            return login.text
        case .derived(let how, let parts):
            guard depth < 4 else { throw Refusal(text: "a secret is derived from itself") }
            var revealed: [String] = []
            for part in parts { revealed.append(try reveal(part, depth: depth + 1) ?? part) }
            return Self.derived(how, revealed)
        }
    }

    private static func derived(_ how: Derivation, _ parts: [String]) -> String {
        switch how {
        case .sha256: return Hexadecimal.text(SHA256.hash(data: Array(parts.joined().utf8)))
        case .hmacSHA256:
            let key = SymmetricKey(data: Array((parts.first ?? "").utf8))
            return Hexadecimal.text(
                HMAC<SHA256>.authenticationCode(for: Array(parts.dropFirst().joined().utf8), using: key))
        case .basic: return Base64Text.encode(Array(parts.joined(separator: ":").utf8))
        }
    }

    private static func escaped(_ secret: String, _ place: Place) throws(Refusal) -> String {
        switch place {
        case .raw: return secret
        case .header:
            guard secret.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
                throw Refusal(text: "a secret has line ends or control characters and cannot go into a header")
            }
            return secret
        case .json:
            let quoted = String(decoding: SettingsTree.text(secret).json(), as: UTF8.self)
            return String(quoted.dropFirst().dropLast())
        case .url:
            var result = ""
            for byte in secret.utf8 {
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "~"):
                    result.unicodeScalars.append(Unicode.Scalar(byte))
                default: result += "%" + Hexadecimal.text(byte).uppercased()
                }
            }
            return result
        }
    }

    private static func mint() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        return prefix + String((0..<digits).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
    }
}

extension Substring {
    /// Where a text first stands in this one.
    fileprivate func range(of text: String) -> Range<Index>? {
        var at = startIndex
        while let next = self[at...].utf8.firstIndex(of: text.utf8.first ?? 0) {
            if self[next...].hasPrefix(text) { return next..<index(next, offsetBy: text.count) }
            at = index(after: next)
        }
        return nil
    }
}

/// Base64 as HTTP's basic credentials have it.
enum Base64Text {
    static func encode(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var value = 0
            for index in 0..<3 { value = value << 8 | (index < group.count ? Int(group[start + index]) : 0) }
            for index in 0..<4 {
                text.append(index <= group.count ? letters[value >> (18 - 6 * index) & 63] : "=")
            }
        }
        return text
    }
}
