import PluginKit
import VendorKit

/// A request on its way, or waiting for credits, and what it is for.
struct TwelveDataRequest {
    enum Purpose {
        /// Symbols in the order of the query, as they are written in the request.
        case quotes(query: UInt64, names: [String])
        case bars(query: UInt64, Query)
        case profile(query: UInt64, symbol: String)
        case news(group: UInt64, symbol: String)
        case search(query: UInt64, limit: Int?)
        case marketStatus(query: UInt64, venue: String)
        case calendar(query: UInt64, venue: String, date: String)
        /// One of the lists that the catalogue is made of.
        case catalog(TwelveDataList)

        /// The query it answers; `nil` = none.
        var query: UInt64? {
            switch self {
            case .quotes(let query, _), .bars(let query, _), .profile(let query, _), .search(let query, _),
                .marketStatus(let query, _), .calendar(let query, _, _):
                query
            case .news(let group, _): group
            case .catalog: nil
            }
        }
    }

    var purpose: Purpose
    var path: String
    var parameters: [(name: String, value: String)]
    /// Which part of the market, for what a plan leaves out.
    var market = ""
    var credits = 1
    var deadlineNanoseconds: Int64 = .max

    /// What a plan includes or not.
    var endpoint: String { market.isEmpty ? path : "\(path) (\(market))" }
}

/// The lists of instruments, in the order of asking.
enum TwelveDataList: String, CaseIterable {
    case stocks = "/stocks"
    case etfs = "/etfs"
    case forex = "/forex_pairs"
    case crypto = "/cryptocurrencies"

    var parameters: [(name: String, value: String)] {
        switch self {
        case .stocks, .etfs: [("country", "United States")]
        case .forex, .crypto: []
        }
    }

    var next: TwelveDataList? {
        let all = Self.allCases
        guard let place = all.firstIndex(of: self), place + 1 < all.count else { return nil }
        return all[place + 1]
    }
}
