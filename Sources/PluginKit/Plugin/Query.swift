import PluginABI

/// A question to a ``QueryProvider``.
public struct Query: Sendable {
    /// What is asked for. Raw values are those of `hub/ext/query.h`.
    public enum Kind: UInt32, Sendable {
        case quotes = 1
        case bars = 2
        case profile = 3
        case news = 4
        case sentiment = 5
        case search = 6
        case marketStatus = 7
        case calendar = 8
    }

    public var identifier: UInt64
    public var kind: Kind
    /// Canonical; one for bars, profile and sentiment.
    public var symbols: [String]
    /// Search: what is searched for; market status and calendar: the venue.
    public var text: String
    /// Bars: seconds.
    public var interval: UInt32
    /// nil = as many as there are.
    public var limit: Int?
    /// Inclusive; nil = open.
    public var fromNanoseconds: Int64?
    /// Exclusive; nil = open.
    public var toNanoseconds: Int64?
    /// Where an earlier answer left off; empty: the beginning.
    public var next: String
    public var deadlineNanoseconds: Int64

    /// Makes one, for tests.
    public init(
        identifier: UInt64, kind: Kind, symbols: [String] = [], text: String = "", interval: UInt32 = 0,
        limit: Int? = nil, fromNanoseconds: Int64? = nil, toNanoseconds: Int64? = nil, next: String = "",
        deadlineNanoseconds: Int64 = .max
    ) {
        self.identifier = identifier
        self.kind = kind
        self.symbols = symbols
        self.text = text
        self.interval = interval
        self.limit = limit
        self.fromNanoseconds = fromNanoseconds
        self.toNanoseconds = toNanoseconds
        self.next = next
        self.deadlineNanoseconds = deadlineNanoseconds
    }

    init?(_ raw: UnsafePointer<hub_query>) {
        guard let kind = Kind(rawValue: raw.pointee.kind) else { return nil }
        identifier = raw.pointee.id
        self.kind = kind
        symbols = (0..<Int(raw.pointee.symbol_count)).map { String(raw.pointee.symbols[$0]) }
        text = String(raw.pointee.text)
        interval = raw.pointee.interval
        limit = raw.pointee.limit == 0 ? nil : Int(raw.pointee.limit)
        fromNanoseconds = raw.pointee.from_ns == 0 ? nil : raw.pointee.from_ns
        toNanoseconds = raw.pointee.to_ns == 0 ? nil : raw.pointee.to_ns
        next = String(raw.pointee.next)
        deadlineNanoseconds = raw.pointee.deadline_ns
    }
}

/// The widest span that one query for bars may have.
public struct QuerySpan: Sendable {
    /// Seconds; 0 = any other interval.
    public var interval: UInt32
    /// 0 = not offered.
    public var days: UInt32

    /// Makes one.
    public init(interval: UInt32, days: UInt32) {
        self.interval = interval
        self.days = days
    }
}

/// Records of an answer on their way to the host, which takes them whenever this space is full.
private final class AnswerSpace {
    static let bytes = 64 << 10

    let host: Host
    let query: UInt64
    let start: UnsafeMutableRawPointer
    var status: hub_status = 0

    init(_ host: Host, _ query: UInt64) {
        self.host = host
        self.query = query
        start = .allocate(byteCount: Self.bytes, alignment: 64)
    }

    deinit { start.deallocate() }

    func flush(_ out: UnsafeMutablePointer<hub_out>) {
        let length = UnsafeRawPointer(out.pointee.at.unsafelyUnwrapped) - UnsafeRawPointer(start)
        guard length > 0, let table = host.tables.query else { return }
        let result = table.pointee.records(host.raw, query, start, UInt64(length))
        if status == 0 { status = result }
        out.pointee.at = start.assumingMemoryBound(to: UInt8.self)
    }
}

extension Host {
    /// Answers a query with records; their `stream` is the place of the symbol in the query, from 1 on. May be called
    /// several times for one query.
    public func answer(_ query: UInt64, records body: (Output) throws -> Void) throws {
        guard tables.query != nil else { throw missing("queries") }
        let space = AnswerSpace(self, query)
        let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
        defer { out.deallocate() }
        out.initialize(
            to: hub_out(
                at: space.start.assumingMemoryBound(to: UInt8.self),
                end: (space.start + AnswerSpace.bytes).assumingMemoryBound(to: UInt8.self),
                host: Unmanaged.passUnretained(space).toOpaque(),
                more: { out, lines in
                    guard let out, let host = out.pointee.host else { return 0 }
                    Unmanaged<AnswerSpace>.fromOpaque(host).takeUnretainedValue().flush(out)
                    return Int(lines) * Int(HUB_LINE) <= AnswerSpace.bytes ? 1 : 0
                }))
        try withExtendedLifetime(space) { try body(Output(out)) }
        space.flush(out)
        guard space.status == 0 else {
            throw PluginError(
                PluginError.Status(rawValue: space.status) ?? .internal, "the host refused records of query \(query)")
        }
    }

    /// Answers a query with one JSON text.
    public func answer(_ query: UInt64, json: String) throws {
        guard let table = tables.query else { throw missing("queries") }
        let status = json.withHubText { table.pointee.json(raw, query, $0) }
        guard status == 0 else {
            throw PluginError(
                PluginError.Status(rawValue: status) ?? .internal, "the host refused the answer to query \(query)")
        }
    }

    /// Ends an answer; `next` says where to go on, empty: that was all.
    public func answered(_ query: UInt64, next: String = "") {
        HubTexts.with([("", next)]) { texts, nexts in
            tables.query?.pointee.done(raw, query, 0, texts[0], -1, nexts[0])
        }
    }

    /// Ends an answer with why there is none.
    public func answered(_ query: UInt64, _ error: PluginError) {
        HubTexts.with([(error.text, "")]) { texts, nexts in
            tables.query?.pointee.done(
                raw, query, error.status.rawValue, texts[0], error.retryAfterMilliseconds ?? -1, nexts[0])
        }
    }
}
