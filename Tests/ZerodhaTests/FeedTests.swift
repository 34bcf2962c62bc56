import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import ZerodhaCore

@Suite("Zerodha: connections and subscriptions")
struct FeedTests {
    @Test("fetches the list, connects with both secrets, subscribes, and gives what comes")
    func connects() throws {
        let vendor = try TestVendor()
        try vendor.hub.start()
        let request = try #require(vendor.host.vendor.requests.first)
        #expect(request.url == "https://api.kite.trade/instruments" && request.rateClass == "other")
        #expect(request.headers == ["X-Kite-Version": "3", "Authorization": "token KEY:TOKEN"])
        try vendor.hub.want(["NSE:INFY", "NSE:NIFTY 50", "NSE:NOPE"], kinds: [.tick, .quote])
        #expect(vendor.host.vendor.openings.isEmpty)
        try vendor.answerInstruments()
        #expect(vendor.host.vendor.catalogs.map(\.status) == [0] && vendor.host.vendor.listings.count == 5)
        #expect(vendor.host.subscriptions == [3: SubscriptionState.failed.rawValue])
        let opening = try #require(vendor.host.vendor.openings.first)
        #expect(opening.url == "wss://ws.kite.trade?api_key=KEY&access_token=TOKEN")
        #expect(opening.beginsSession && opening.idleAfterMilliseconds == 5000)
        try vendor.hub.opened(1)
        #expect(
            vendor.sent(on: 1) == [
                #"{"a":"subscribe","v":[408065,256265]}"#, #"{"a":"mode","v":["full",[408065,256265]]}"#,
            ])
        #expect(vendor.host.feed.last?.state == FeedState.ok.rawValue)
        try vendor.hub.message([0], isText: false, on: 1)
        try vendor.hub.message(try Fixture.bytes("generated/mixed_4_packets.bin"), isText: false, on: 1)
        let records = vendor.records()
        #expect(records.ticks.map(\.head.stream) == [1, 2] && records.ticks.map(\.last) == [1573.15, 23612.2])
        #expect(vendor.host.vendor.counters == ["unwanted_packets": 2])
        for text in [#"{"type":"error","data":"out of order"}"#, "[1]", "nonsense", #"{"type":"order","data":{}}"#] {
            try vendor.hub.message(Array(text.utf8), isText: true, on: 1)
        }
        #expect(vendor.host.log.contains { $0.contains("out of order") })
    }

    @Test("tells exactly from when to when data was lost, and subscribes everything again")
    func reconnects() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:INFY", "NFO:BANKNIFTY25JANFUT"], kinds: [.tick])
        try vendor.hub.opened(1)
        #expect(vendor.sent(on: 1).last == #"{"a":"mode","v":["quote",[408065,12073986]]}"#)
        vendor.hub.now = monday + 3_000_000_000
        try vendor.hub.message([0], isText: false, on: 1)
        vendor.hub.now = monday + 9_000_000_000
        try vendor.hub.closed(1, code: 1006)
        #expect(vendor.host.feed.last?.state == FeedState.reconnecting.rawValue)
        #expect(vendor.host.vendor.openings.count == 2)
        vendor.hub.now = monday + 11_000_000_000
        try vendor.hub.closed(1, code: 1006, reason: "cannot be reached")
        try vendor.hub.opened(1)
        #expect(vendor.sent(on: 1).count == 2)
        #expect(
            vendor.host.gaps.map { [Int64($0.reason), $0.from, $0.to] } == [
                [1, monday + 3_000_000_000, 0], [1, monday + 3_000_000_000, monday + 11_000_000_000],
            ])
    }

    @Test("stops after two refusals, until somebody has logged in")
    func refusals() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:INFY"], kinds: [.tick])
        try vendor.hub.refused(1, status: 403)
        #expect(vendor.host.vendor.openings.count == 2)
        try vendor.hub.refused(1, status: 403)
        #expect(vendor.host.vendor.openings.count == 2)
        #expect(vendor.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        let url = try vendor.hub.loginURL(redirect: "http://hub/auth/zerodha/callback", state: "S=1")
        #expect(
            url == "https://kite.zerodha.com/connect/login?v=3&api_key=KEY&redirect_params=state%3DS%253D1")
        try vendor.hub.exchange([("status", "success"), ("request_token", "HUBSECRETr")], redirect: "")
        let request = try #require(vendor.host.vendor.requests.last)
        #expect(request.method == "POST" && request.url == "https://api.kite.trade/session/token")
        #expect(request.body == "api_key=KEY&request_token=HUBSECRETr&checksum=HUBSECRETderived0")
        #expect(vendor.host.vendor.derived["HUBSECRETderived0"]?.parts == ["KEY", "HUBSECRETr", "SECRET"])
        #expect(request.captures == ["/data/access_token": "access_token"])
        vendor.host.vendor.kept["access_token"] = ("HUBSECRETnew", monday + 72_000_000_000_000)
        try vendor.answer(#"{"status":"success","data":{"access_token":"HUBSECRETnew"}}"#)
        #expect(vendor.host.vendor.logins.map(\.status) == [0])
        #expect(vendor.host.vendor.openings.last?.url.hasSuffix("access_token=HUBSECRETnew") == true)
    }

    @Test("needs a login at six in the morning, without a token, and when the vendor says so")
    func expiry() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:INFY"], kinds: [.tick])
        try vendor.hub.opened(1)
        // 20 hours from ten in the morning.
        try vendor.hub.run(to: monday + 72_000_000_000_000 - 1)
        #expect(vendor.host.feed.last?.state == FeedState.ok.rawValue)
        try vendor.hub.run(to: monday + 72_000_000_000_000)
        #expect(vendor.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        #expect(vendor.host.vendor.closings.map(\.connection) == [1])
        try vendor.hub.closed(1, code: 1000)
        #expect(vendor.host.vendor.openings.count == 1)

        let bare = try TestVendor(["api_key": "KEY"])
        try bare.hub.start()
        #expect(bare.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        #expect(bare.host.vendor.requests.isEmpty)

        let dead = try TestVendor()
        try dead.hub.start()
        try dead.answer(
            #"{"status":"error","message":"Incorrect `api_key` or `access_token`.","error_type":"TokenException"}"#,
            status: 403)
        #expect(dead.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        #expect(dead.host.vendor.catalogs.map(\.status) == [2])
    }

    @Test("spreads instruments over connections, three thousand each, in messages of five hundred")
    func manyInstruments() throws {
        let vendor = try TestVendor()
        let rows = (1...9500).map { "\($0 * 256 + 1),\($0),S\($0),,0,,0,0.05,1,EQ,NSE,NSE" }
        try vendor.start(rows: rows)
        try vendor.hub.want((1...9500).map { "NSE:S\($0)" }, kinds: [.tick, .quote])
        #expect(vendor.host.vendor.openings.map(\.connection) == [1, 2, 3])
        #expect(vendor.host.subscriptions.values.count { $0 == SubscriptionState.failed.rawValue } == 500)
        for connection: UInt32 in 1...3 {
            try vendor.hub.opened(connection)
            let sent = vendor.sent(on: connection)
            #expect(sent.count == 12 && sent.prefix(6).allSatisfy { $0.hasPrefix(#"{"a":"subscribe""#) })
            #expect(sent.allSatisfy { $0.split(separator: ",").count <= 503 })
        }
        #expect(vendor.host.subscriptions.values.count { $0 == SubscriptionState.ok.rawValue } == 9000)
    }

    @Test("sends only what changed when wants change")
    func changes() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:INFY"], kinds: [.tick])
        try vendor.hub.opened(1)
        _ = vendor.sent(on: 1)
        try vendor.hub.want(["NSE:INFY", "NSE:TATAMOTORS"], kinds: [.tick, .quote])
        #expect(
            vendor.sent(on: 1) == [
                #"{"a":"subscribe","v":[884737]}"#, #"{"a":"mode","v":["full",[408065,884737]]}"#,
            ])
        try vendor.hub.want(["NSE:INFY", "NSE:TATAMOTORS"], kinds: [.tick, .quote])
        #expect(vendor.sent(on: 1).isEmpty)
        try vendor.hub.want(["NSE:INFY"], kinds: [])
        #expect(vendor.sent(on: 1) == [#"{"a":"unsubscribe","v":[408065]}"#])
        try vendor.hub.message(try Fixture.bytes("generated/mixed_4_packets.bin"), isText: false, on: 1)
        #expect(vendor.records().ticks.map(\.head.stream) == [2])
    }

    @Test("takes the operator's own names for instruments, and settings for where the vendor is")
    func names() throws {
        let vendor = try TestVendor([
            "api_key": "KEY", "access_token": "TOKEN", "mode": "ltp", "connections": 1,
            "rest_url": "http://127.0.0.1:1/", "websocket_url": "ws://127.0.0.1:2",
        ])
        vendor.host.vendor.names = ["NSE:MINE": "408065", "NSE:OTHER": "NSE:TATAMOTORS"]
        try vendor.start()
        try vendor.hub.want(["NSE:MINE", "NSE:OTHER", "NSE:INFY"], kinds: [.tick])
        #expect(vendor.host.vendor.requests.first?.url == "http://127.0.0.1:1/instruments")
        #expect(vendor.host.vendor.openings.first?.url == "ws://127.0.0.1:2?api_key=KEY&access_token=TOKEN")
        try vendor.hub.opened(1)
        #expect(vendor.sent(on: 1).last == #"{"a":"mode","v":["ltp",[408065,884737]]}"#)
        #expect(vendor.host.subscriptions[3] == SubscriptionState.failed.rawValue)
    }
}
