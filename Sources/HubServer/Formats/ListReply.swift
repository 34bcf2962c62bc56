import EventFormat
import HTTPTypes
import HummingbirdCore
import NIOCore
import TableFormat

/// A list on its way out: rows and `meta`, in the shape that was asked for.
///
/// JSON carries `meta` in the body; the other shapes have their cursor in `X-As-Of`, their next page in `Link`, and what
/// cannot be given in `X-Holes`. The tag is made of the data, the parameters and `meta` but for the position, which moves on
/// while nothing else changes: so it is a weak one.
struct ListReply {
    let call: Call
    let shape: TableShape
    /// For CSV and Arrow.
    let columns: [TableColumn]
    /// In which the rows were written.
    let style: TimeStyle

    /// - Parameters:
    ///   - rows: for JSON with commas between them, else each ended by a line feed.
    func make(rows: borrowing TextBuffer, _ meta: ListMeta) -> Response {
        var tag = ContentTag()
        tag.add(rows.bytes)
        let fields = fields(meta, &tag)
        if let unchanged = unchanged(fields) { return unchanged }
        return call.trace.measure("encode") {
            switch shape {
            case .json: return json(rows, meta, fields)
            case .ndjson: return Response(status: .ok, headers: fields, body: Self.body([ByteBuffer(rows)]))
            case .csv:
                var text = TextBuffer(capacity: rows.count + 1024)
                CSVText.header(columns, to: &text)
                var lines = CSVRows(columns)
                Self.forEachLine(rows.bytes) { lines.append($0, to: &text) }
                return Response(status: .ok, headers: fields, body: Self.body([ByteBuffer(text)]))
            case .arrow:
                var text = TextBuffer(capacity: rows.count + 4096)
                let stream = ArrowStream(columns, timeStyle: style)
                var batch = ArrowRows(stream)
                stream.begin(&text)
                Self.forEachLine(rows.bytes) {
                    batch.append($0)
                    if batch.count == Self.batchRows { batch.flush(to: &text) }
                }
                batch.flush(to: &text)
                stream.end(&text)
                return Response(status: .ok, headers: fields, body: Self.body([ByteBuffer(text)]))
            }
        }
    }

    /// Rows of one Arrow batch.
    static let batchRows = 65_536

    /// Calls `body` with each row of a text of lines.
    static func forEachLine(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            let length = rest.firstIndex(of: 10) ?? rest.count
            body(UnsafeRawBufferPointer(rebasing: rest[..<length]))
            start += length + 1
        }
    }

    /// Header fields of the answer, its tag among them.
    ///
    /// - Parameter tag: knows the data already.
    func fields(_ meta: ListMeta, _ tag: inout ContentTag) -> HTTPFields {
        tag.add(call.request.uri.string)
        tag.add(shape.rawValue)
        var lasting = meta
        lasting.seq = 0
        lasting.next = nil
        var text = TextBuffer(capacity: 512)
        lasting.write(to: &text)
        tag.add(text.bytes)
        var fields: HTTPFields = [.contentType: shape.mediaType]
        fields[.eTag] = tag.weak
        // An answer may be kept, and is asked for again each time: late data revises the past.
        fields[.cacheControl] = "no-cache"
        fields[.vary] = "Accept"
        guard shape != .json else { return fields }
        fields[.asOf] = "\(meta.epoch).\(meta.seq)"
        if let next = meta.next {
            fields[.link] = "<\(Self.target(call.request.uri.string, cursor: next))>; rel=\"next\""
        }
        if !meta.holes.isEmpty { fields[.holes] = Self.text(meta.holes) }
        return fields
    }

    /// `304` for a client that has the answer already.
    func unchanged(_ fields: HTTPFields) -> Response? {
        guard let tag = fields[.eTag], ContentTag.matches(call.request.headers[.ifNoneMatch], tag) else { return nil }
        var fields = fields
        fields[.contentType] = nil
        return Response(status: .notModified, headers: fields)
    }

    /// `0-56001 retention`, with commas between several.
    static func text(_ holes: [StreamHole]) -> String {
        holes.map { "\($0.after)-\($0.before) \($0.reason.rawValue)" }.joined(separator: ", ")
    }

    /// The address of the request with another `cursor`.
    private static func target(_ target: String, cursor: String) -> String {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = parts.count > 1 ? parts[1].split(separator: "&").filter { !$0.hasPrefix("cursor=") } : []
        let safe = (query.map(String.init) + ["cursor=\(cursor)"]).joined(separator: "&")
            .replacing("<", with: "%3C").replacing(">", with: "%3E")
        return "\(parts[0])?\(safe)"
    }

    private func json(_ rows: borrowing TextBuffer, _ meta: ListMeta, _ fields: HTTPFields) -> Response {
        var end = TextBuffer(capacity: 1024)
        end.append("]")
        end.wroteValue()
        meta.write(to: &end)
        end.endObject()
        let parts = [ByteBuffer(staticString: "{\"data\":["), ByteBuffer(rows), ByteBuffer(end)]
        return Response(status: .ok, headers: fields, body: Self.body(parts))
    }

    /// A body of parts that are there: one write for a small one, slices for a large one, so that a connection never holds all
    /// of it in its buffers.
    static func body(_ parts: [ByteBuffer]) -> ResponseBody {
        let count = parts.reduce(0) { $0 + $1.readableBytes }
        if count <= sliceBytes {
            guard parts.count > 1 else { return ResponseBody(byteBuffer: parts.first ?? ByteBuffer()) }
            var whole = ByteBuffer()
            whole.reserveCapacity(count)
            for part in parts { whole.writeImmutableBuffer(part) }
            return ResponseBody(byteBuffer: whole)
        }
        return ResponseBody(contentLength: count) { writer in
            for part in parts {
                var rest = part
                while rest.readableBytes > 0, let slice = rest.readSlice(length: min(rest.readableBytes, sliceBytes)) {
                    try await writer.write(slice)
                }
            }
            try await writer.finish(nil)
        }
    }

    static let sliceBytes = 256 << 10
}
