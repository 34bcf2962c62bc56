/// What went wrong where libyaml stopped, in words, and how to read on behind it.
struct YAMLTrap {
    struct Patch {
        /// What becomes `.invalid`.
        var span: SourceSpan
        /// Replaced in the input, scalar by scalar.
        var bytes: Range<Int>
        var replacement: [UInt8]
    }

    private(set) var spans: [SourceSpan]
    private(set) var message: String
    private(set) var related: [(span: SourceSpan, message: String)] = []
    private(set) var patch: Patch?

    init(_ fault: YAMLFault, in source: SourceText, input: [UInt8]) {
        let place = SourceSpan(source, line: fault.line, column: fault.column)
        spans = [place]
        message = fault.context.isEmpty ? fault.problem : "\(fault.problem) \(fault.context)"
        let current = SourceText(name: "", folder: "", bytes: input)
        let line = current.scalars(fault.line)
        let here = fault.column - 1 < line.count ? line[fault.column - 1] : "\n"
        let before = fault.column >= 2 && fault.column - 2 < line.count ? line[fault.column - 2] : "\n"

        if here == "\t"
            || line.prefix(max(fault.column - 1, 0)).prefix(while: { $0 == " " || $0 == "\t" }).contains(
                "\t")
        {
            spans = YAMLTabs.indentations(source)
            if spans.isEmpty { spans = [place] }
            message = YAMLTabs.message
        } else if fault.context == "while scanning an alias" {
            unquoted("*", current, source, line: fault.contextLine, column: fault.contextColumn)
        } else if fault.problem == "found character that cannot start any token" {
            unquoted(here, current, source, line: fault.line, column: fault.column)
        } else if here == "{", before == "$" {
            reference(current, source, line: fault.line, column: fault.column - 1)
        } else if fault.problem == "could not find expected ':'" {
            noColon(current, source, line: fault.contextLine, column: fault.contextColumn)
        } else if fault.problem == "mapping values are not allowed in this context" {
            secondColon(current, source, fault)
        } else if fault.context == "while scanning a quoted scalar"
            || fault.problem == "found unexpected end of stream"
        {
            spans = [
                SourceSpan(source, line: max(fault.contextLine, 1), column: max(fault.contextColumn, 1))
            ]
            message = "the quote that opens here is never closed"
        } else if fault.problem == "found unknown escape character" {
            message =
                "an unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"
        } else if fault.problem.hasPrefix("did not find expected ','") {
            let isMap = fault.problem.contains("}")
            if before == "'" || before == "\"" {
                message =
                    "something follows a text that has ended; a quote inside a quoted text is doubled: 'don''t'"
                spans = [place]
                return
            }
            message =
                "expected ',' or '\(isMap ? "}" : "]")' here: a comma is missing, or the '\(isMap ? "{" : "[")' is not closed"
            related = [
                (
                    SourceSpan(source, line: fault.contextLine, column: fault.contextColumn),
                    "the \(isMap ? "map" : "list") begins here"
                )
            ]
        } else if fault.problem.hasPrefix("did not find expected") {
            misplaced(current, source, fault)
        } else if fault.problem == "block sequence entries are not allowed in this context" {
            message = "a list item ('- ') begins on a line of its own"
        }
        pointAtSomething(fault, source)
    }

    /// The end of the file shows nothing; where the unfinished thing began does, or the last line that has something.
    private mutating func pointAtSomething(_ fault: YAMLFault, _ source: SourceText) {
        guard spans[0].line > source.lineCount || source.lineBytes(spans[0].line).isEmpty else { return }
        var line = min(spans[0].line, source.lineCount)
        if (1...line).contains(fault.contextLine), !source.lineBytes(fault.contextLine).isEmpty {
            spans = [SourceSpan(source, line: fault.contextLine, column: max(fault.contextColumn, 1))]
            related = []
            return
        }
        while line > 1, YAMLTrap.isBlankOrComment(source.scalars(line)) { line -= 1 }
        spans = [SourceSpan(source, line: line, column: source.scalars(line).count + 1)]
    }

    /// `@home`, `*`, `` `x` ``, `%x`: characters that mean something else at the beginning of a value.
    private mutating func unquoted(
        _ sign: Unicode.Scalar, _ current: SourceText, _ source: SourceText, line: Int, column: Int
    ) {
        let span = YAMLTrap.word(source, line: line, column: column)
        spans = [span]
        let cure = YAMLTrap.quoting(span)
        let role = sign == "*" ? "is YAML's sign for a reference" : "means something else in YAML"
        guard "*@`%".unicodeScalars.contains(sign) else {
            message = "a value cannot begin with '\(sign)'; quote it\(cure)"
            return
        }
        message = "'\(sign)' first in an unquoted value \(role); quote it\(cure)"
        replace(span, in: current)
    }

    /// `${X}` between braces or brackets without quotes.
    private mutating func reference(
        _ current: SourceText, _ source: SourceText, line: Int, column: Int
    ) {
        let scalars = source.scalars(line)
        let start = YAMLTrap.wordStart(scalars, column: column)
        let close = scalars.dropFirst(column - 1).firstIndex(of: "}") ?? min(column, scalars.count - 1)
        var end = close + 1
        while end < scalars.count, !" ,]}".unicodeScalars.contains(scalars[end]) { end += 1 }
        let span = SourceSpan(source, line: line, column: start, length: end - start + 1)
        spans = [span]
        message =
            "inside { } and [ ] the braces of ${…} are read as a map of their own; quote the value\(YAMLTrap.quoting(span))"
        replace(span, in: current)
    }

    /// A line that should be `key: value` and is not.
    private mutating func noColon(_ current: SourceText, _ source: SourceText, line: Int, column: Int) {
        if missingBlank(current, source, line: line) { return }
        spans = [SourceSpan(source, wholeLine: line)]
        message = "expected 'key: value', but there is no ':' in this line"
    }

    private mutating func secondColon(_ current: SourceText, _ source: SourceText, _ fault: YAMLFault) {
        let scalars = current.scalars(fault.line)
        let start = scalars.prefix { $0 == " " || $0 == "-" }.count
        // `a: b: c` has a first colon; a line that continues the one before it has not.
        if let colon = YAMLTrap.colon(scalars, from: start, to: fault.column - 1) {
            let value = YAMLTrap.valueSpan(source, line: fault.line, afterColon: colon)
            spans = [SourceSpan(source, line: fault.line, column: fault.column)]
            message =
                "a second ':' followed by a blank in one unquoted value; quote the value\(YAMLTrap.quoting(value))"
            replace(value, in: current)
            return
        }
        var previous = fault.line - 1
        while previous > 0, YAMLTrap.isBlankOrComment(source.scalars(previous)) { previous -= 1 }
        guard previous > 0 else { return }
        if missingBlank(current, source, line: previous) { return }
        let above = source.scalars(previous)
        let aboveStart = above.prefix { $0 == " " || $0 == "-" }.count
        let span = SourceSpan(
            source, line: fault.line, column: start + 1, length: max(fault.column - start - 1, 1))
        if YAMLTrap.colon(above, from: aboveStart, to: above.count) != nil {
            spans = [span]
            message =
                "this key is indented deeper than the line above, which has a value already; align it with the keys beside it"
        } else {
            spans = [SourceSpan(source, wholeLine: previous)]
            message = "expected 'key: value', but there is no ':' in this line"
        }
    }

    /// `listen:8080`. True if that is it.
    private mutating func missingBlank(_ current: SourceText, _ source: SourceText, line: Int) -> Bool {
        let scalars = current.scalars(line)
        let start = scalars.prefix { $0 == " " || $0 == "-" }.count
        guard let colon = YAMLTrap.unspacedColon(scalars, from: start) else { return false }
        let key = YAMLTrap.string(scalars[start..<colon])
        spans = [SourceSpan(source, line: line, column: start + 1, length: colon - start + 1)]
        message = "a blank is missing after '\(key):'"
        var value = SourceSpan(source, line: line, column: colon + 2, length: scalars.count - colon)
        value.endColumn = scalars.count + 1
        replace(value, in: current)
        if var made = patch {
            // The blank takes the place of the value's first character.
            made.replacement[0] = UInt8(ascii: " ")
            patch = made
        }
        return true
    }

    private mutating func misplaced(_ current: SourceText, _ source: SourceText, _ fault: YAMLFault) {
        let scalars = current.scalars(fault.line)
        let indent = scalars.prefix { $0 == " " }.count
        if fault.contextLine > 0, fault.contextLine != fault.line {
            related = [
                (
                    SourceSpan(source, line: fault.contextLine, column: fault.contextColumn),
                    "the block begins here"
                )
            ]
        }
        if fault.column - 1 > indent {
            let rest = max(scalars.count - fault.column + 1, 1)
            spans = [SourceSpan(source, line: fault.line, column: fault.column, length: rest)]
            related = []
            message =
                "something follows a text that has ended; a quote inside a quoted text is doubled: 'don''t'"
        } else if fault.problem.contains("'-'") {
            spans = [SourceSpan(source, wholeLine: fault.line)]
            message =
                "this line stands in a list, but has no '- ' before it; indent it like the key it belongs to"
        } else if fault.problem.contains("node content") {
            message = "expected a value here"
        } else {
            spans = [SourceSpan(source, wholeLine: fault.line)]
            message =
                "the indentation of this line fits no line above it; use the same number of blanks within a block"
        }
    }

    private mutating func replace(_ span: SourceSpan, in current: SourceText) {
        let start = current.byteOffset(line: span.line, column: span.column)
        let end = current.byteOffset(line: span.line, column: span.endColumn)
        let count = span.endColumn - span.column
        guard start < end, count > 0 else { return }
        patch = Patch(
            span: span, bytes: start..<end,
            replacement: [UInt8](repeating: UInt8(ascii: "x"), count: count))
    }
}
