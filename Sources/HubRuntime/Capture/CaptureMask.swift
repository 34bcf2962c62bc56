import Glibc

/// Puts asterisks in the place of credentials, as many as they have bytes, wherever a vendor repeats one.
struct CaptureMask {
    private let secrets: SecretBook
    private var change = -1
    private var patterns: [[UInt8]] = []

    /// What is shorter would be found everywhere, and protects nothing.
    private static let leastBytes = 4

    init(_ secrets: SecretBook) { self.secrets = secrets }

    /// Learns what became known since.
    mutating func refresh() {
        let change = secrets.changes
        guard change != self.change else { return }
        self.change = change
        var patterns = Set<[UInt8]>()
        for text in secrets.inTheOpen() {
            for form in SecretBook.forms(of: text) where form.utf8.count >= Self.leastBytes {
                patterns.insert(Array(form.utf8))
            }
        }
        // What contains another one goes first.
        self.patterns = patterns.sorted { $0.count > $1.count }
    }

    func apply(to bytes: inout [UInt8], from: Int) {
        for pattern in patterns { Self.blank(pattern, in: &bytes, from: from) }
    }

    private static func blank(_ pattern: [UInt8], in bytes: inout [UInt8], from: Int) {
        var at = from
        while at < bytes.count {
            let found = find(pattern, in: bytes, from: at)
            guard let found else { return }
            for index in found..<(found + pattern.count) { bytes[index] = UInt8(ascii: "*") }
            at = found + pattern.count
        }
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from: Int) -> Int? {
        bytes.withUnsafeBytes { space in
            guard let start = space.baseAddress, let first = pattern.first else { return nil }
            var at = from
            while at + pattern.count <= space.count {
                guard let hit = memchr(start + at, Int32(first), space.count - pattern.count + 1 - at) else {
                    return nil
                }
                at = UnsafeRawPointer(hit) - start
                if memcmp(hit, pattern, pattern.count) == 0 { return at }
                at += 1
            }
            return nil
        }
    }

    /// An address without what may hold a credential: user, query, fragment.
    static func address(_ url: String) -> String {
        let bare = url.prefix { $0 != "?" && $0 != "#" }
        guard let colon = bare.firstIndex(of: ":"), bare[colon...].hasPrefix("://") else { return String(bare) }
        let start = bare.index(colon, offsetBy: 3)
        let host = bare[start...].prefix { $0 != "/" }
        guard let at = host.lastIndex(of: "@") else { return String(bare) }
        return String(bare[..<start] + bare[bare.index(after: at)...])
    }

    /// A text in which the queries of WebSocket addresses are blank: they are good once, and are credentials until then.
    static func withoutOneTimeAddresses(_ body: [UInt8]) -> [UInt8] {
        var bytes = body
        for scheme in ["ws://", "wss://", "ws:\\/\\/", "wss:\\/\\/"].map({ Array($0.utf8) }) {
            var at = 0
            while at < bytes.count {
                let found = find(scheme, in: bytes, from: at)
                guard let found else { break }
                at = found + scheme.count
                var isQuery = false
                while at < bytes.count, bytes[at] > 0x20, bytes[at] != UInt8(ascii: "\""), bytes[at] < 0x7f {
                    if isQuery, bytes[at] != UInt8(ascii: "&"), bytes[at] != UInt8(ascii: "=") {
                        bytes[at] = UInt8(ascii: "*")
                    }
                    if bytes[at] == UInt8(ascii: "?") { isQuery = true }
                    at += 1
                }
            }
        }
        return bytes
    }
}
