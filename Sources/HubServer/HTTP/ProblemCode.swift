/// Every code of an error, with what belongs to it: the table of `objects.md`, section 7, and of `/v1/errors`.
///
/// The raw value is the word in `code`, the same in problem objects, in stream `error`s and in `bye`.
public enum ProblemCode: String, CaseIterable, Sendable, Hashable {
    case badParameter = "bad_parameter"
    case badTime = "bad_time"
    case badInterval = "bad_interval"
    case badRange = "bad_range"
    case badSymbol = "bad_symbol"
    case ambiguousSymbol = "ambiguous_symbol"
    case badCursor = "bad_cursor"
    case intervalNotAvailable = "interval_not_available"
    case cursorAhead = "cursor_ahead"
    case epochUnknown = "epoch_unknown"
    case tooManySymbols = "too_many_symbols"
    case requestTooLarge = "request_too_large"
    case uriTooLong = "uri_too_long"
    case unknownSymbol = "unknown_symbol"
    case unknownRoute = "unknown_route"
    case notFound = "not_found"
    case noData = "no_data"
    case methodNotAllowed = "method_not_allowed"
    case notAcceptable = "not_acceptable"
    case unauthenticated
    case forbidden
    case foreignOrigin = "foreign_origin"
    case rateLimited = "rate_limited"
    case unsupported
    case planRequired = "plan_required"
    case providerFailed = "provider_failed"
    case providerTimeout = "provider_timeout"
    case providerLimited = "provider_limited"
    case authNeeded = "auth_needed"
    case notReady = "not_ready"
    case overloaded
    case diskFull = "disk_full"
    case internalFault = "internal"
    case badMessage = "bad_message"
    case unknownOp = "unknown_op"
    case messageTooLarge = "message_too_large"
    case fromNotAllowed = "from_not_allowed"
    case nothingMatched = "nothing_matched"
    case notReplaying = "not_replaying"
    case notConfigured = "not_configured"
    case slowClient = "slow_client"
    case shutdown
    case keyExpired = "key_expired"

    /// The HTTP status; `nil` for codes of the stream alone.
    public var status: Int? { row.status }

    /// Whether the same request may work later.
    public var retry: Bool { row.retry }

    /// A short name for people, the same for every occurrence.
    public var title: String {
        let words = rawValue.split(separator: "_").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    /// One sentence on what it means.
    public var meaning: String { row.meaning }

    private var row: (status: Int?, retry: Bool, meaning: String) {
        switch self {
        case .badParameter: (400, false, "a parameter is unknown or cannot be read")
        case .badTime: (400, false, "not a time")
        case .badInterval: (400, false, "not an interval")
        case .badRange: (400, false, "the range ends before it begins")
        case .badSymbol: (400, false, "not a symbol")
        case .ambiguousSymbol: (400, false, "several instruments match the name")
        case .badCursor: (400, false, "not a cursor for this route and these parameters")
        case .intervalNotAvailable:
            (400, false, "bars of this interval are neither kept nor computable from what is kept")
        case .cursorAhead: (410, false, "the position is beyond the head of the journal; start again from meta.as_of")
        case .epochUnknown: (410, false, "the position is of another journal; start again from meta.as_of")
        case .tooManySymbols: (400, false, "more symbols than one request or connection may name")
        case .requestTooLarge: (413, false, "the headers or the body are larger than the hub takes")
        case .uriTooLong: (414, false, "the address is longer than the hub takes")
        case .unknownSymbol: (404, false, "no such instrument")
        case .unknownRoute: (404, false, "no such route")
        case .notFound: (404, false, "the thing does not exist")
        case .noData: (404, false, "it exists, and there is nothing yet")
        case .methodNotAllowed: (405, false, "the route does not take this method; see Allow")
        case .notAcceptable: (406, false, "no representation that the request accepts")
        case .unauthenticated: (401, false, "a valid key is needed")
        case .forbidden: (403, false, "the key does not allow this")
        case .foreignOrigin: (403, false, "a web page of another origin asked, and hub.cors.origins does not name it")
        case .rateLimited: (429, true, "this client asks too often")
        case .unsupported: (501, false, "no provider here offers it")
        case .planRequired: (501, false, "the vendor's plan does not include it")
        case .providerFailed: (502, true, "every provider that was asked failed")
        case .providerTimeout: (504, true, "no provider answered in time")
        case .providerLimited: (503, true, "the budget with the vendor is spent for now")
        case .authNeeded: (503, true, "the provider waits for a login")
        case .notReady: (503, true, "the hub is starting")
        case .overloaded: (503, true, "the hub has too much to do")
        case .diskFull: (507, true, "nothing new is taken in; history is still served")
        case .internalFault: (500, true, "a fault of the hub; quote request_id")
        case .badMessage: (nil, false, "stream: a message that cannot be read")
        case .unknownOp: (nil, false, "stream: no such op")
        case .messageTooLarge: (nil, false, "stream: a message larger than the hub takes")
        case .fromNotAllowed: (nil, false, "stream: a position belongs to the first subscribe; open another connection")
        case .nothingMatched: (nil, false, "stream: no known name and no glob")
        case .notReplaying: (nil, false, "stream: only a replay can be paused, resumed or set to a speed")
        case .notConfigured: (nil, false, "stream: the value is not configured in hub.yaml")
        case .slowClient: (nil, true, "stream: the client read too slowly")
        case .shutdown: (nil, true, "stream: the hub is stopping")
        case .keyExpired: (nil, true, "stream: the key expired or was revoked")
        }
    }
}
