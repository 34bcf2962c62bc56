import TableFormat

/// Finds out in which shape a list is wanted, and what a client can read.
enum Negotiation {
    /// A media range of `Accept`, or a coding of `Accept-Encoding`, with its weight in thousandths.
    struct Choice: Hashable {
        var name: String
        var weight: Int
    }

    /// The elements of a header field, RFC 9110, section 12.4.2; parameters other than `q` are passed over.
    static func choices(_ field: String) -> [Choice] {
        field.split(separator: ",").compactMap { element in
            var parts = element.split(separator: ";").map { trimmed($0).lowercased() }
            guard let name = parts.first, !name.isEmpty else { return nil }
            parts.removeFirst()
            var weight = 1000
            for part in parts where part.hasPrefix("q=") {
                weight = Double(part.dropFirst(2)).map { Int(max(0, min(1, $0)) * 1000) } ?? 0
            }
            return Choice(name: name, weight: weight)
        }
    }

    static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    /// Names under which a shape is asked for; the first is the one it is sent under.
    private static func names(_ shape: TableShape) -> [String] {
        switch shape {
        case .json: ["application/json", "text/json"]
        case .csv: ["text/csv", "application/csv"]
        case .ndjson:
            [
                "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
                "application/json-lines",
            ]
        case .arrow: ["application/vnd.apache.arrow.stream"]
        }
    }

    /// The shape of `Accept`, the server's first of `shapes` where the client has no preference; `nil` if it takes none.
    ///
    /// Of equal weights the more specific range wins, and then the one that is named first.
    static func shape(accept: String?, of shapes: [TableShape]) -> TableShape? {
        guard let accept, !trimmed(accept[...]).isEmpty else { return shapes[0] }
        let ranges = choices(accept)
        var best: (shape: TableShape, weight: Int, place: Int)?
        for shape in shapes {
            let names = names(shape)
            // The most specific range that covers a shape gives its weight.
            var found: (weight: Int, rank: Int, place: Int)?
            for (place, range) in ranges.enumerated() {
                let rank: Int
                if names.contains(range.name) {
                    rank = 3
                } else if range.name.hasSuffix("/*"), names[0].hasPrefix(range.name.dropLast()), range.name != "*/*" {
                    rank = 2
                } else if range.name == "*/*" {
                    rank = 1
                } else {
                    continue
                }
                if rank > found?.rank ?? 0 { found = (range.weight, rank, place) }
            }
            guard let found, found.weight > 0 else { continue }
            if found.weight > best?.weight ?? 0 || (found.weight == best?.weight && found.place < best?.place ?? 0) {
                best = (shape, found.weight, found.place)
            }
        }
        return best?.shape
    }

    /// Whether an answer may be gzipped: `gzip`, `x-gzip` or `*` with a weight above 0, and not less than that of `identity`.
    static func takesGzip(_ acceptEncoding: String?) -> Bool {
        guard let acceptEncoding else { return false }
        let all = choices(acceptEncoding)
        func weight(_ names: [String]) -> Int? { all.first { names.contains($0.name) }?.weight }
        let gzip = weight(["gzip", "x-gzip"]) ?? weight(["*"]) ?? 0
        return gzip > 0 && gzip >= weight(["identity"]) ?? 0
    }
}

extension ParameterReader {
    /// The shape of a list: `format` if it is given, else by `Accept`.
    ///
    /// - Throws: `not_acceptable` for an `Accept` that names nothing the hub has.
    mutating func shape(_ call: Call, of shapes: [TableShape] = TableShape.allCases) throws(Problem) -> TableShape {
        if let word = text("format") {
            if let shape = TableShape(rawValue: word), shapes.contains(shape) { return shape }
            let words = shapes.map(\.rawValue).joined(separator: ", ")
            fault(.badParameter, "format", "expected one of \(words), found '\(word)'")
            return shapes[0]
        }
        let accept = call.request.headers[.accept]
        guard let shape = Negotiation.shape(accept: accept, of: shapes) else {
            let types = shapes.map { String($0.mediaType.prefix { $0 != ";" }) }.joined(separator: ", ")
            throw Problem(
                .notAcceptable, "Accept: '\(accept ?? "")' names nothing this list can be had as; there are \(types)",
                candidates: shapes.map(\.rawValue))
        }
        return shape
    }
}
