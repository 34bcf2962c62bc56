internal import HubModel

/// Texts that mean something: whether they are what they should be.
enum FormatText {
    private static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// `8/min`, `25/s`, `800/day`
    static func isRate(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, isDigits(parts[0]), Int32(parts[0]) != nil else { return false }
        return ["s", "min", "hour", "day"].contains(parts[1])
    }

    /// `08:30`
    static func isClock(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && isDigits($0) }) else {
            return false
        }
        return Int(parts[0]).map { $0 < 24 } ?? false && Int(parts[1]).map { $0 < 60 } ?? false
    }

    static func symbolReason(_ text: String) -> String? {
        do throws(SymbolError) {
            _ = try Symbol(text)
            return nil
        } catch {
            return reason(error, text)
        }
    }

    static func patternReason(_ text: String) -> String? {
        do throws(SymbolError) {
            _ = try SymbolPattern(text)
            return nil
        } catch {
            return reason(error, text)
        }
    }

    private static func reason(_ error: SymbolError, _ text: String) -> String {
        switch error.fault {
        case .noVenue: "there is no venue before the name"
        case .badVenue:
            text.prefix { $0 != ":" } == "group"
                ? "the name of a group is expected after 'group:'"
                : "the venue is 1 to 12 capital letters and digits, beginning with a letter"
        case .badLength: "the name is 1 to 64 characters"
        case .badCharacter:
            "the name is printable ASCII without , * ? \" \\ / and without blanks at its ends"
        }
    }

    static func isDigest(_ text: String) -> Bool {
        guard let digits = text.withoutPrefix("sha256:"), digits.utf8.count == 64 else { return false }
        return digits.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                true
            default: false
            }
        }
    }

    static func isOrigin(_ text: String) -> Bool {
        if text == "*" { return true }
        guard let rest = text.withoutPrefix("https://") ?? text.withoutPrefix("http://") else {
            return false
        }
        return !rest.isEmpty && !rest.contains("/") && !rest.contains(" ") && !rest.contains("*")
    }

    /// Something with a scheme (RFC 3986).
    static func isAddressOfAnything(_ text: String) -> Bool {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), !text.contains(" ") else {
            return false
        }
        let scheme = text.utf8[..<colon]
        guard let first = scheme.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        else {
            return false
        }
        return scheme.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                true
            default: false
            }
        } && text.utf8.index(after: colon) < text.utf8.endIndex
    }

    /// `HOST:PORT`, `[::1]:8080`, `unix:PATH`
    static func listenAddress(_ text: String, folder: String) -> ListenAddress? {
        if let path = text.withoutPrefix("unix:") {
            return path.isEmpty ? nil : .unix(path: FileBytes.absolute(path, in: folder))
        }
        guard let colon = text.lastIndex(of: ":"), isDigits(text[text.index(after: colon)...]),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            let address = host.dropFirst().dropLast()
            let isAddress =
                address.contains(":")
                && address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." || $0 == "%" }
            return isAddress ? .host(String(address), port: Int(port)) : nil
        }
        let isHost =
            !host.isEmpty
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isHost ? .host(String(host), port: Int(port)) : nil
    }
}
