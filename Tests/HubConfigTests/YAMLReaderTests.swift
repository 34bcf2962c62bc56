import Testing

@testable import HubConfig

@Suite("YAML with places")
struct YAMLReaderTests {
    private func read(_ text: String) -> (node: YAMLNode?, messages: [String]) { read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8]) -> (node: YAMLNode?, messages: [String]) {
        let source = SourceText(name: "t.yaml", folder: "/", bytes: bytes)
        let problems = Problems()
        guard SourceScan.check(source, problems) else {
            return (nil, messages(problems, source))
        }
        var reader = YAMLReader(source, problems: problems)
        let node = reader.read()
        return (node, messages(problems, source))
    }

    private func messages(_ problems: Problems, _ source: SourceText) -> [String] {
        problems.diagnostics(mainFile: source).map { "\($0.place.line):\($0.place.column) \($0.message)" }
    }

    private func entries(_ node: YAMLNode?) -> [YAMLEntry] {
        if case .map(let entries)? = node?.content { entries } else { [] }
    }

    @Test("every key and value knows its line, column, end and style")
    func places() {
        let (node, messages) = read("a: 1\n\"b c\":\n  - 'x'\n  - {d: \"é\", e: |\n      no }\n")
        #expect(messages.count == 1, "a block scalar inside braces is no YAML")
        #expect(node == nil)

        let (good, none) = read("a: 1\n\"b c\":\n  - 'x'\n  - {é: \"y\", e: ~}\nf: >\n  two\n  lines\n")
        #expect(none == [])
        let root = entries(good)
        #expect(root.map(\.key) == ["a", "b c", "f"])
        #expect(root.map(\.keySpan.line) == [1, 2, 5])
        #expect(root.map(\.keySpan.column) == [1, 1, 1])
        #expect(root[0].value.span.column == 4)
        #expect(root[0].value.scalar?.style == .plain)
        #expect(root[2].value.scalar?.style == .block)
        #expect(root[2].value.scalar?.text == "two lines\n")
        guard case .list(let items) = root[1].value.content else {
            Issue.record("b c is a list")
            return
        }
        #expect(items[0].scalar?.style == .singleQuoted)
        #expect((items[0].span.line, items[0].span.column, items[0].span.endColumn) == (3, 5, 8))
        let inner = entries(items[1])
        #expect(inner.map(\.key) == ["é", "e"])
        // Columns count characters, not bytes.
        #expect(inner.map(\.keySpan.column) == [6, 14])
        #expect(inner[0].value.scalar?.style == .doubleQuoted)
        #expect(inner[1].value.isNull)
    }

    @Test("lines are counted alike whatever ends them, and a byte order mark is no character")
    func lineBreaks() {
        for ending in ["\n", "\r\n", "\r"] {
            let (node, messages) = read("\u{feff}a: 1\(ending)# é\(ending)b: 2\(ending)")
            #expect(messages == [])
            #expect(entries(node).map(\.keySpan.line) == [1, 3])
            #expect(entries(node).map(\.keySpan.column) == [1, 1])
        }
    }

    @Test("an alias stands for its anchor's value, in its own place")
    func alias() {
        let (node, messages) = read("x-a: &list [1, 2]\nb: *list\n")
        #expect(messages == [])
        let alias = entries(node)[1].value
        #expect((alias.span.line, alias.span.column) == (2, 4))
        guard case .list(let items) = alias.content else {
            Issue.record("the alias is a list")
            return
        }
        #expect(items.map(\.span.line) == [1, 1])
    }

    @Test("aliases expand to at most 10,000 values")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let (node, messages) = read(text)
        #expect(node == nil)
        #expect(messages.count == 1)
        #expect(messages.first?.contains("more than 10000 values") == true)
        // Just under it is fine.
        let many = Array(repeating: "*a", count: 900).joined(separator: ", ")
        #expect(read("a: &a [x, x, x, x, x, x, x, x, x, x]\nb: [\(many)]\n").messages == [])
    }

    @Test("64 levels are read, 65 are not, and a million opening brackets end quickly")
    func depth() {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(read(nested(64)).messages == [])
        #expect(read(nested(65)).messages == ["1:65 more than 64 levels of lists and maps"])
        #expect(read(String(repeating: "[", count: 1_000_000)).messages.count == 1)
    }

    @Test("bytes that are no text are shown where they stand")
    func badBytes() {
        #expect(read([0x61, 0x3a, 0x20, 0xff]).messages.first?.hasPrefix("1:4 the byte 0xff is not UTF-8") == true)
        #expect(read([0x61, 0x0a, 0xc3, 0x28]).messages.first?.hasPrefix("2:1 the byte 0xc3") == true)
        #expect(read([0xed, 0xa0, 0x80]).messages.first?.hasPrefix("1:1 the byte 0xed") == true)
        #expect(read("a: \u{0}b").messages.first?.hasPrefix("1:4 a control character (0x00)") == true)
        #expect(read([0xff, 0xfe, 0x61, 0x00]).messages.first?.contains("UTF-16") == true)
        #expect(read("a: x\u{feff}y").messages.first?.hasPrefix("1:5 a byte order mark") == true)
        #expect(read("a: \u{ffff}").messages.first?.hasPrefix("1:4 a code point") == true)
    }

    @Test("what is not quoted is taken by YAML 1.2: yes and no are texts")
    func coreScalars() {
        #expect(CoreScalar("yes") == .text)
        #expect(CoreScalar("true") == .bool(true))
        #expect(CoreScalar("0x1f") == .integer(31))
        #expect(CoreScalar("0o17") == .integer(15))
        #expect(CoreScalar("-12") == .integer(-12))
        #expect(CoreScalar("1e3") == .number(1000))
        #expect(CoreScalar("1_000") == .text)
        #expect(CoreScalar("0x-1") == .text)
        #expect(CoreScalar("nan") == .text)
        #expect(CoreScalar("1e999") == .text)
        #expect(CoreScalar("~") == .null)
        #expect(CoreScalar("08:30") == .text)
    }
}
