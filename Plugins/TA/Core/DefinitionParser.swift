/// A definition that is not one: what was expected, what was found, what to do.
struct DefinitionError: Error, Equatable, CustomStringConvertible {
    let description: String
}

extension Definition {
    /// Reads `rsi(14)`, `macd(12, 26, 9)`, `bbands(20,2.5)`, `vwap`.
    ///
    /// Blanks may stand anywhere but within a name or a number. Without parentheses, all parameters are the usual ones;
    /// otherwise all of them must be given.
    init(parsing text: String) throws(DefinitionError) {
        let (name, list) = try Self.split(text)
        guard let formula = Formula(rawValue: name) else {
            throw DefinitionError(
                description: unknownWord(name, what: "indicator", known: Formula.allCases.map(\.rawValue)))
        }
        let parameters = formula.parameters
        guard let list else {
            self.init(formula: formula, arguments: parameters.map(\.standard))
            return
        }
        guard list.count == parameters.count else {
            throw DefinitionError(
                description:
                    "\(name) takes \(Self.describe(parameters)), found \(list.count) in '\(text)'; "
                    + "write \(Self.example(formula))")
        }
        var arguments: [Double] = []
        for (parameter, word) in zip(parameters, list) {
            arguments.append(try Self.argument(word, for: parameter, of: formula))
        }
        if formula == .macd && arguments[0] >= arguments[1] {
            throw DefinitionError(
                description: "fast of macd must be less than slow, found \(list[0]) and \(list[1]); "
                    + "write \(Self.example(formula))")
        }
        self.init(formula: formula, arguments: arguments)
    }

    /// The name, and the words between the parentheses if there are any.
    private static func split(_ text: String) throws(DefinitionError) -> (
        name: String, arguments: [String]?
    ) {
        let bytes = Array(text.utf8)
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")) else {
            let name = trimmed(bytes[...])
            guard !name.isEmpty else {
                throw DefinitionError(
                    description: "expected an indicator such as \"rsi(14)\", found an empty text")
            }
            if bytes.contains(UInt8(ascii: ")")) {
                throw DefinitionError(
                    description: "'\(text)' has a ')' without a '('; write it like rsi(14)")
            }
            return (name, nil)
        }
        let name = trimmed(bytes[..<open])
        guard !name.isEmpty else {
            throw DefinitionError(
                description: "expected the name of an indicator before '(', found '\(text)'")
        }
        let rest = bytes[(open + 1)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: ")")) else {
            throw DefinitionError(
                description:
                    "'\(text)' has no ')'; where it stands in a list within [ ], put it in quotes: \"macd(12,26,9)\""
            )
        }
        guard trimmed(bytes[(close + 1)...]).isEmpty else {
            throw DefinitionError(
                description:
                    "expected nothing after ')', found '\(trimmed(bytes[(close + 1)...]))' in '\(text)'; "
                    + "give every indicator its own line")
        }
        let inside = rest[..<close]
        guard !trimmed(inside).isEmpty else { return (name, []) }
        return (
            name,
            inside.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
                trimmed($0)
            }
        )
    }

    private static func argument(
        _ word: String, for parameter: Formula.Parameter, of formula: Formula
    ) throws(DefinitionError) -> Double {
        let range = "from \(shortText(parameter.minimum)) to \(shortText(parameter.maximum))"
        let expected =
            "\(parameter.name) of \(formula) must be a \(parameter.isWhole ? "whole " : "")number \(range)"
        guard let value = decimal(word),
            !parameter.isWhole || value == value.rounded() && !word.utf8.contains(UInt8(ascii: "."))
        else {
            throw DefinitionError(
                description: "\(expected), found \(word.isEmpty ? "nothing" : "'\(word)'")")
        }
        guard value >= parameter.minimum && value <= parameter.maximum else {
            throw DefinitionError(description: "\(expected), found \(word)")
        }
        return value
    }

    /// Digits with at most one point between them: no sign, no exponent, no other spelling.
    private static func decimal(_ word: String) -> Double? {
        var points = 0
        for byte in word.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "."): points += 1
            default: return nil
            }
        }
        guard points <= 1, let first = word.utf8.first, let last = word.utf8.last,
            first != UInt8(ascii: "."), last != UInt8(ascii: "."), word.utf8.count <= 20
        else { return nil }
        return Double(word)
    }

    private static func describe(_ parameters: [Formula.Parameter]) -> String {
        switch parameters.count {
        case 0: "no parameters"
        case 1: "1 parameter (\(parameters[0].name))"
        default: "\(parameters.count) parameters (\(parameters.map(\.name).joined(separator: ", ")))"
        }
    }

    private static func example(_ formula: Formula) -> String {
        Definition(formula: formula, arguments: formula.parameters.map(\.standard)).name
    }
}

private func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = bytes
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
}

/// `unknown indicator 'rsy'; did you mean 'rsi'? known are sma, ema …`
func unknownWord(_ word: String, what: String, known: [String]) -> String {
    let lowered = word.lowercased()
    let nearest = known.map { (distance(lowered, $0), $0) }.min { $0.0 < $1.0 }
    var text = "unknown \(what) '\(word)'"
    if let (distance, name) = nearest, distance <= max(1, name.utf8.count / 2),
        distance < name.utf8.count
    {
        text += "; did you mean '\(name)'?"
    }
    return text + " (known: \(known.joined(separator: ", ")))"
}

/// Edits from one word to the other: insertions, deletions, replacements and swaps of neighbours.
private func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.utf8.prefix(64))
    let b = Array(b.utf8.prefix(64))
    guard !a.isEmpty && !b.isEmpty else { return max(a.count, b.count) }
    var rows = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
    for i in 0...a.count { rows[i][0] = i }
    for j in 0...b.count { rows[0][j] = j }
    for i in 1...a.count {
        for j in 1...b.count {
            let replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
            rows[i][j] = min(replaced, rows[i - 1][j] + 1, rows[i][j - 1] + 1)
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
            }
        }
    }
    return rows[a.count][b.count]
}
