import EventFormat
import HubModel
import HubRuntime
import HubStore
import HummingbirdCore
import NIOCore
import Synchronization

/// `POST /v1/imports`: event objects, one a line, are taken in as records of the past.
///
/// A request holds at most `hub.limits.body_size`; a large file comes in several. Who names what he sends (`origin`) and where in it
/// a request begins (`row`) may send any of it again: what was taken in of it is left out. Otherwise bars that the journal has are,
/// and the rest comes twice.
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
        let origin = reader.text("origin")
        if let origin, origin.utf8.count > 100 || !origin.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) {
            reader.fault(.badParameter, "origin", "expected 1 to 100 printable ASCII characters without spaces")
        }
        let row = reader.integer("row", in: 1...Int(Int32.max))
        if (origin == nil) != (row == nil) {
            reader.fault(.badParameter, "row", "goes with origin: the number that the first line has there, from 1")
        }
        try reader.finish()
        let name = origin.map { ImportOrigin(name: $0, source: source, row: row ?? 1) }
        let body: ByteBuffer
        do {
            body = try await call.request.body.collect(upTo: settings.bodyBytes)
        } catch is NIOTooManyBytesError {
            throw Problem(
                .requestTooLarge,
                "the body is larger than \(settings.bodyBytes) bytes (hub.limits.body_size); send it in several requests"
            )
        }
        return try await blocking { try take(body, source: source, origin: name) }
    }

    private func take(_ body: ByteBuffer, source: String, origin: ImportOrigin?) throws -> Response {
        // Two requests with the same rows at once must not both find that nothing is there yet.
        try ImportOrigin.turn.withLock { _ in try takeInTurn(body, source: source, origin: origin) }
    }

    private func takeInTurn(_ body: ByteBuffer, source: String, origin: ImportOrigin?) throws -> Response {
        let known = try origin?.rowsTaken(engine) ?? 0
        let first = origin?.row ?? 1
        guard first <= known + 1 else {
            throw Problem(
                .badParameter, "row: of origin '\(origin?.name ?? "")' \(known) rows were taken in so far",
                faults: [.init("row", "expected at most \(known + 1), found \(first)")])
        }
        let read = body.withUnsafeReadableBytes { ImportReader($0, skipping: known - first + 1) }
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
        try origin?.note(rows: max(known, first + read.rows - 1), through: result.last, engine)
        result.dropped += read.skipped
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

/// What is imported, by a name that who sends it gives it: the hub remembers how many of its rows it has.
private struct ImportOrigin: Sendable {
    let name: String
    let source: String
    /// Number of the first line of the request, from 1.
    let row: Int

    static let turn = Mutex<Void>(())

    private var key: String { "import:\(source):\(name)" }

    /// How many rows were taken in. What was lost with the power counts as not taken in.
    func rowsTaken(_ engine: any EngineAccess) throws -> Int {
        let parts = try engine.store.text(forKey: key)?.split(separator: " ") ?? []
        guard parts.count == 3, let seq = UInt64(parts[1]), let rows = Int(parts[2]),
            engine.journal.judge(epoch: String(parts[0]), after: seq) == .valid
        else { return 0 }
        return rows
    }

    func note(rows: Int, through seq: UInt64, _ engine: any EngineAccess) throws {
        try engine.store.setText("\(engine.journal.epoch) \(seq) \(rows)", forKey: key)
    }
}
