import EventFormat
import HubModel
import HummingbirdCore

/// What all answers of `/udf` have in common.
///
/// The adapter in TradingView's charts looks at the body alone: a fault is `{"s":"error","errmsg":…}` under status 200.
/// It sends parameters beyond those a route needs (currencies, units, sessions), so unknown ones are passed over.
enum UDFAnswer {
    /// Runs a route; a problem becomes an error in UDF's shape.
    static func make(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let problem as Problem where problem.code != .internalFault {
            return error(problem.detail)
        }
    }

    static func error(_ message: String) -> Response {
        var text = TextBuffer(capacity: 256)
        text.beginObject()
        text.member("s", "error")
        text.member("errmsg", message)
        text.endObject()
        return Reply.json(text)
    }
}

/// The parameters of a UDF request: each once, the last one counts, unknown ones do not matter.
struct UDFParameters {
    private let values: [String: String]

    init(_ query: QueryText) {
        values = Dictionary(query.pairs.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }

    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func required(_ name: String) throws(Problem) -> String {
        guard let text = text(name) else {
            throw Problem(.badParameter, "\(name) is missing", faults: [.init(name, "is missing")])
        }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            let message = "expected a whole number from \(range.lowerBound) to \(range.upperBound), found '\(text)'"
            throw Problem(.badParameter, "\(name): \(message)", faults: [.init(name, message)])
        }
        return value
    }

    /// Seconds since the Unix epoch, as nanoseconds.
    func seconds(_ name: String) throws(Problem) -> Int64? {
        // The charts ask for times far outside of what nanoseconds can say when they look for the first bar.
        guard let text = text(name) else { return nil }
        guard let value = Double(text), value.isFinite else {
            let message = "expected seconds since 1970, found '\(text)'"
            throw Problem(.badTime, "\(name): \(message)", faults: [.init(name, message)])
        }
        return Int64(min(max(value, -9_000_000_000), 9_000_000_000)) * 1_000_000_000
    }

    func resolution() throws(Problem) -> Interval {
        let word = try required("resolution")
        guard let interval = UDFResolution.interval(word) else {
            let message = "expected one of \(UDFResolution.all.joined(separator: " ")), found '\(word)'"
            throw Problem(.badInterval, "resolution: \(message)", faults: [.init("resolution", message)])
        }
        return interval
    }
}
