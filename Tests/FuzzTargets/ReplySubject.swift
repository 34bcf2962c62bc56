import PluginKit
import PluginTestSupport
import VendorStages

/// Bodies of HTTP answers to what a plugin asks: each is given once with status 200 and once with a failure's.
final class ReplySubject: FuzzSubject {
    private let make: () throws -> VendorStage
    private let contentType: String
    /// Makes the plugin ask, in the query of that number.
    private let ask: (FakeVendorHub, UInt64) throws -> Void
    private var stage: VendorStage
    private var rounds = 0
    private var query: UInt64 = 0

    private static let mostRounds = 300
    private static let failures: [UInt32] = [400, 401, 403, 404, 429, 500]
    /// What follows one answer at most: the parts of a long range, one list after the other.
    private static let mostRequests = 8

    init(
        contentType: String = "application/json", _ make: @escaping () throws -> VendorStage,
        ask: @escaping (FakeVendorHub, UInt64) throws -> Void
    ) throws {
        self.make = make
        self.contentType = contentType
        self.ask = ask
        stage = try make()
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws {
        try answer(bytes, status: 200)
        try answer(bytes, status: Self.failures[bytes.count % Self.failures.count])
    }

    private func answer(_ bytes: UnsafeRawBufferPointer, status: UInt32) throws {
        rounds += 1
        if rounds > Self.mostRounds { try renew() }
        if !asked() {
            // What was refused for good, or is to wait, is begun anew.
            try renew()
            guard asked() else { throw FuzzFailure("a new instance of the plugin asks its vendor nothing") }
        }
        let hub = stage.hub
        var place = 0
        while place < min(hub.host.vendor.requests.count, Self.mostRequests) {
            let request = hub.host.vendor.requests[place].number
            place += 1
            do {
                try hub.response(
                    request, status: status, headers: [("Content-Type", contentType)], body: bytes)
            } catch is Refusal {}
        }
        try Soundness.check(hub.take(), streams: hub.host.streams.count, zero: true)
        for answer in hub.host.vendor.answers.values {
            try Soundness.check(answer.records, streams: stage.symbols.count, zero: false)
            if let json = answer.json { try Soundness.check(json: json) }
        }
    }

    private func asked() -> Bool {
        query += 1
        let hub = stage.hub
        hub.host.vendor.requests = []
        hub.host.vendor.answers = [:]
        hub.host.vendor.listings = []
        hub.host.log = []
        hub.host.feed = []
        // So that no budget is ever spent.
        hub.now += 61_000_000_000
        do {
            try ask(hub, query)
        } catch {
            return false
        }
        return !hub.host.vendor.requests.isEmpty
    }

    private func renew() throws {
        rounds = 0
        stage = try make()
    }
}
