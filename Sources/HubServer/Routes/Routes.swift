import EventFormat
import HubFold
import HubModel
import HubRuntime
import HummingbirdCore
import NIOPosix

/// The routes of the hub and what they share. Each group of routes is an extension in a file of its own.
struct Routes: Sendable {
    let engine: any EngineAccess
    let directories: SymbolDirectories
    let metrics: ServerMetrics
    let settings: ServerSettings
    /// Reading history takes its time and blocks: it happens on threads of its own.
    let pool: NIOThreadPool
    let walks = WalkCache()
    let phases = PhaseCache()
    let marks = ExportMarks()

    func add(to table: inout RouteTable) {
        addHealth(to: &table)
        addStatus(to: &table)
        addInstruments(to: &table)
        addQuotes(to: &table)
        addBars(to: &table)
        addEvents(to: &table)
        addExport(to: &table)
        addCatalogues(to: &table)
        addUDF(to: &table)
        addAsOf(to: &table)
        addMovers(to: &table)
        addQuality(to: &table)
        addImports(to: &table)
        addProfiles(to: &table)
        addMarket(to: &table)
        addBackfills(to: &table)
        addContract(to: &table)
        addLogin(to: &table)
    }

    /// Parameters of a call, times relative to the hub's clock.
    func parameters(_ call: Call) -> ParameterReader {
        ParameterReader(call.query, now: engine.wallNanoseconds)
    }

    /// Waits until everybody may see a position: the fold is a little ahead of what is published.
    func published(_ seq: UInt64) async throws {
        var waited: Int64 = 0
        while engine.journal.head < seq {
            guard waited < settings.requestNanoseconds else {
                throw Problem(.overloaded, "the journal did not reach position \(seq) within the time limit")
            }
            try await Task.sleep(nanoseconds: 200_000)
            waited += 200_000
        }
    }

    /// Runs something that blocks on the threads for it.
    func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await pool.runIfActive { try body() }
    }

    /// What `limit` says: 1,000 if nothing.
    static func limit(_ reader: inout ParameterReader, most: Int) -> Int {
        reader.integer("limit", in: 1...most) ?? min(1000, most)
    }

    /// Reads `cursor` as the token of a page of this walk.
    func pageToken(_ reader: inout ParameterReader, _ call: Call) -> (token: PageToken?, binding: UInt64) {
        let binding = PageToken.binding(path: call.path, query: call.query)
        guard let text = reader.text("cursor") else { return (nil, binding) }
        guard let token = PageToken(text, binding: binding) else {
            reader.fault(.badCursor, "cursor", "is not a page token of this route with these parameters; see meta.next")
            return (nil, binding)
        }
        return (token, binding)
    }
}
