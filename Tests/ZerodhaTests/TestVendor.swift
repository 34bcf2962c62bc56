import PluginKit

@testable import PluginTestSupport
@testable import ZerodhaCore

/// A Monday, 10:00 in India.
let monday: Int64 = 1_736_137_800_000_000_000

/// The plugin with a test in the vendor's place.
final class TestVendor {
    let hub: FakeVendorHub
    var host: FakeHost { hub.host }

    init(_ settings: Setting = ["api_key": "KEY", "access_token": "TOKEN", "api_secret": "SECRET"]) throws {
        hub = try FakeVendorHub(.provider(Zerodha.self, Zerodha.descriptor), settings, now: monday)
    }

    static let header =
        "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange"
    static let rows = [
        "408065,1594,INFY,INFOSYS,0,,0,0.05,1,EQ,NSE,NSE",
        "884737,3456,TATAMOTORS,TATA MOTORS,0,,0,0.05,1,EQ,NSE,NSE",
        "256265,1001,Nifty 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE",
        "12073986,47164,BANKNIFTY25JANFUT,BANKNIFTY,0,2025-01-30,0,0.05,15,FUT,NFO-FUT,NFO",
        "333059,1301,USDINR25JANFUT,USDINR,0,2025-01-29,0,0.0025,1,FUT,CDS-FUT,CDS",
    ]

    /// Starts, and answers the request for the instrument list.
    func start(rows: [String] = TestVendor.rows) throws {
        try hub.start()
        try answerInstruments(rows)
    }

    func answerInstruments(_ rows: [String] = TestVendor.rows) throws {
        let request = host.vendor.requests.last { $0.url.hasSuffix("/instruments") }
        try hub.response(
            request?.number ?? 0, status: 200, headers: [("Content-Type", "text/csv")],
            body: Array(([TestVendor.header] + rows).joined(separator: "\r\n").utf8))
    }

    /// Answers the newest request.
    func answer(_ body: String, status: UInt32 = 200) throws {
        try hub.response(
            host.vendor.requests.last?.number ?? 0, status: status, headers: [("content-type", "application/json")],
            body: Array(body.utf8))
    }

    /// What was sent on a connection since the last call.
    func sent(on connection: UInt32) -> [String] {
        defer { host.vendor.sendings.removeAll { $0.connection == connection } }
        return host.vendor.sendings.filter { $0.connection == connection }.map(\.text)
    }

    func records() -> RecordCollector { RecordCollector(holding: hub.take()) }
}
