/// Reads a text as one YAML document into a tree with a place for every key and value.
///
/// Takes the part of YAML that configurations need: no tags, no merge keys, no keys that are not text, one document.
/// Everything wrong is reported with its place. Traps that people walk into again and again are recognised, reported in words,
/// stepped over (what stood there becomes `.invalid`) and reading goes on, so that one run shows all of them.
struct YAMLReader {
    /// Levels of lists and maps.
    static let deepest = 64
    /// Values that aliases may add to what is written.
    static let mostFromAliases = 10_000
    /// Traps that are stepped over; a file with more of them is something else.
    private static let mostPatches = 25

    private let source: SourceText
    private let problems: Problems
    private let path: String
    private var input: [UInt8]
    /// Where the input differs from the source.
    private var patched: [SourceSpan] = []
    private var anchors: [String: (node: YAMLNode, size: Int)] = [:]
    private var fromAliases = 0
    private var depth = 0
    private enum Halt: Error {
        case fault(YAMLFault)
        /// Reading cannot go on, and why has been reported.
        case stop
    }
    private var scalarSpans: [SourceSpan] = []

    /// - Parameters:
    ///   - source: what places refer to.
    ///   - input: what is read instead of the source's bytes, of the same lines and columns.
    ///   - path: put before messages; empty for a file.
    init(_ source: SourceText, input: [UInt8]? = nil, path: String = "", problems: Problems) {
        self.source = source
        self.problems = problems
        self.path = path
        self.input = input ?? source.bytes
    }

    /// The document's root; `nil` if it could not be read to its end, or if it is empty.
    mutating func read() -> YAMLNode? {
        while true {
            anchors = [:]
            fromAliases = 0
            depth = 0
            scalarSpans = []
            let mark = problems.mark
            do throws(Halt) {
                let root = try parse()
                YAMLTabs.check(source, scalars: scalarSpans, problems)
                return root
            } catch {
                guard case .fault(let fault) = error else { return nil }
                problems.takeBack(to: mark)
                let trap = YAMLTrap(fault, in: source, input: input)
                for span in trap.spans {
                    problems.report(span, path, trap.message, related: trap.related)
                }
                guard let patch = trap.patch, patched.count < YAMLReader.mostPatches else { return nil }
                patched.append(patch.span)
                input.replaceSubrange(patch.bytes, with: patch.replacement)
            }
        }
    }

    private mutating func parse() throws(Halt) -> YAMLNode? {
        // The buffer lives on the heap and is not touched while libyaml reads it.
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: input.count)
        _ = buffer.initialize(from: input)
        defer { buffer.deallocate() }
        var events = YAMLEventReader(UnsafeBufferPointer(buffer), source: source)
        var root: YAMLNode?
        var isFirst = true
        while true {
            let event = try next(&events)
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .streamEnd: return root
            case .documentStart:
                guard isFirst else {
                    problems.report(
                        SourceSpan(source, line: event.span.line, column: event.span.column, length: 3), path,
                        "a second document begins here; the hub reads one document a file: delete the '---'")
                    throw .stop
                }
                isFirst = false
            default:
                root = try node(event, &events)
            }
        }
    }

    private func next(_ events: inout YAMLEventReader) throws(Halt) -> YAMLEvent {
        do throws(YAMLFault) { return try events.next() } catch { throw .fault(error) }
    }

    private mutating func node(_ event: YAMLEvent, _ events: inout YAMLEventReader) throws(Halt)
        -> YAMLNode
    {
        if event.tag != nil {
            let span = SourceSpan(
                source, line: event.span.line, column: event.span.column, length: max(tagLength(event), 1))
            problems.report(
                span, path,
                "a tag (\(PathText.shortened(YAMLTrap.text(span)))); the hub takes types from its own reference: delete the tag, or quote the value"
            )
        }
        var result: YAMLNode
        switch event.kind {
        case .alias(let name): return try alias(name, event.span)
        case .scalar(let scalar):
            let isPatched = patched.contains { $0.touches(event.span) }
            if event.tag == nil { scalarSpans.append(event.span) }
            result = YAMLNode(
                content: isPatched || event.tag != nil ? .invalid : .scalar(scalar), span: event.span)
        case .listStart:
            try enter(event.span)
            result = YAMLNode(content: .list(try list(event, &events)), span: event.span)
            depth -= 1
        default:
            try enter(event.span)
            let entries = try map(event, &events)
            result = YAMLNode(content: entries.map { .map($0) } ?? .invalid, span: event.span)
            depth -= 1
        }
        if event.tag != nil, event.scalarText == nil { result.content = .invalid }
        if let anchor = event.anchor { anchors[anchor] = (result, result.nodeCount) }
        return result
    }

    /// The columns of `!tag` as it is written, up to the next blank.
    private func tagLength(_ event: YAMLEvent) -> Int {
        source.scalars(event.span.line).dropFirst(event.span.column - 1).prefix {
            $0 != " " && $0 != "," && $0 != "]"
        }
        .count
    }

    private mutating func enter(_ span: SourceSpan) throws(Halt) {
        depth += 1
        guard depth <= YAMLReader.deepest else {
            problems.report(
                SourceSpan(source, line: span.line, column: span.column), path,
                "more than \(YAMLReader.deepest) levels of lists and maps")
            throw .stop
        }
    }

    private mutating func alias(_ name: String, _ span: SourceSpan) throws(Halt) -> YAMLNode {
        guard let (node, size) = anchors[name] else {
            let known = Suggestion.sentence(name, among: anchors.keys.sorted())
            problems.report(
                span, path,
                "'*' first in an unquoted value refers to an anchor, and there is no '&\(name)' before it"
                    + (known.isEmpty ? "; if a glob is meant, quote it: \"*\(name)\"" : known))
            return YAMLNode(content: .invalid, span: span)
        }
        fromAliases += size
        guard fromAliases <= YAMLReader.mostFromAliases else {
            problems.report(
                span, path,
                "with this alias, anchors expand to more than \(YAMLReader.mostFromAliases) values")
            throw .stop
        }
        // Complaints about the value as a whole point at the alias, those about its parts into the anchor.
        return YAMLNode(content: node.content, span: span)
    }

    private mutating func list(_ start: YAMLEvent, _ events: inout YAMLEventReader) throws(Halt)
        -> [YAMLNode]
    {
        var items: [YAMLNode] = []
        while true {
            let event = try next(&events)
            if case .listEnd = event.kind { break }
            items.append(try node(event, &events))
        }
        return start.isFlow ? YAMLTrap.rejoin(items, in: source, path, problems) : items
    }

    /// `nil` where something was to be merged in, so that nobody knows what the map should have held.
    private mutating func map(_ start: YAMLEvent, _ events: inout YAMLEventReader) throws(Halt)
        -> [YAMLEntry]?
    {
        var entries: [YAMLEntry] = []
        var isWhole = true
        var places: [String: SourceSpan] = [:]
        while true {
            let event = try next(&events)
            if case .mapEnd = event.kind { break }
            let keyNode = try node(event, &events)
            let value = try node(try next(&events), &events)
            guard case .scalar(let key) = keyNode.content else {
                if case .invalid = keyNode.content { continue }
                problems.report(keyNode.span, path, "a key must be a text, not \(keyNode.kindInWords)")
                continue
            }
            if key.text == "<<", key.style == .plain {
                problems.report(
                    keyNode.span, path,
                    "a merge key (<<); the hub does not merge maps: repeat the keys, or refer to a whole value with *NAME"
                )
                isWhole = false
                continue
            }
            if let first = places[key.text] {
                problems.report(
                    keyNode.span, path, "the key '\(key.text)' occurs twice in this map; keep one of the two",
                    related: [(first, "it is first here")])
                continue
            }
            places[key.text] = keyNode.span
            entries.append(YAMLEntry(key: key.text, keySpan: keyNode.span, value: value))
        }
        guard isWhole else { return nil }
        return start.isFlow ? YAMLTrap.repair(entries, in: source, path, problems) : entries
    }
}

extension YAMLEvent {
    fileprivate var scalarText: String? {
        if case .scalar(let scalar) = kind { scalar.text } else { nil }
    }
}

extension YAMLNode {
    /// Values in it, itself included.
    fileprivate var nodeCount: Int {
        switch content {
        case .scalar, .invalid: 1
        case .list(let items): items.reduce(1) { $0 + $1.nodeCount }
        case .map(let entries): entries.reduce(1) { $0 + 1 + $1.value.nodeCount }
        }
    }
}

extension SourceSpan {
    /// Whether they overlap or meet; what is empty meets what it stands beside.
    func touches(_ other: SourceSpan) -> Bool {
        (line, column) <= (other.endLine, other.endColumn)
            && (other.line, other.column) <= (endLine, endColumn)
    }
}
