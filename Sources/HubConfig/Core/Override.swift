/// `--set path=value`: one value of the tree, replaced from the command line.
///
/// A path is keys with points between them; other keys stand in brackets: `levels["providers.upstox"]`, `from[0]`. The value is
/// YAML. It belongs to the file: relative paths in it start in the file's folder.
enum Override {
    private enum Step {
        case key(String, SourceSpan)
        case index(Int, SourceSpan)
    }

    static func apply(
        _ argument: String, number: Int, folder: String, to root: inout YAMLNode, _ problems: Problems
    ) {
        let source = SourceText(
            name: "--set #\(number)", folder: folder, origin: .override(number),
            bytes: Array(argument.utf8))
        guard SourceScan.check(source, problems) else { return }
        let scalars = source.scalars(1)
        guard let (steps, equals) = steps(scalars, source) else {
            problems.report(
                SourceSpan(source, line: 1, column: 1, length: max(scalars.count, 1)), "",
                "expected path=value, such as pipelines.us.enabled=false")
            return
        }
        // The path becomes blanks, so that places in the value are places in the argument.
        let path = YAMLTrap.string(scalars[..<equals]).utf8.count + 1
        let input =
            [UInt8](repeating: UInt8(ascii: " "), count: equals + 1) + source.bytes.dropFirst(path)
        var reader = YAMLReader(source, input: input, path: "", problems: problems)
        let mark = problems.mark
        let value = reader.read()
        if value == nil, problems.mark != mark { return }
        let end = SourceSpan(source, line: 1, column: min(equals + 2, scalars.count + 1))
        let empty = YAMLNode(content: .scalar(YAMLScalar(text: "", style: .plain)), span: end)
        set(value ?? empty, steps[...], in: &root, "", problems)
    }

    private static func steps(_ scalars: [Unicode.Scalar], _ source: SourceText) -> (
        steps: [Step], equals: Int
    )? {
        var steps: [Step] = []
        var at = 0
        while at < scalars.count {
            let start = at
            if scalars[at] == "[" {
                guard let (step, next) = bracketed(scalars, at, source) else { return nil }
                steps.append(step)
                at = next
            } else {
                while at < scalars.count, !".[=".unicodeScalars.contains(scalars[at]) { at += 1 }
                guard at > start else { return nil }
                let span = SourceSpan(source, line: 1, column: start + 1, length: at - start)
                steps.append(.key(YAMLTrap.string(scalars[start..<at]), span))
            }
            guard at < scalars.count else { return nil }
            if scalars[at] == "=" { return (steps, at) }
            if scalars[at] == "." { at += 1 }
        }
        return nil
    }

    /// `[0]`, `["a.b"]`, `['a.b']`, `[a.b]`
    private static func bracketed(
        _ scalars: [Unicode.Scalar], _ open: Int, _ source: SourceText
    ) -> (step: Step, next: Int)? {
        var start = open + 1
        guard start < scalars.count else { return nil }
        let end: Int
        let next: Int
        if scalars[start] == "\"" || scalars[start] == "'" {
            guard let quote = scalars[(start + 1)...].firstIndex(of: scalars[start]),
                quote + 1 < scalars.count,
                scalars[quote + 1] == "]"
            else { return nil }
            start += 1
            end = quote
            next = quote + 2
        } else {
            guard let close = scalars[start...].firstIndex(of: "]") else { return nil }
            end = close
            next = close + 1
            if let index = Int(YAMLTrap.string(scalars[start..<end])), index >= 0 {
                return (
                    .index(index, SourceSpan(source, line: 1, column: open + 1, length: next - open)), next
                )
            }
        }
        guard end > start else { return nil }
        let span = SourceSpan(source, line: 1, column: start + 1, length: end - start)
        return (.key(YAMLTrap.string(scalars[start..<end]), span), next)
    }

    private static func set(
        _ value: YAMLNode, _ steps: ArraySlice<Step>, in node: inout YAMLNode, _ path: String,
        _ problems: Problems
    ) {
        guard let step = steps.first else {
            node = value
            return
        }
        switch step {
        case .key(let key, let span):
            if node.isNull { node = YAMLNode(content: .map([]), span: span) }
            guard case .map(var entries) = node.content else {
                problems.report(
                    span, path, "is \(node.kindInWords), and has no key '\(PathText.shortened(key))'")
                return
            }
            let path = PathText.key(path, key)
            if let at = entries.firstIndex(where: { $0.key == key }) {
                set(value, steps.dropFirst(), in: &entries[at].value, path, problems)
            } else {
                var made = YAMLNode(content: .scalar(YAMLScalar(text: "", style: .plain)), span: span)
                set(value, steps.dropFirst(), in: &made, path, problems)
                entries.append(YAMLEntry(key: key, keySpan: span, value: made))
            }
            node.content = .map(entries)
        case .index(let index, let span):
            guard case .list(var items) = node.content else {
                problems.report(span, path, "is \(node.kindInWords), not a list")
                return
            }
            guard index <= items.count else {
                problems.report(
                    span, path, "has \(items.count) item\(items.count == 1 ? "" : "s"), counted from 0")
                return
            }
            if index == items.count {
                items.append(YAMLNode(content: .scalar(YAMLScalar(text: "", style: .plain)), span: span))
            }
            set(value, steps.dropFirst(), in: &items[index], PathText.index(path, index), problems)
            node.content = .list(items)
        }
    }
}
