/// Files of `NAME=value` lines. `#` begins a comment line; a pair of quotes around a value is taken off.
enum EnvironmentFile {
    static func read(_ source: SourceText, into expander: Expander, _ problems: Problems) {
        for number in 1...source.lineCount {
            let line = source.line(number)
            var text = line.drop { $0 == " " || $0 == "\t" }
            if text.isEmpty || text.first == "#" { continue }
            if text.hasPrefix("export ") { text = text.dropFirst(7).drop { $0 == " " } }
            let span = SourceSpan(source, wholeLine: number)
            guard let equals = text.firstIndex(of: "=") else {
                // What stands there may be half a secret.
                problems.hide(span)
                problems.report(span, "", "expected NAME=value, but there is no '=' in this line")
                continue
            }
            let name = text[..<equals]
            let isName =
                name.first.map { $0 == "_" || $0.isASCII && $0.isLetter } ?? false
                && name.allSatisfy { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
            var secret = span
            secret.column = line.unicodeScalars.count - text[equals...].unicodeScalars.count + 2
            problems.hide(secret)
            guard isName else {
                problems.hide(span)
                problems.report(
                    span, "", "the name of a variable is A-Z a-z 0-9 _ and does not begin with a digit")
                continue
            }
            var value = text[text.index(after: equals)...]
            while value.last == " " || value.last == "\t" || value.last == "\r" { value.removeLast() }
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'",
                value.last == quote
            {
                value = value.dropFirst().dropLast()
            }
            expander.learn(String(name), String(value))
        }
    }
}
