internal import CYAML

/// One event of libyaml's parser, copied out of its memory.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(YAMLScalar)
        case listStart, listEnd
        case mapStart, mapEnd
    }

    var kind: Kind
    var anchor: String?
    var tag: String?
    /// A list or map between brackets or braces.
    var isFlow = false
    var span: SourceSpan
}

/// Why libyaml stopped. Lines and columns count from 1; 0 where libyaml gives none.
struct YAMLFault: Error {
    var problem: String
    var line: Int
    var column: Int
    var context: String
    var contextLine: Int
    var contextColumn: Int
}

/// libyaml's parser over bytes in memory. The bytes must outlive it.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let source: SourceText

    /// - Parameters:
    ///   - input: what is parsed: the source's bytes, or a copy in which traps were patched over, of the same lines and columns.
    ///   - source: what places refer to.
    init(_ input: UnsafeBufferPointer<UInt8>, source: SourceText) {
        parser = .allocate(capacity: 1)
        self.source = source
        // Fails only for want of memory, and then leaves everything zero, which the first event reports.
        _ = yaml_parser_initialize(parser)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    mutating func next() throws(YAMLFault) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw fault() }
        defer { yaml_event_delete(&event) }
        let start = event.start_mark
        let end = event.end_mark
        let span = SourceSpan(
            source, line: start.line + 1, column: start.column + 1, endLine: end.line + 1,
            endColumn: end.column + 1)
        switch event.type {
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, span: span)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, span: span)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, span: span)
        case YAML_ALIAS_EVENT:
            return YAMLEvent(kind: .alias(text(event.data.alias.anchor) ?? ""), span: span)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let style: YAMLScalar.Style =
                switch scalar.style {
                case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
                case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
                case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
                default: .plain
                }
            return YAMLEvent(
                kind: .scalar(YAMLScalar(text: value, style: style)), anchor: text(scalar.anchor),
                tag: text(scalar.tag), span: span)
        case YAML_SEQUENCE_START_EVENT:
            let list = event.data.sequence_start
            return YAMLEvent(
                kind: .listStart, anchor: text(list.anchor), tag: text(list.tag),
                isFlow: list.style == YAML_FLOW_SEQUENCE_STYLE, span: span)
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .listEnd, span: span)
        case YAML_MAPPING_START_EVENT:
            let map = event.data.mapping_start
            return YAMLEvent(
                kind: .mapStart, anchor: text(map.anchor), tag: text(map.tag),
                isFlow: map.style == YAML_FLOW_MAPPING_STYLE, span: span)
        case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mapEnd, span: span)
        default: return YAMLEvent(kind: .streamEnd, span: span)
        }
    }

    private func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let bytes else { return nil }
        return String(decodingCString: bytes, as: UTF8.self)
    }

    private func fault() -> YAMLFault {
        let state = parser.pointee
        let context = state.context.map { String(cString: $0) } ?? ""
        return YAMLFault(
            problem: state.problem.map { String(cString: $0) } ?? "out of memory",
            line: state.problem_mark.line + 1, column: state.problem_mark.column + 1, context: context,
            contextLine: context.isEmpty ? 0 : state.context_mark.line + 1,
            contextColumn: context.isEmpty ? 0 : state.context_mark.column + 1)
    }
}
