import EventFormat
import HubModel

/// Reads the parameters of one request and collects everything that is wrong with them, so that one answer names it all.
///
/// A route reads what it knows and then calls `finish`, which refuses what nobody asked for.
struct ParameterReader {
    private let query: QueryText
    /// Nanoseconds since the Unix epoch: what `now` means, the same for all parameters of a request.
    let now: Int64
    private var known: [String] = []
    private var faults: [(code: ProblemCode, fault: Problem.Fault)] = []

    init(_ query: QueryText, now: Int64) {
        self.query = query
        self.now = now
    }

    /// Notes something wrong.
    mutating func fault(_ code: ProblemCode, _ parameter: String, _ message: String) {
        faults.append((code, Problem.Fault(parameter, message)))
    }

    /// The text of a parameter that may be given once; `nil` where it is absent or empty.
    mutating func text(_ name: String) -> String? {
        known.append(name)
        var found: String?
        for pair in query.pairs where pair.name == name {
            if found != nil { fault(.badParameter, name, "is given twice") }
            found = pair.value
        }
        return found?.isEmpty == true ? nil : found
    }

    /// A list: the parameter may be given several times, and each time holds elements with commas between them. Commas in
    /// parentheses separate nothing.
    mutating func list(_ name: String) -> [String]? {
        known.append(name)
        var found: [String]?
        for pair in query.pairs where pair.name == name { found = (found ?? []) + ListText.split(pair.value) }
        return found
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            fault(
                .badParameter, name,
                "expected a whole number from \(range.lowerBound) to \(range.upperBound), found '\(text)'")
            return nil
        }
        return value
    }

    /// A position in the journal.
    mutating func position(_ name: String) -> UInt64? {
        guard let text = text(name) else { return nil }
        guard let value = UInt64(text), value < 1 << 53 else {
            fault(.badParameter, name, "expected a seq such as 184467, found '\(text)'")
            return nil
        }
        return value
    }

    mutating func flag(_ name: String) -> Bool? {
        choice(name, ["true", "false"]).map { $0 == "true" }
    }

    /// One of several words.
    mutating func choice(_ name: String, _ words: [String]) -> String? {
        guard let text = text(name) else { return nil }
        guard words.contains(text) else {
            fault(.badParameter, name, "expected \(words.joined(separator: " or ")), found '\(text)'")
            return nil
        }
        return text
    }

    /// A time in nanoseconds.
    mutating func time(_ name: String) -> Int64? {
        guard let text = text(name) else { return nil }
        do {
            return try TimeParameter.parse(text, now: now)
        } catch {
            fault(.badTime, name, error.description)
            return nil
        }
    }

    /// `from` and `to`; `from` after `to` is a fault.
    mutating func range() -> (from: Int64?, to: Int64?) {
        let from = time("from")
        let to = time("to")
        if let from, let to, from > to { fault(.badRange, "from", "is after to") }
        return (from, to)
    }

    mutating func interval(_ name: String) -> Interval? {
        guard let text = text(name) else { return nil }
        guard let interval = Interval(text) else {
            let words = Interval.allCases.map(\.text).joined(separator: " ")
            fault(.badInterval, name, "expected one of \(words), found '\(text)'")
            return nil
        }
        return interval
    }

    mutating func timeStyle() -> TimeStyle {
        guard let text = text("ts") else { return .microseconds }
        guard let style = TimeStyle(text) else {
            fault(.badParameter, "ts", "expected us, ms, s, ns or iso, found '\(text)'")
            return .microseconds
        }
        return style
    }

    mutating func selector(_ name: String) -> EventSelector? {
        guard let types = list(name) else { return nil }
        var selector = EventSelector()
        for type in types {
            do {
                try selector.add(type)
            } catch {
                fault(.badParameter, name, error.description)
            }
        }
        return selector
    }

    /// Throws what was noted, parameters that the route does not know among it. The code is that of the first fault.
    mutating func finish() throws(Problem) {
        for name in query.unreadable { fault(.badParameter, name, "is not properly percent-encoded UTF-8") }
        for pair in query.pairs where !known.contains(pair.name) {
            let meant = NameDistance.nearest(to: pair.name, among: known).map { "; did you mean \($0)?" } ?? ""
            let list = known.isEmpty ? "takes no parameters" : "the parameters are \(known.joined(separator: ", "))"
            fault(.badParameter, pair.name, "unknown parameter\(meant.isEmpty ? "" : meant) (\(list))")
        }
        guard let first = faults.first else { return }
        let detail = "\(first.fault.parameter): \(first.fault.message)"
        throw Problem(first.code, detail, faults: faults.map(\.fault))
    }
}
