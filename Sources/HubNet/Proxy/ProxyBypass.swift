/// Hosts that are reached without a proxy: the list of `no_proxy`.
///
/// Entries are divided by commas or spaces: `*` for all, a host (with everything under it, with or without a leading
/// dot), a host with a port, an address, or a network such as `10.0.0.0/8`.
struct ProxyBypass: Hashable, Sendable {
    private var entries: [Substring]

    init(_ text: String) {
        entries = text.lowercased().split { $0 == "," || $0 == " " || $0 == "\t" }
    }

    /// - Parameter host: in small letters, an IPv6 address without brackets.
    func covers(host: String, port: Int) -> Bool {
        entries.contains { covers($0, host: host, port: port) }
    }

    private func covers(_ entry: Substring, host: String, port: Int) -> Bool {
        if entry == "*" { return true }
        if let slash = entry.lastIndex(of: "/") {
            guard let network = Self.address(entry[..<slash]), let address = Self.address(Substring(host)),
                let bits = UInt32(entry[entry.index(after: slash)...]), bits <= 32
            else { return false }
            return bits == 0 || (network ^ address) >> (32 - bits) == 0
        }
        var name = entry
        if name.first == "[" {
            guard let end = name.firstIndex(of: "]") else { return false }
            let rest = name[name.index(after: end)...]
            guard rest.isEmpty || rest == ":\(port)" else { return false }
            return name[name.index(after: name.startIndex)..<end] == host
        }
        if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon {
            guard name[name.index(after: colon)...] == "\(port)" else { return false }
            name = name[..<colon]
        }
        if name.hasPrefix("*.") { name = name.dropFirst(2) }
        if name.first == "." { name = name.dropFirst() }
        guard !name.isEmpty else { return false }
        return host == name || (Self.address(Substring(host)) == nil && host.hasSuffix(".\(name)"))
    }

    private static func address(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part) else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }
}
