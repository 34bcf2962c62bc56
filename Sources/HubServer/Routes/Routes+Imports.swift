import EventFormat
import HubModel
import HubRuntime
import HummingbirdCore
import NIOCore

/// `POST /v1/imports`: event objects, one a line, are taken in as records of the past.
///
/// A request holds at most `hub.limits.body_size`; a large file comes in several. Nothing is kept between them, so any of
/// them may be sent again: what the journal has already is left out where that can be told (bars), and else comes twice.
extension Routes {
    func addImports(to table: inout RouteTable) {
        table.post("/v1/imports") { call in try await importEvents(call) }
    }

    private func importEvents(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let source = reader.text("source") ?? "import"
        if source != "import", engine.configuration.provider(source) == nil {
            let names = engine.configuration.providers.map(\.name) + ["import"]
            reader.fault(
                .badParameter, "source", "expected \(names.joined(separator: " or ")), found '\(source)'")
        }
        try reader.finish()
        let body: ByteBuffer
        do {
            body = try await call.request.body.collect(upTo: settings.bodyBytes)
        } catch is NIOTooManyBytesError {
            throw Problem(
                .requestTooLarge,
                "the body is larger than \(settings.bodyBytes) bytes (hub.limits.body_size); send it in several requests"
            )
        }
        return try await blocking { try take(body, source: source) }
    }

    private func take(_ body: ByteBuffer, source: String) throws -> Response {
        let read = body.withUnsafeReadableBytes { ImportReader($0) }
        var result = BackfillResult(accepted: 0, dropped: 0, last: engine.journal.head)
        if !read.records.isEmpty {
            do {
                result = try engine.takeBackfill(
                    BackfillBatch(
                        source: source, symbols: read.symbols, marketCentres: read.marketCentres,
                        records: read.records))
            } catch let error as BackfillError {
                let isFull = engine.notReady().contains { $0.state == "disk_full" }
                throw Problem(isFull ? .diskFull : .notReady, error.description)
            }
        }
        var text = TextBuffer(capacity: 1024)
        text.beginObject()
        text.member("rows", read.rows)
        text.member("accepted", result.accepted)
        text.member("dropped", result.dropped)
        text.member("refused", read.refused)
        text.member("last", result.last)
        text.member("cursor", "\(engine.journal.epoch).\(result.last)")
        text.key("errors")
        text.beginArray()
        for fault in read.faults {
            text.beginObject()
            text.member("line", fault.line)
            text.member("column", fault.column)
            text.member("message", fault.message)
            text.endObject()
        }
        text.endArray()
        text.endObject()
        return Reply.json(text)
    }
}
