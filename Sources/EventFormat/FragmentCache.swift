/// Pieces of JSON that are the same in every event of a stream or a value definition, rendered once.
///
/// Symbol, source and market centre make a stream's identity, name, interval and outputs a value's; their numbers are
/// never reused. So a piece never changes once the definition is known.
struct FragmentCache: ~Copyable {
    /// Where the pieces of a stream lie, one behind the other.
    struct Stream {
        /// Start of `,"symbol":"…","time":`.
        var start = 0
        var symbolLength = 0
        /// `,"source":"…"`
        var sourceLength = 0
        /// `,"venue":"…"`, or nothing.
        var venueLength = 0
        var isKnown = false

        var totalLength: Int { symbolLength + sourceLength + venueLength }
    }

    /// Where the pieces of a value lie.
    struct Value {
        /// Start of `,"name":"…","interval":"…","values":{`.
        var start = 0
        var headLength = 0
        /// Index into `outputLengths` of the first of `"macd":`, `,"signal":` …
        var firstOutput = 0
        var outputs = 0
        var totalLength = 0
        var isKnown = false
    }

    private var text = TextBuffer(capacity: 16 * 1024)
    private var streams: [Stream] = []
    private var values: [Value] = []
    private(set) var outputLengths: [Int] = []
    /// Stand for numbers that nobody defined: that is a fault, and a likely name would hide it.
    private var unknownStream = Stream()
    private var unknownValue = Value()

    init() {
        streams.append(renderStream(symbol: "", source: "hub", venue: ""))
        unknownStream = renderStream(symbol: "", source: "unknown", venue: "")
        unknownValue = renderValue(name: "unknown", interval: "unknown", outputs: (1...28).map { "output_\($0)" })
    }

    @inline(__always)
    var bytes: UnsafePointer<UInt8> { text.start }

    @inline(__always)
    mutating func stream(_ id: UInt32, _ definitions: borrowing DefinitionTable) -> Stream {
        if Int(id) < streams.count {
            let found = streams[Int(id)]
            if found.isKnown { return found }
        }
        return learnStream(id, definitions)
    }

    @inline(__always)
    mutating func value(_ id: UInt32, _ definitions: borrowing DefinitionTable) -> Value {
        if Int(id) < values.count {
            let found = values[Int(id)]
            if found.isKnown { return found }
        }
        return learnValue(id, definitions)
    }

    @inline(never)
    private mutating func learnStream(_ id: UInt32, _ definitions: borrowing DefinitionTable) -> Stream {
        guard let definition = definitions.stream(id) else { return unknownStream }
        while streams.count <= Int(id) { streams.append(Stream()) }
        streams[Int(id)] = renderStream(
            symbol: definition.symbol, source: definition.source, venue: definition.marketCentre)
        return streams[Int(id)]
    }

    @inline(never)
    private mutating func learnValue(_ id: UInt32, _ definitions: borrowing DefinitionTable) -> Value {
        guard let definition = definitions.value(id) else { return unknownValue }
        while values.count <= Int(id) { values.append(Value()) }
        values[Int(id)] = renderValue(
            name: definition.name, interval: Interval.text(ofSeconds: definition.interval),
            outputs: definition.outputs)
        return values[Int(id)]
    }

    private mutating func renderStream(symbol: String, source: String, venue: String) -> Stream {
        var entry = Stream()
        entry.start = text.count
        if !symbol.isEmpty {
            text.append(",\"symbol\":")
            text.append(jsonString: symbol)
        }
        text.append(",\"time\":")
        entry.symbolLength = text.count - entry.start
        text.append(",\"source\":")
        text.append(jsonString: source)
        entry.sourceLength = text.count - entry.start - entry.symbolLength
        if !venue.isEmpty {
            text.append(",\"venue\":")
            text.append(jsonString: venue)
        }
        entry.venueLength = text.count - entry.start - entry.symbolLength - entry.sourceLength
        entry.isKnown = true
        return entry
    }

    private mutating func renderValue(name: String, interval: String, outputs: [String]) -> Value {
        var entry = Value()
        entry.start = text.count
        text.append(",\"name\":")
        text.append(jsonString: name)
        text.append(",\"interval\":")
        text.append(jsonString: interval)
        text.append(",\"values\":{")
        entry.headLength = text.count - entry.start
        entry.firstOutput = outputLengths.count
        entry.outputs = outputs.count
        for (index, output) in outputs.enumerated() {
            let before = text.count
            if index > 0 { text.append(byte: UInt8(ascii: ",")) }
            text.append(jsonString: output)
            text.append(byte: UInt8(ascii: ":"))
            outputLengths.append(text.count - before)
        }
        entry.totalLength = text.count - entry.start
        entry.isKnown = true
        return entry
    }
}
