import EventFormat
import HubRuntime
import TableFormat

/// One export, fixed: the same bytes whenever it is made, as long as nothing of its range is lost.
struct ExportPlan: Sendable {
    let engine: any EngineAccess
    let filter: SubscriptionFilter
    let columns: [TableColumn]
    let shape: TableShape
    let style: TimeStyle
    /// On `time`, nanoseconds.
    let from: Int64?
    let to: Int64?
    /// On `seq`, both exclusive.
    let after: UInt64
    let before: UInt64
    /// Nothing behind it is in the export.
    let asOf: UInt64
    /// What was lost before the export began.
    var holes: [StreamHole] = []

    /// Rows that are read together.
    private static let sliceRows = 8192
    /// Positions that are looked at together: a filter that hardly anything matches must not hold a thread for long.
    private static let slicePositions: UInt64 = 1 << 20

    /// The first position behind the export.
    var end: UInt64 { min(before, asOf + 1) }

    /// Reads the next rows, as lines.
    ///
    /// - Parameter position: everything up to it was read; moves on.
    func read(after position: inout UInt64, into page: inout EventQuery.Page) throws {
        let windowEnd = min(end, position + 1 + Self.slicePositions)
        try query(after: position, before: windowEnd, limit: Self.sliceRows).run(
            newest: false, style: style, into: &page)
        position = page.moreAfter ?? (windowEnd - 1)
    }

    /// Finds out what of the range is lost, all of it and not only what a page depends on.
    func lost() -> [StreamHole] {
        guard after + 1 < end else { return [] }
        let query = query(after: after, before: end, limit: 1)
        guard !query.isAfter(engine.journal.earliest.receivedNanoseconds) else { return [] }
        return History(engine).holes(after: after, before: end, of: filter, from: from, to: to)
    }

    /// Whether a hole that a slice met was known when the export began.
    func isTold(_ hole: StreamHole) -> Bool {
        // Neighbours together may cover what none of them does alone.
        var covered = hole.after
        for known in holes.sorted(by: { $0.after < $1.after }) where known.after <= covered {
            covered = max(covered, known.before - 1)
        }
        return covered + 1 >= hole.before
    }

    private func query(after: UInt64, before: UInt64, limit: Int) -> EventQuery {
        EventQuery(
            engine: engine, filter: filter, includesGaps: columns.isEmpty, from: from, to: to, after: after,
            before: before, asOf: asOf, limit: limit, deadline: Deadline(after: 600_000_000_000))
    }
}

/// Writes an export, slice by slice. One thread at a time.
final class ExportWriter: @unchecked Sendable {
    /// A place at which an export can be gone on with: bytes written, and the position up to which they reach.
    struct Mark: Sendable, Hashable {
        var bytes: Int
        var position: UInt64
    }

    private let plan: ExportPlan
    private var mark: Mark
    /// Whether the beginning was written: it may be empty.
    private var hasBegun: Bool
    private var csv: CSVRows
    private let arrow: ArrowStream
    private var batch: ArrowRows
    private var isOver = false
    private let noted: (@Sendable (Mark, _ isEnd: Bool) -> Void)?

    /// - Parameters:
    ///   - mark: `nil`: from the beginning.
    ///   - noted: told places to go on from, and at last the end.
    init(_ plan: ExportPlan, from mark: Mark? = nil, noted: (@Sendable (Mark, Bool) -> Void)? = nil) {
        self.plan = plan
        self.mark = mark ?? Mark(bytes: 0, position: plan.after)
        self.noted = noted
        hasBegun = mark != nil
        csv = CSVRows(plan.columns)
        arrow = ArrowStream(plan.columns, timeStyle: plan.style)
        batch = ArrowRows(arrow)
    }

    /// Bytes written so far, those before the mark it began from included.
    var bytes: Int { mark.bytes }

    /// Appends the next slice, which may be empty where hardly anything matches.
    ///
    /// - Returns: false behind the last.
    func next(into text: inout TextBuffer) throws -> Bool {
        guard !isOver else { return false }
        let before = text.count
        if !hasBegun {
            begin(&text)
            hasBegun = true
        }
        if mark.position + 1 < plan.end {
            var page = EventQuery.Page()
            page.isLines = true
            try plan.read(after: &mark.position, into: &page)
            try checkHoles(page.holes)
            append(page.text, &text)
        } else {
            if plan.shape == .arrow {
                batch.flush(to: &text)
                arrow.end(&text)
            }
            isOver = true
        }
        mark.bytes += text.count - before
        // Rows that wait for their batch are in no slice yet.
        if isOver || batch.count == 0 { noted?(mark, isOver) }
        return true
    }

    private func begin(_ text: inout TextBuffer) {
        switch plan.shape {
        case .csv: CSVText.header(plan.columns, to: &text)
        case .arrow: arrow.begin(&text)
        case .ndjson, .json:
            for hole in plan.holes {
                StreamObject.hole(hole).write(into: &text, style: plan.style)
                text.truncate(to: text.count)
                text.append(byte: 10)
            }
        }
    }

    private func append(_ rows: borrowing TextBuffer, _ text: inout TextBuffer) {
        switch plan.shape {
        case .ndjson, .json: text.append(rows.bytes)
        case .csv: ListReply.forEachLine(rows.bytes) { csv.append($0, to: &text) }
        case .arrow:
            ListReply.forEachLine(rows.bytes) { batch.append($0) }
            if batch.count >= 8192 || batch.textBytes > 8 << 20 { batch.flush(to: &text) }
        }
    }

    /// What retention takes while an export is under way cannot be told any more: better a cut than silence. The next try
    /// begins anew and tells it.
    private func checkHoles(_ holes: [StreamHole]) throws {
        if !holes.allSatisfy(plan.isTold) { throw Cut() }
    }

    struct Cut: Error, CustomStringConvertible {
        let description = "retention took a part of an export that was under way"
    }
}
