import Synchronization

/// Where the time of one request goes: told in `Server-Timing` and, for slow ones, in the log.
final class RequestTrace: Sendable {
    private struct State {
        var parts: [(name: String, nanoseconds: Int64)] = []
        /// Work on the body that was done after the head was sent.
        var bodyNanoseconds: Int64 = 0
        var isStreamed = false
    }

    private let state = Mutex(State())

    /// Runs something and counts its time under a name.
    func measure<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
        let started = ContinuousClock.now
        defer { add(name, Self.nanoseconds(since: started)) }
        return try body()
    }

    func add(_ name: String, _ nanoseconds: Int64) {
        state.withLock { state in
            if let index = state.parts.firstIndex(where: { $0.name == name }) {
                state.parts[index].nanoseconds += nanoseconds
            } else {
                state.parts.append((name, nanoseconds))
            }
        }
    }

    /// Says that the body is made piece by piece while it is sent.
    func beginBody() { state.withLock { $0.isStreamed = true } }

    /// Counts work on a piece of the body; what the client takes to read is nobody's work.
    func addBody(_ nanoseconds: Int64) { state.withLock { $0.bodyNanoseconds += nanoseconds } }

    var isStreamed: Bool { state.withLock { $0.isStreamed } }
    var bodyNanoseconds: Int64 { state.withLock { $0.bodyNanoseconds } }

    /// `store;dur=3.21, encode;dur=0.9, total;dur=4.3`: milliseconds, as W3C's Server Timing has it.
    func text(total: Int64) -> String {
        let parts = state.withLock { $0.parts } + [("total", total)]
        return parts.map { "\($0.name);dur=\(Self.milliseconds($0.nanoseconds))" }.joined(separator: ", ")
    }

    /// Milliseconds with at most two decimals.
    static func milliseconds(_ nanoseconds: Int64) -> String {
        let hundredths = (nanoseconds + 5000) / 10_000
        let rest = hundredths % 100
        if rest == 0 { return String(hundredths / 100) }
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    static func nanoseconds(since started: ContinuousClock.Instant) -> Int64 {
        let elapsed = (ContinuousClock.now - started).components
        return elapsed.seconds * 1_000_000_000 + elapsed.attoseconds / 1_000_000_000
    }
}

/// The parameters of a request as a log may show them.
enum LoggedQuery {
    private static let secrets: Set<String> = [
        "key", "api_key", "apikey", "token", "access_token", "ticket", "secret", "password", "code",
    ]

    /// Values of parameters that may be secrets become `***`; the whole is cut at 500 bytes.
    static func text(_ query: QueryText) -> String {
        let text = query.pairs.map { pair in
            "\(pair.name)=\(secrets.contains(pair.name.lowercased()) ? "***" : pair.value)"
        }.joined(separator: "&")
        return text.utf8.count <= 500 ? text : String(decoding: text.utf8.prefix(497), as: UTF8.self) + "..."
    }
}
