import IndianMarkets
import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport
@testable import UpstoxCore

@Suite("Upstox: connections and subscriptions")
struct SessionTests {
    @Test("asks for an address before every connection, and subscribes in binary messages")
    func connects() throws {
        let vendor = try TestVendor()
        try vendor.hub.start()
        let list = try #require(vendor.host.vendor.requests.first)
        #expect(
            list.url == "https://assets.upstox.com/market-quote/instruments/exchange/complete.json.gz"
                && list.headers.isEmpty)
        try vendor.hub.want(["NSE:RELIANCE", "NSE:NIFTY 50", "NSE:NOPE"], kinds: [.tick, .quote])
        try vendor.answer(TestVendor.list)
        #expect(vendor.host.vendor.catalogs.map(\.status) == [0])
        #expect(vendor.host.subscriptions == [3: SubscriptionState.failed.rawValue])
        for attempt in 1...2 {
            let request = try #require(vendor.host.vendor.requests.last)
            #expect(request.url == "https://api.upstox.com/v3/feed/market-data-feed/authorize")
            #expect(request.beginsSession && request.headers["Authorization"] == "Bearer TOKEN")
            try vendor.authorize()
            let opening = try #require(vendor.host.vendor.openings.last)
            #expect(opening.url == "wss://wsfeeder-api.upstox.com/f?code=C" && !opening.beginsSession)
            #expect(vendor.host.vendor.openings.count == attempt)
            try vendor.hub.opened(1)
            let number = attempt
            #expect(
                vendor.sent(on: 1) == [
                    #"{"guid":"hub-\#(number)","method":"sub","data":{"mode":"full","#
                        + #""instrumentKeys":["NSE_EQ|INE002A01018","NSE_INDEX|Nifty 50"]}}"#
                ])
            #expect(vendor.host.feed.last?.state == FeedState.ok.rawValue)
            vendor.hub.now += 1_000_000_000
            try vendor.hub.message(
                try Fixture.bytes("generated-v3/02_snapshot_ltpc.bin"), isText: false, on: 1)
            #expect(Set(vendor.records().ticks.map(\.last)) == [1251.35, 23612.2])
            vendor.hub.now += 1_000_000_000
            try vendor.hub.closed(1, code: 1006)
        }
        #expect(
            vendor.host.gaps.map { [$0.from - monday, $0.to == 0 ? 0 : $0.to - monday] } == [
                [1_000_000_000, 0], [1_000_000_000, 2_000_000_000], [3_000_000_000, 0],
            ])
    }

    @Test("needs a login when the token is refused, and begins anew after one")
    func login() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:RELIANCE"], kinds: [.tick])
        try vendor.answer(
            #"{"status":"error","errors":[{"errorCode":"UDAPI100050","message":"Invalid token used to access API"}]}"#,
            status: 401)
        #expect(vendor.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        #expect(
            try vendor.hub.loginURL(redirect: "http://hub/auth/upstox/callback", state: "S")
                == "https://api.upstox.com/v2/login/authorization/dialog?response_type=code&client_id=KEY&"
                + "redirect_uri=http%3A%2F%2Fhub%2Fauth%2Fupstox%2Fcallback&state=S")
        try vendor.hub.exchange([("code", "HUBSECRETc"), ("state", "S")], redirect: "http://hub/auth/upstox/callback")
        let request = try #require(vendor.host.vendor.requests.last)
        #expect(
            request.body == "code=HUBSECRETc&client_id=KEY&client_secret=SECRET&"
                + "redirect_uri=http%3A%2F%2Fhub%2Fauth%2Fupstox%2Fcallback&grant_type=authorization_code")
        #expect(request.captures == ["/access_token": "access_token"])
        // Half past three in the morning.
        let end = monday + 63_000_000_000_000
        vendor.host.vendor.kept["access_token"] = ("HUBSECRETnew", end)
        try vendor.answer(#"{"access_token":"HUBSECRETnew"}"#)
        #expect(vendor.host.vendor.logins.map(\.status) == [0])
        #expect(vendor.host.vendor.requests.last?.headers["Authorization"] == "Bearer HUBSECRETnew")
        try vendor.authorize()
        try vendor.hub.opened(1)
        try vendor.hub.run(to: end)
        #expect(vendor.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
    }

    @Test("an address that was used up is asked for again, two refusals are the token")
    func refusals() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NSE:RELIANCE"], kinds: [.tick])
        try vendor.authorize()
        try vendor.hub.refused(1, status: 403)
        try vendor.hub.run(to: monday + 10_000_000_000)
        try vendor.authorize()
        #expect(vendor.host.vendor.openings.count == 2)
        try vendor.hub.refused(1, status: 403)
        #expect(vendor.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
        let second = try TestVendor()
        try second.start()
        try second.hub.want(["NSE:RELIANCE"], kinds: [.tick])
        try second.authorize()
        try second.hub.refused(1, status: 401)
        #expect(second.host.feed.last?.state == FeedState.authenticationNeeded.rawValue)
    }

    @Test("sends only what changed when wants change, and chooses the mode from what is wanted")
    func changes() throws {
        let vendor = try TestVendor()
        try vendor.start()
        try vendor.hub.want(["NFO:NIFTY2510924000CE"], kinds: [.greeks, .quote])
        try vendor.authorize()
        try vendor.hub.opened(1)
        #expect(vendor.sent(on: 1).first?.contains(#""mode":"option_greeks""#) == true)
        try vendor.hub.want(["NFO:NIFTY2510924000CE", "NSE:IDEA-BE"], kinds: [.tick, .greeks])
        #expect(
            vendor.sent(on: 1).map { $0.split(separator: ",", maxSplits: 1).last.map(String.init) } == [
                #""method":"sub","data":{"mode":"full","instrumentKeys":["NSE_EQ|INE669E01016"]}}"#,
                #""method":"change_mode","data":{"mode":"full","instrumentKeys":["NSE_FO|40084"]}}"#,
            ])
        try vendor.hub.want(["NSE:IDEA-BE"], kinds: [])
        #expect(vendor.sent(on: 1).first?.contains(#""method":"unsub","data":{"instrumentKeys":["#) == true)
        try vendor.hub.message(try Fixture.bytes("generated-v3/05_option_greeks.bin"), isText: false, on: 1)
        let records = vendor.records()
        #expect(records.ticks.first?.open_interest == 2_215_425 && records.greeks.first?.delta == 0.4952)
    }

    @Test("connections take what the vendor allows, alone and mixed")
    func limits() {
        #expect(UpstoxMode.fits([.full: 2000]) && !UpstoxMode.fits([.full: 2001]))
        #expect(UpstoxMode.fits([.last: 5000]) && !UpstoxMode.fits([.last: 1999, .greeks: 2]))
        #expect(UpstoxMode.fits([.full: 1499, .last: 1]) && !UpstoxMode.fits([.full: 1500, .last: 1]))
        #expect(UpstoxMode.fits([.deep: 50]) && !UpstoxMode.fits([.deep: 51]))
    }
}
