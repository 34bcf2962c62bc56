import PluginKit
import VendorKit

/// A request on its way and what it is for.
struct FinnhubRequest {
    enum Purpose {
        case quote(query: UInt64)
        case bars(query: UInt64, Query)
        case profile(query: UInt64, symbol: String)
        case news(group: UInt64, symbol: String, vendor: String)
        case sentiment(query: UInt64, symbol: String)
        case search(query: UInt64, limit: Int?)
        case marketStatus(query: UInt64, venue: String)
        case calendar(query: UInt64, venue: String, from: String, to: String)
        case catalog
        /// Is it the key that was refused, or the call? Holds the request that was refused.
        indirect case probe(FinnhubRequest, PluginError)

        /// The query it answers; `nil` = none.
        var query: UInt64? {
            switch self {
            case .quote(let query), .bars(let query, _), .profile(let query, _), .sentiment(let query, _),
                .search(let query, _), .marketStatus(let query, _), .calendar(let query, _, _, _):
                query
            case .news(let group, _, _): group
            case .catalog: nil
            case .probe(let request, _): request.purpose.query
            }
        }
    }

    var purpose: Purpose
    var path: String
    var parameters: [(name: String, value: String)]
    /// Which part of the market, for what a plan leaves out: an exchange's code.
    var exchange = ""
    var deadlineNanoseconds: Int64 = .max

    /// What a plan includes or not.
    var endpoint: String { exchange.isEmpty ? path : "\(path) (\(exchange))" }
}
