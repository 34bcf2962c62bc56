import EventFormat
import HTTPTypes
import HubModel
import HubRuntime
import HummingbirdCore
import NIOCore
import TableFormat

/// `/v1/export`: events in bulk, streamed, and gone on with after a cut.
///
/// An export is fixed by its tag, which holds what was resolved when it began: the position it is of, its times, what was lost
/// by then. Asked for with `If-Range` and that tag, it is made again from the nearest place that is remembered, and its bytes
/// are the same.
extension Routes {
    func addExport(to table: inout RouteTable) {
        table.get("/v1/export") { call in try await export(call) }
    }

    private static let shapes: [TableShape] = [.ndjson, .csv, .arrow]

    private func export(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let names = reader.list("symbols")
        let selector = reader.selector("types") ?? .events
        if selector.wantsSummary { reader.fault(.badParameter, "types", "summary is no event; /v1/quotes has it") }
        let (from, to) = reader.range()
        let after = reader.position("after")
        let before = reader.position("before")
        if let after, let before, after > before { reader.fault(.badRange, "after", "is beyond before") }
        let knownAt = asOf(&reader)
        let shape = try reader.shape(call, of: Self.shapes)
        let style = shape.style(reader.timeStyle())
        try reader.finish()
        let columns = try EventColumns.columns(of: selector, shape: shape)
        let selection = try SymbolSelection(names ?? ["*"], in: directories.current(), limit: 1_000_000)
        if names != nil, selection.patterns.isEmpty {
            throw Problem(
                .unknownSymbol, "there is no instrument \(selection.notFound.joined(separator: ", "))",
                faults: [.init("symbols", "none of them is known")])
        }
        let filter = SubscriptionFilter(patterns: selection.patterns, selector: selector)
        let past = try knownAt.map(known)

        var binding = ContentTag()
        binding.add(PageToken.binding(path: call.path, query: call.query))
        binding.add(shape.rawValue)
        let range = call.request.headers[.range].flatMap(ByteRange.init)
        let condition = call.request.headers[.ifRange].map { Negotiation.trimmed($0[...]) }
        // What the tag of an earlier answer says it was of.
        let earlier = condition.flatMap { PageToken(Self.token($0), binding: binding.number) }
            .flatMap { $0.epoch == engine.journal.epoch && $0.asOf <= engine.journal.head ? $0 : nil }
        let resumed = range == nil ? nil : earlier
        func plan(_ token: PageToken?) -> ExportPlan {
            ExportPlan(
                engine: engine, filter: filter, columns: columns, shape: shape, style: style,
                from: token.map(\.from) ?? from, to: token.map(\.to) ?? to, after: after ?? 0, before: before ?? .max,
                asOf: token?.asOf ?? past?.seq ?? engine.journal.head)
        }
        func tag(_ plan: ExportPlan) -> String {
            let lost = plan.holes.reduce(into: ContentTag()) { tag, hole in
                tag.add(hole.after)
                tag.add(hole.before)
                tag.add(hole.types.joined(separator: ","))
            }
            let token = PageToken(
                epoch: engine.journal.epoch, asOf: plan.asOf, from: plan.from, to: plan.to,
                place: [Int64(bitPattern: lost.number)])
            return "\"\(token.text(binding: binding.number))\""
        }
        // Holes that a cursor itself covers belong to what is told, too.
        let told = past?.holes ?? []
        let open: @Sendable (ExportPlan) async throws -> ExportPlan = { plan in
            var plan = plan
            let unopened = plan
            plan.holes = try await blocking { unopened.lost() } + told
            return plan
        }
        if let resumed {
            let again = try await open(plan(resumed))
            let itsTag = tag(again)
            // Otherwise more was lost since: the whole of what there is now, with the hole told.
            if Self.token(condition ?? "") == Self.token(itsTag[...]), let range {
                return try await part(range, of: again, tag: itsTag)
            }
        }
        let now = try await open(plan(nil))
        let itsTag = tag(now)
        if let range, condition == nil { return try await part(range, of: now, tag: itsTag) }
        if ContentTag.matches(call.request.headers[.ifNoneMatch], itsTag) {
            return Response(status: .notModified, headers: fields(now, tag: itsTag, withType: false))
        }
        return whole(now, tag: itsTag)
    }

    /// The token in a tag: without quotes, and without what says that it was packed.
    private static func token(_ tag: some StringProtocol) -> String {
        var text = Substring(tag)
        if text.hasPrefix("\"") { text.removeFirst() }
        if text.hasSuffix("\"") { text.removeLast() }
        // The letters of a token include the hyphen, this ending does not come about by chance: the checksum is over all.
        if text.hasSuffix("-gzip") { text.removeLast(5) }
        return String(text)
    }

    private func fields(_ plan: ExportPlan, tag: String, withType: Bool = true) -> HTTPFields {
        var fields = HTTPFields()
        if withType {
            fields[.contentType] = plan.shape.mediaType
            fields[.contentDisposition] =
                "attachment; filename=\"hub-export-\(plan.asOf).\(plan.shape.fileExtension)\""
        }
        fields[.eTag] = tag
        fields[.acceptRanges] = "bytes"
        fields[.asOf] = "\(engine.journal.epoch).\(plan.asOf)"
        fields[.cacheControl] = "no-cache"
        fields[.vary] = "Accept"
        if !plan.holes.isEmpty { fields[.holes] = ListReply.text(plan.holes) }
        return fields
    }

    private func whole(_ plan: ExportPlan, tag: String) -> Response {
        let marks = marks
        let writer = ExportWriter(plan) { mark, isEnd in marks.note(tag, mark, isEnd: isEnd) }
        let slices = BodySlices {
            var text = TextBuffer(capacity: 1 << 16)
            return try writer.next(into: &text) ? ByteBuffer(text) : nil
        }
        return Response(
            status: .ok, headers: fields(plan, tag: tag), body: slices.body(pool: pool, trace: nil))
    }

    private func part(_ wanted: ByteRange, of plan: ExportPlan, tag: String) async throws -> Response {
        let total = try await length(of: plan, tag: tag)
        guard let range = wanted.resolved(total) else {
            var fields = fields(plan, tag: tag, withType: false)
            fields[.contentRange] = "bytes */\(total)"
            return Response(status: .rangeNotSatisfiable, headers: fields)
        }
        var fields = fields(plan, tag: tag)
        fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total)"
        let part = ExportPart(plan, range, from: marks.place(tag, before: range.lowerBound))
        let body = BodySlices { try part.next() }.body(contentLength: range.count, pool: pool, trace: nil)
        return Response(status: .partialContent, headers: fields, body: body)
    }

    /// Bytes of an export: known from before, or counted by making the rest of it once. The answer needs them in front.
    private func length(of plan: ExportPlan, tag: String) async throws -> Int {
        if let known = marks.total(tag) { return known }
        let marks = marks
        let writer = ExportWriter(plan, from: marks.place(tag, before: .max)) { mark, isEnd in
            marks.note(tag, mark, isEnd: isEnd)
        }
        while true {
            // Slice by slice, so that others get their turn in between.
            let goesOn = try await blocking {
                var text = TextBuffer(capacity: 1 << 16)
                return try writer.next(into: &text)
            }
            try Task.checkCancellation()
            if !goesOn { return writer.bytes }
        }
    }
}

/// Some bytes of an export. One thread at a time.
private final class ExportPart: @unchecked Sendable {
    private let writer: ExportWriter
    private let range: Range<Int>
    private var at: Int

    init(_ plan: ExportPlan, _ range: Range<Int>, from mark: ExportWriter.Mark?) {
        self.range = range
        at = mark?.bytes ?? 0
        writer = ExportWriter(plan, from: mark)
    }

    func next() throws -> ByteBuffer? {
        while at < range.upperBound {
            var text = TextBuffer(capacity: 1 << 16)
            guard try writer.next(into: &text) else { return nil }
            let start = at
            at += text.count
            guard at > range.lowerBound else { continue }
            let first = max(range.lowerBound - start, 0)
            let end = min(range.upperBound - start, text.count)
            return ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: text.bytes[first..<end]))
        }
        return nil
    }
}
