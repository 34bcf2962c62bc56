import FinnhubCore
package import PluginKit
package import PluginTestSupport
import TwelveDataCore
import UpstoxCore
import ZerodhaCore

/// A vendor's plugin as it is in the hub, started, connected and streaming, with a program in the vendor's place: for what
/// measures and fuzzes the plugins through their own calls.
package final class VendorStage {
    package let hub: FakeVendorHub
    /// What is streamed; a symbol's handle is its place, from 1 on.
    package let symbols: [String]

    // What describes a plugin lives for ever, so each is described once.
    private static let zerodhaPlugin = Registration.provider(Zerodha.self, Zerodha.descriptor)
    private static let upstoxPlugin = Registration.provider(Upstox.self, Upstox.descriptor)
    private static let finnhubPlugin = Registration.provider(Finnhub.self, Finnhub.descriptor)
    private static let twelveDataPlugin = Registration.provider(TwelveData.self, TwelveData.descriptor)

    private init(_ hub: FakeVendorHub, _ symbols: [String]) {
        self.hub = hub
        self.symbols = symbols
    }

    /// Answers the newest request.
    package func answer(_ body: [UInt8], status: UInt32 = 200, type: String = "application/json") throws {
        try hub.response(
            hub.host.vendor.requests.last?.number ?? 0, status: status, headers: [("Content-Type", type)], body: body)
    }
}

// MARK: India

extension VendorStage {
    /// A Monday, 10:00 in India.
    package static let indianTime: Int64 = 1_736_137_800_000_000_000

    /// - Parameter instruments: of NSE, each with its token.
    package static func zerodha(
        _ instruments: [(name: String, token: UInt32)], streams symbols: [String], kinds: KindSet
    ) throws -> VendorStage {
        let hub = try FakeVendorHub(
            zerodhaPlugin,
            ["api_key": "KEY", "access_token": "TOKEN", "api_secret": "SECRET"], now: indianTime)
        let stage = VendorStage(hub, symbols)
        try hub.start()
        let header =
            "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
            + "instrument_type,segment,exchange\n"
        let rows = instruments.map { "\($0.token),\($0.token >> 8),\($0.name),\($0.name),0,,0,0.05,1,EQ,NSE,NSE\n" }
        try stage.answer(Array((header + rows.joined()).utf8), type: "text/csv")
        try stage.stream(kinds, connection: 1)
        return stage
    }

    /// - Parameter instruments: of NSE, each with its key.
    package static func upstox(
        _ instruments: [(name: String, key: String)], streams symbols: [String], kinds: KindSet
    ) throws -> VendorStage {
        let hub = try FakeVendorHub(
            upstoxPlugin,
            ["api_key": "KEY", "access_token": "TOKEN", "api_secret": "SECRET"], now: indianTime)
        let stage = VendorStage(hub, symbols)
        try hub.start()
        let rows = instruments.map { name, key in
            #"{"segment":"NSE_EQ","name":"\#(name)","exchange":"NSE","instrument_type":"EQ","instrument_key":"\#(key)","#
                + #""lot_size":1,"exchange_token":"1","tick_size":5.0,"trading_symbol":"\#(name)"}"#
        }
        try stage.answer(Array("[\(rows.joined(separator: ","))]".utf8))
        try hub.want(symbols, kinds: kinds)
        try stage.answer(
            Array(#"{"status":"success","data":{"authorized_redirect_uri":"wss://127.0.0.1/feed?code=C"}}"#.utf8))
        try hub.opened(1)
        return stage
    }

    private func stream(_ kinds: KindSet, connection: UInt32) throws {
        try hub.want(symbols, kinds: kinds)
        try hub.opened(connection)
    }
}

// MARK: United States

extension VendorStage {
    /// A Monday, 9:35 in New York.
    package static let americanTime: Int64 = 1_736_174_100_000_000_000

    package static func finnhub(streams symbols: [String], kinds: KindSet) throws -> VendorStage {
        let hub = try FakeVendorHub(
            finnhubPlugin, ["api_key": "KEY"], now: americanTime)
        let stage = VendorStage(hub, symbols)
        try hub.start()
        try stage.stream(kinds, connection: 1)
        return stage
    }

    package static func twelvedata(streams symbols: [String], kinds: KindSet) throws -> VendorStage {
        let hub = try FakeVendorHub(
            twelveDataPlugin, ["api_key": "KEY", "plan": "ultra"],
            now: americanTime)
        let stage = VendorStage(hub, symbols)
        try hub.start()
        try stage.stream(kinds, connection: 1)
        return stage
    }
}
