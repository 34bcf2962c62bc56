/// Blots secrets out of source lines before anybody sees them. The length of a line stays, so that carets fit.
enum SecretMask {
    /// Parts of a key's name that tell that its value is nobody's business.
    private static let words = [
        "secret", "token", "password", "passwd", "passphrase", "api_key", "apikey", "private_key",
        "credential",
    ]

    static func namesSecret(_ key: some StringProtocol) -> Bool {
        let lower = key.lowercased()
        return words.contains { lower.contains($0) }
    }

    /// The line with all of these column ranges (from 0) blotted out, and whatever looks like a secret written in it.
    static func masked(_ line: [Unicode.Scalar], hidden: [Range<Int>]) -> String {
        var shown = line
        for range in hidden { blot(range, in: &shown) }
        for range in valuesOfSecretKeys(line) { blot(range, in: &shown) }
        for range in passwordsOfAddresses(line) { blot(range, in: &shown) }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: shown)
        return String(text)
    }

    /// References such as `${NAME}` are no secrets, and help to see what is meant; all else in the range goes.
    private static func blot(_ range: Range<Int>, in line: inout [Unicode.Scalar]) {
        var at = max(range.lowerBound, 0)
        let end = min(range.upperBound, line.count)
        while at < end {
            if line[at] == "$", at + 1 < end, line[at + 1] == "{",
                let close = line[at..<end].firstIndex(of: "}")
            {
                // The text after `:-` may be a secret itself.
                let text = (at..<close).first { line[$0] == ":" && line[$0 + 1] == "-" }
                if let text { for index in text + 2..<max(close, text + 2) { line[index] = "*" } }
                at = close + 1
                continue
            }
            if line[at] != " ", line[at] != "\"", line[at] != "'" { line[at] = "*" }
            at += 1
        }
    }

    /// What stands after `api_key:` up to the end of the value.
    private static func valuesOfSecretKeys(_ line: [Unicode.Scalar]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var at = 0
        while at < line.count {
            guard isWordScalar(line[at]) else {
                at += 1
                continue
            }
            let start = at
            while at < line.count, isWordScalar(line[at]) { at += 1 }
            var word = String.UnicodeScalarView()
            word.append(contentsOf: line[start..<at])
            var next = at
            if next < line.count, line[next] == "\"" || line[next] == "'" { next += 1 }
            while next < line.count, line[next] == " " { next += 1 }
            guard next < line.count, line[next] == ":" || line[next] == "=" else { continue }
            guard namesSecret(String(word)) else { continue }
            let value = valueRange(line, from: next + 1)
            if !value.isEmpty { ranges.append(value) }
            at = max(at, value.upperBound)
        }
        return ranges
    }

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar == "_" || scalar == "-"
            || (scalar.value >= 0x30 && scalar.value <= 0x39)
    }

    private static func valueRange(_ line: [Unicode.Scalar], from: Int) -> Range<Int> {
        var start = from
        while start < line.count, line[start] == " " { start += 1 }
        guard start < line.count else { return start..<start }
        if line[start] == "\"" || line[start] == "'" {
            let close = line[(start + 1)...].firstIndex(of: line[start]) ?? line.count
            return start + 1..<max(close, start + 1)
        }
        if line[start] == "{" || line[start] == "[" || line[start] == "|" || line[start] == ">" {
            return start..<start
        }
        var end = start
        var braces = 0
        while end < line.count {
            if line[end] == "{" { braces += 1 }
            if line[end] == "}" {
                if braces == 0 { break }
                braces -= 1
            }
            if braces == 0, line[end] == "," || line[end] == "]" { break }
            end += 1
        }
        return start..<end
    }

    /// `password` in `scheme://user:password@host`.
    private static func passwordsOfAddresses(_ line: [Unicode.Scalar]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var at = 0
        while at + 2 < line.count {
            guard line[at] == ":", line[at + 1] == "/", line[at + 2] == "/" else {
                at += 1
                continue
            }
            let start = at + 3
            let end = line[start...].firstIndex { $0 == " " || $0 == "\"" || $0 == "'" } ?? line.count
            if let sign = line[start..<end].lastIndex(of: "@"),
                let colon = line[start..<sign].firstIndex(of: ":")
            {
                ranges.append(colon + 1..<sign)
            }
            at = max(end, start)
        }
        return ranges
    }
}
