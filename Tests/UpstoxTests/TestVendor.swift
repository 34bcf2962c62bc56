import PluginKit

@testable import PluginTestSupport
@testable import UpstoxCore

/// A Monday, 10:00 in India.
let monday: Int64 = 1_736_137_800_000_000_000

/// The plugin with a test in the vendor's place.
final class TestVendor {
    let hub: FakeVendorHub
    var host: FakeHost { hub.host }

    init(_ settings: Setting = ["api_key": "KEY", "access_token": "TOKEN", "api_secret": "SECRET"]) throws {
        hub = try FakeVendorHub(.provider(Upstox.self, Upstox.descriptor), settings, now: monday)
    }

    static let list = """
        [{"segment":"NSE_EQ","name":"RELIANCE","exchange":"NSE","isin":"INE002A01018","instrument_type":"EQ",
        "instrument_key":"NSE_EQ|INE002A01018","lot_size":1,"exchange_token":"2885","tick_size":10.0,"trading_symbol":"RELIANCE"},
        {"segment":"NSE_EQ","name":"VODAFONE IDEA","isin":"INE669E01016","instrument_type":"BE","instrument_key":"NSE_EQ|INE669E01016",
        "lot_size":1,"exchange_token":14366,"tick_size":1.0,"trading_symbol":"IDEA"},
        {"segment":"BSE_EQ","name":"RELIANCE","isin":"INE002A01018","instrument_type":"A","instrument_key":"BSE_EQ|INE002A01018",
        "lot_size":1,"exchange_token":"500325","tick_size":5.0,"trading_symbol":"RELIANCE"},
        {"segment":"NSE_INDEX","name":"Nifty 50","exchange":"NSE","instrument_type":"INDEX","instrument_key":"NSE_INDEX|Nifty 50",
        "exchange_token":"26000","trading_symbol":"NIFTY"},
        {"weekly":true,"segment":"NSE_FO","name":"NIFTY","expiry":1736447399000,"instrument_type":"CE","asset_symbol":"NIFTY",
        "asset_key":"NSE_INDEX|Nifty 50","instrument_key":"NSE_FO|40084","lot_size":75,"exchange_token":"40084","tick_size":5.0,
        "trading_symbol":"NIFTY 24000 CE 09 JAN 25","strike_price":24000.0},
        {"segment":"MOON_EQ","instrument_key":"MOON_EQ|1","trading_symbol":"X"}, 5]
        """

    /// Starts, and answers the request for the instrument list.
    func start() throws {
        try hub.start()
        try answer(TestVendor.list)
    }

    /// Answers the newest request.
    func answer(_ body: String, status: UInt32 = 200) throws {
        try hub.response(
            host.vendor.requests.last?.number ?? 0, status: status, headers: [("content-type", "application/json")],
            body: Array(body.utf8))
    }

    /// Answers the newest request for an address.
    func authorize() throws {
        try answer(#"{"status":"success","data":{"authorized_redirect_uri":"wss://wsfeeder-api.upstox.com/f?code=C"}}"#)
    }

    /// What was sent on a connection since the last call.
    func sent(on connection: UInt32) -> [String] {
        defer { host.vendor.sendings.removeAll { $0.connection == connection } }
        return host.vendor.sendings.filter { $0.connection == connection && !$0.isText }.map(\.text)
    }

    func records() -> RecordCollector { RecordCollector(holding: hub.take()) }
}
