public import HubModel

extension Diagnostic: CustomStringConvertible {
    /// As a terminal shows it: place, severity, path and message, then the source line with what is meant underlined.
    ///
    /// ```
    /// hub.yaml:14:7: error: providers.zerodha.settings.acess_token: unknown setting; did you mean 'access_token'?
    ///    14 |       acess_token: "${ZERODHA_ACCESS_TOKEN}"
    ///       |       ^~~~~~~~~~~
    /// ```
    public var description: String {
        var text =
            Diagnostic.header(place, severity.rawValue, path, message) + Diagnostic.excerpt(place)
        for other in related {
            text += "\n" + Diagnostic.header(other.place, Severity.note.rawValue, "", other.message)
            text += Diagnostic.excerpt(other.place)
        }
        return text
    }

    private static func header(_ place: Place, _ severity: String, _ path: String, _ message: String)
        -> String
    {
        var text = place.file
        if place.line > 0, !place.isOverride { text += ":\(place.line):\(place.column)" }
        text += ": \(severity): "
        if !path.isEmpty { text += path + ": " }
        return text + message
    }

    /// Columns of a source line that are shown at most, so that a file of one long line stays readable.
    private static let widest = 150

    private static func excerpt(_ place: Place) -> String {
        guard place.line > 0 else { return "" }
        var shown = place.sourceLine.unicodeScalars.map(printable)
        var caret = max(place.column - 1, 0)
        if shown.count > widest {
            let start = caret > widest * 2 / 3 ? min(caret - widest / 2, shown.count) : 0
            let end = min(start + widest, shown.count)
            let isCut = end < shown.count
            shown = Array(shown[start..<end])
            caret -= start
            if start > 0 {
                shown.insert("…", at: 0)
                caret += 1
            }
            if isCut { shown.append("…") }
        }
        let number = String(place.line)
        let gutter = String(repeating: " ", count: max(5 - number.count, 0))
        let length = max(1, min(place.length, shown.count - caret))
        var line = String.UnicodeScalarView()
        line.append(contentsOf: shown)
        while line.last == " " { line.removeLast() }
        return "\n\(gutter)\(number) | \(String(line))\n"
            + String(repeating: " ", count: max(number.count, 5)) + " | "
            + String(repeating: " ", count: caret) + "^" + String(repeating: "~", count: length - 1)
    }

    /// A terminal is told nothing but printable characters.
    private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.properties.generalCategory {
        case .control where scalar == "\t": " "
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            "\u{fffd}"
        default: scalar
        }
    }
}

extension Sequence where Element == Diagnostic {
    /// All of them as text, each with its source line, and a newline at the end; empty if there are none.
    public func text() -> String { map { $0.description + "\n" }.joined() }

    /// `2 errors, 1 warning`; empty if there is nothing to say.
    public var summary: String {
        let counts = [Diagnostic.Severity.error, .warning, .note].map { severity in
            (severity.rawValue, reduce(0) { $0 + ($1.severity == severity ? 1 : 0) })
        }
        return counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)\($0.1 == 1 ? "" : "s")" }.joined(separator: ", ")
    }

    /// All of them as a JSON list.
    public var json: SettingsTree { .list(map(\.json)) }
}

extension Diagnostic {
    /// `{"severity","file","line","column","length","path","message","source","related":[…]}`, for `hub check --json`; places in
    /// `--set` and files as a whole have no `line` and `column`.
    public var json: SettingsTree {
        var entries: [(String, SettingsTree)] = [("severity", .text(severity.rawValue))]
        entries += Diagnostic.json(of: place)
        entries += [("path", .text(path)), ("message", .text(message))]
        if !related.isEmpty {
            entries.append(
                (
                    "related",
                    .list(
                        related.map { .map(Diagnostic.json(of: $0.place) + [("message", .text($0.message))]) })
                ))
        }
        return .map(entries)
    }

    private static func json(of place: Place) -> [(String, SettingsTree)] {
        var entries: [(String, SettingsTree)] = [("file", .text(place.file))]
        if place.line > 0 {
            if !place.isOverride { entries.append(("line", .integer(Int64(place.line)))) }
            entries += [
                ("column", .integer(Int64(place.column))), ("length", .integer(Int64(place.length))),
                ("source", .text(place.sourceLine)),
            ]
        }
        return entries
    }
}
