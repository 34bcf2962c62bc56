/// Looking at lines without knowing where a value begins: good enough to say what was probably meant.
extension YAMLTrap {
    static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    /// What a span of one line covers.
    static func text(_ span: SourceSpan) -> String {
        let scalars = span.source.scalars(span.line)
        let start = min(span.column - 1, scalars.count)
        return string(scalars[start..<max(start, min(span.endColumn - 1, scalars.count))])
    }

    /// `: "text"`, how a value would be quoted; empty where it may be a secret.
    static func quoting(_ span: SourceSpan) -> String {
        let plain = text(span)
        let shown = SecretMask.masked(span.source.scalars(span.line), hidden: []).unicodeScalars
        let isShowable =
            shown.count >= span.endColumn - 1
            && string(shown.dropFirst(span.column - 1).prefix(plain.unicodeScalars.count)) == plain
        return isShowable && !plain.contains("\"") ? ": \"\(PathText.shortened(plain))\"" : ""
    }

    /// From a place to the next blank, comma or closing bracket.
    static func word(_ source: SourceText, line: Int, column: Int) -> SourceSpan {
        let scalars = source.scalars(line)
        var end = column
        while end < scalars.count, !" ,]}".unicodeScalars.contains(scalars[end]) { end += 1 }
        return SourceSpan(source, line: line, column: column, endLine: line, endColumn: end + 1)
    }

    /// The column where the unquoted word that covers a column begins.
    static func wordStart(_ scalars: [Unicode.Scalar], column: Int) -> Int {
        var start = min(column - 1, scalars.count)
        while start > 0, !" ,[{".unicodeScalars.contains(scalars[start - 1]) { start -= 1 }
        return start + 1
    }

    /// The first `:` that a blank follows.
    static func colon(_ scalars: [Unicode.Scalar], from: Int, to: Int) -> Int? {
        guard from < min(to, scalars.count) else { return nil }
        return (from..<min(to, scalars.count)).first { index in
            scalars[index] == ":" && (index + 1 == scalars.count || scalars[index + 1] == " ")
        }
    }

    /// The `:` of `name:value`, where nothing separates the two.
    static func unspacedColon(_ scalars: [Unicode.Scalar], from start: Int) -> Int? {
        guard start < scalars.count, ("a"..."z").contains(scalars[start]),
            let colon = scalars[start...].firstIndex(of: ":"), colon + 1 < scalars.count,
            scalars[colon + 1] != " "
        else { return nil }
        let isName = scalars[start..<colon].allSatisfy { scalar in
            ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-"
        }
        return isName ? colon : nil
    }

    static func valueSpan(_ source: SourceText, line: Int, afterColon colon: Int) -> SourceSpan {
        let scalars = source.scalars(line)
        var start = colon + 1
        while start < scalars.count, scalars[start] == " " { start += 1 }
        var end = scalars.count
        while end > start, scalars[end - 1] == " " { end -= 1 }
        return SourceSpan(source, line: line, column: start + 1, endLine: line, endColumn: end + 1)
    }

    static func isBlankOrComment(_ scalars: [Unicode.Scalar]) -> Bool {
        let first = scalars.first { $0 != " " }
        return first == nil || first == "#"
    }
}

// Traps that are good YAML, but not what was meant.
extension YAMLTrap {
    /// Puts `macd(12`, `26`, `9)` in a list in brackets together again, with a complaint.
    static func rejoin(
        _ items: [YAMLNode], in source: SourceText, _ path: String, _ problems: Problems
    ) -> [YAMLNode] {
        var result: [YAMLNode] = []
        var index = 0
        while index < items.count {
            let last = endOfCall(items, from: index)
            if let last, last > index {
                result.append(
                    split(items[index].span, items[last].span, parts: last - index + 1, path, problems))
                index = last
            } else {
                result.append(items[index])
            }
            index += 1
        }
        return result
    }

    /// The same in a map in braces, and `{listen:8080}`, which YAML takes for a key without a value.
    static func repair(
        _ entries: [YAMLEntry], in source: SourceText, _ path: String, _ problems: Problems
    ) -> [YAMLEntry] {
        var result: [YAMLEntry] = []
        var index = 0
        while index < entries.count {
            var entry = entries[index]
            // `{ o: macd(12,26,9) }` is o: macd(12, then the keys 26 and 9) without values.
            let following = entries[(index + 1)...].prefix { $0.value.isNull }
                .map {
                    YAMLNode(content: .scalar(YAMLScalar(text: $0.key, style: .plain)), span: $0.keySpan)
                }
            if let end = endOfCall([entry.value] + following, from: 0), end > 0 {
                entry.value = split(
                    entry.value.span, following[end - 1].span, parts: end + 1, path, problems)
                index += end
            } else if entry.value.isNull,
                let colon = unspacedColon(Array(entry.key.unicodeScalars), from: 0),
                source.scalars(entry.keySpan.line).dropFirst(entry.keySpan.column - 1).first != "\""
            {
                let key = string(entry.key.unicodeScalars.prefix(colon))
                problems.report(
                    SourceSpan(
                        source, line: entry.keySpan.line, column: entry.keySpan.column, length: colon + 1),
                    path,
                    "a blank is missing after '\(key):'")
                entry.key = key
                entry.value.content = .invalid
            }
            result.append(entry)
            index += 1
        }
        return result
    }

    /// The index of the item that closes the parenthesis which the item at `from` opens.
    private static func endOfCall(_ items: [YAMLNode], from: Int) -> Int? {
        var open = 0
        // No call has more arguments; and a list of nothing but beginnings is not looked through again and again.
        for index in from..<min(items.count, from + 32) {
            guard let scalar = items[index].scalar, scalar.style == .plain else { return nil }
            for byte in scalar.text.utf8 {
                if byte == UInt8(ascii: "(") { open += 1 }
                if byte == UInt8(ascii: ")") { open -= 1 }
            }
            if open <= 0 { return open == 0 ? index : nil }
        }
        return nil
    }

    private static func split(
        _ first: SourceSpan, _ last: SourceSpan, parts: Int, _ path: String, _ problems: Problems
    ) -> YAMLNode {
        var span = first
        span.endLine = last.endLine
        span.endColumn = last.endColumn
        let cure = first.line == last.endLine ? quoting(span) : ""
        problems.report(span, path, "its commas split this value into \(parts); quote it\(cure)")
        return YAMLNode(content: .invalid, span: span)
    }
}

/// Tabs, which YAML allows in some places and the hub in none but quoted texts and comments.
enum YAMLTabs {
    static let message = "a tab; use blanks"

    /// Every line that is indented with a tab, at most 20.
    static func indentations(_ source: SourceText) -> [SourceSpan] {
        var spans: [SourceSpan] = []
        for line in 1...source.lineCount where spans.count < 20 {
            let bytes = source.lineBytes(line)
            let indent = bytes.prefix { $0 == 0x20 || $0 == 0x09 }
            guard indent.count < bytes.count, bytes[indent.endIndex] != UInt8(ascii: "#") else {
                continue
            }
            if let tab = indent.firstIndex(of: 0x09) {
                spans.append(SourceSpan(source, line: line, column: tab - bytes.startIndex + 1))
            }
        }
        return spans
    }

    /// Complains about tabs outside quoted texts and comments, once a line.
    static func check(_ source: SourceText, scalars spans: [SourceSpan], _ problems: Problems) {
        guard source.bytes.contains(0x09) else { return }
        // Scalars come in the order of the text, and so do the places looked at.
        var next = 0
        for line in 1...source.lineCount where source.lineBytes(line).contains(0x09) {
            let scalars = source.scalars(line)
            for (index, scalar) in scalars.enumerated() {
                while next < spans.count, (spans[next].endLine, spans[next].endColumn) <= (line, index + 1) {
                    next += 1
                }
                let covering =
                    next < spans.count && spans[next].contains(line: line, column: index + 1)
                    ? spans[next] : nil
                let isComment =
                    scalar == "#" && covering == nil
                    && (index == 0 || scalars[index - 1] == " " || scalars[index - 1] == "\t")
                if isComment { break }
                if scalar == "\t", covering.map(isPlain) ?? true {
                    problems.report(SourceSpan(source, line: line, column: index + 1), "", message)
                    break
                }
            }
        }
    }

    private static func isPlain(_ span: SourceSpan) -> Bool {
        let first = span.source.scalars(span.line).dropFirst(span.column - 1).first
        return first != "\"" && first != "'" && first != "|" && first != ">"
    }
}
