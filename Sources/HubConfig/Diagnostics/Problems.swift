/// Gathers the diagnostics of one load. One thread.
final class Problems {
    private struct Problem {
        var severity: Diagnostic.Severity
        var span: SourceSpan?
        var file: String
        var path: String
        var message: String
        var related: [(span: SourceSpan, message: String)]
    }

    private var problems: [Problem] = []
    private var sources: [SourceText] = []
    private var hidden: [ObjectIdentifier: [SourceSpan]] = [:]
    private(set) var errorCount = 0

    /// More are not shown: a file that is no configuration at all should not fill the screen.
    static let limit = 500

    func report(
        _ span: SourceSpan, _ path: String, _ message: String, _ severity: Diagnostic.Severity = .error,
        related: [(span: SourceSpan, message: String)] = []
    ) {
        add(
            Problem(
                severity: severity, span: span, file: span.source.name, path: path, message: message,
                related: related))
        note(span.source)
        for other in related { note(other.span.source) }
    }

    func report(file: String, _ path: String, _ message: String) {
        add(Problem(severity: .error, span: nil, file: file, path: path, message: message, related: []))
    }

    /// To take back what was reported from here on.
    var mark: (problems: Int, errors: Int) { (problems.count, errorCount) }

    func takeBack(to mark: (problems: Int, errors: Int)) {
        problems.removeSubrange(mark.problems...)
        errorCount = mark.errors
    }

    /// Whatever is written there is never shown.
    func hide(_ span: SourceSpan) { hidden[ObjectIdentifier(span.source), default: []].append(span) }

    private func add(_ problem: Problem) {
        if problem.severity == .error { errorCount += 1 }
        if problems.count < Problems.limit { problems.append(problem) }
    }

    /// Sources are shown in the order in which they were first complained about, `--set` after the files.
    private func note(_ source: SourceText) {
        if !sources.contains(where: { $0 === source }) { sources.append(source) }
    }

    /// All of them, ordered by place; the main file first.
    func diagnostics(mainFile: SourceText?) -> [Diagnostic] {
        var ranks: [ObjectIdentifier: Int] = [:]
        var ordered = sources.filter { $0.origin == .file }
        if let mainFile, let at = ordered.firstIndex(where: { $0 === mainFile }) {
            ordered.insert(ordered.remove(at: at), at: 0)
        }
        ordered += sources.filter { $0.origin != .file }
            .sorted { number(of: $0) < number(of: $1) }
        for (rank, source) in ordered.enumerated() { ranks[ObjectIdentifier(source)] = rank }
        let keyed = problems.enumerated().map { index, problem in
            let rank = problem.span.map { ranks[ObjectIdentifier($0.source)] ?? Int.max } ?? -1
            return (
                key: (rank, problem.span?.line ?? 0, problem.span?.column ?? 0, index), problem: problem
            )
        }
        return keyed.sorted { $0.key < $1.key }.map { diagnostic($0.problem) }
    }

    private func number(of source: SourceText) -> Int {
        if case .override(let number) = source.origin { number } else { 0 }
    }

    private func diagnostic(_ problem: Problem) -> Diagnostic {
        Diagnostic(
            problem.severity, place: problem.span.map(place) ?? Diagnostic.Place(file: problem.file),
            path: problem.path, message: problem.message,
            related: problem.related.map {
                Diagnostic.Related(place: place($0.span), message: $0.message)
            })
    }

    private func place(_ span: SourceSpan) -> Diagnostic.Place {
        Problems.place(span, hidden: hidden[ObjectIdentifier(span.source)] ?? [])
    }

    static func place(_ span: SourceSpan, hidden: [SourceSpan]) -> Diagnostic.Place {
        let line = span.source.scalars(span.line)
        let ranges: [Range<Int>] = hidden.compactMap { secret in
            guard secret.line <= span.line, span.line <= secret.endLine else { return nil }
            let start = secret.line == span.line ? secret.column - 1 : 0
            let end = secret.endLine == span.line ? secret.endColumn - 1 : line.count
            return start < end ? start..<end : nil
        }
        return Diagnostic.Place(
            file: span.source.name, line: span.line, column: span.column, length: span.lengthOnFirstLine,
            sourceLine: SecretMask.masked(line, hidden: ranges), isOverride: span.source.origin != .file)
    }
}
