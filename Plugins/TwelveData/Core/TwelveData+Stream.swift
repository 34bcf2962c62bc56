public import PluginKit
import VendorKit

/// The stream of prices.
extension TwelveData {
    /// The one connection: a small plan has no other.
    static let stream: UInt32 = 1
    private static let second: Int64 = 1_000_000_000
    private static let streamed: KindSet = [.tick, .quote]
    /// Symbols of one message; a message may have a megabyte.
    private static let symbolsPerMessage = 1000

    public func want(_ items: [Want], now: Now) throws {
        var dropped: [TwelveDataSubscription] = []
        for item in items {
            let known = wanted.firstIndex { $0.handle == item.handle }
            let kinds = item.kinds.intersection(Self.streamed)
            if let known, kinds.isEmpty { dropped.append(wanted.remove(at: known)) }
            if item.kinds.isEmpty {
                host.subscription(item.handle, .ended)
            } else if kinds.isEmpty {
                host.subscription(
                    item.handle, .failed, reason: "TwelveData streams prices (tick, quote) alone, never trades")
            } else if let known {
                wanted[known].kinds = kinds
            } else {
                try add(item, kinds)
            }
        }
        rebuildRoutes()
        if wanted.isEmpty {
            if connection == .open || connection == .opening {
                host.close(Self.stream)
                connection = .closing
            }
            return
        }
        switch connection {
        case .none: try connect()
        case .open:
            let streaming = dropped.filter { $0.state == .asked || $0.state == .streaming }
            try tell("unsubscribe", streaming.map(\.name))
            try subscribe(now)
        case .opening, .closing: break
        case .refused:
            for item in wanted { host.subscription(item.handle, .failed, reason: "TwelveData refuses the key") }
        }
    }

    private func add(_ item: Want, _ kinds: KindSet) throws {
        guard let name = name(of: item.symbol) else {
            host.subscription(
                item.handle, .failed,
                reason: "TwelveData has no name for \(item.symbol); give its own in the provider's symbols")
            return
        }
        try host.describe(
            item.handle,
            Instrument(symbol: item.symbol, type: name.type, currency: listings[item.symbol]?.currency ?? ""))
        wanted.append(TwelveDataSubscription(handle: item.handle, symbol: item.symbol, name: name, kinds: kinds))
    }

    /// TwelveData's name of a canonical symbol: the operator's, or by rule.
    func name(of symbol: String) -> TwelveDataSymbols.Name? {
        if let name = host.named(symbol) { return TwelveDataSymbols.named(name) }
        return TwelveDataSymbols.vendor(symbol)
    }

    private func rebuildRoutes() {
        routes.deallocate()
        routes = TwelveDataRoutes(
            wanted.map { ($0.name.symbol, $0.venue, StreamTable.Entry(handle: $0.handle, kinds: $0.kinds)) })
    }

    func connect() throws {
        guard connection == .none, !isHolding, !wanted.isEmpty else { return }
        let url = URLText.make(settings.websocketURL, "", [("apikey", settings.key)])
        // An answer to a heartbeat every 10 s is a sign of life: silence is a stalled stream.
        try host.open(Self.stream, WebSocketRequest(url: url, idleAfterMilliseconds: 25_000))
        connection = .opening
    }

    public func opened(connection number: UInt32, into output: Output, now: Now) throws {
        guard number == Self.stream else { return }
        connection = .open
        heardAt = now.wallNanoseconds
        host.feed(.ok)
        try host.setTimer(
            Timer.heartbeat, atNanoseconds: now.wallNanoseconds + 10 * Self.second,
            everyNanoseconds: 10 * Self.second)
        try subscribe(now)
        // Asked for is as good as streaming: what is refused is told per symbol.
        if let lost {
            self.lost = nil
            host.gap(
                .sourceDown, handles: lost.handles, kinds: Self.streamed, fromNanoseconds: lost.since,
                toNanoseconds: max(now.wallNanoseconds, lost.since + 1))
        }
    }

    public func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection number: UInt32, into output: Output, now: Now
    ) throws {
        heardAt = now.wallNanoseconds
        switch try TwelveDataFrames.read(bytes, scratch, routes, into: output) {
        case .price, .heartbeat, .other: break
        case .subscribed(let isOK, let success, let fails): answered(isOK, success, fails)
        case .failure(let code, let text):
            guard code == 401 || code == 403 else {
                host.log(.warning, "TwelveData's stream: \(text) (\(code))")
                return
            }
            connection = .refused
            refuse("TwelveData refuses the key at the stream (\(code)): \(text)")
            host.close(Self.stream)
        }
    }

    private func answered(_ isOK: Bool, _ success: [TwelveDataItem], _ fails: [TwelveDataItem]) {
        for index in wanted.indices {
            if fails.contains(where: wanted[index].isNamed) {
                wanted[index].state = .rejected
                host.subscription(
                    wanted[index].handle, .failed,
                    reason: "TwelveData does not stream \(wanted[index].name.listed): unknown, or not in this plan")
            } else if success.contains(where: wanted[index].isNamed) || isOK && success.isEmpty {
                guard wanted[index].state == .asked else { continue }
                wanted[index].state = .streaming
                host.subscription(wanted[index].handle, .ok)
            }
        }
    }

    public func closed(
        connection number: UInt32, code: UInt32, reason: String, into output: Output, now: Now
    ) throws {
        guard number == Self.stream else { return }
        let wasOpen = connection == .open
        let isExpected = connection == .closing
        if connection != .refused { connection = .none }
        host.cancelTimer(Timer.heartbeat)
        if wasOpen, lost == nil {
            // Since the last sign of life everything may be lost.
            let handles = wanted.filter { $0.state == .streaming || $0.state == .asked }.map(\.handle)
            if !handles.isEmpty {
                lost = (heardAt, handles)
                host.gap(
                    .sourceDown, handles: handles, kinds: Self.streamed, fromNanoseconds: heardAt, toNanoseconds: nil)
            }
        }
        for index in wanted.indices { wanted[index].state = .waiting }
        guard connection == .none, !wanted.isEmpty else { return }
        if !isExpected {
            let told = reason.isEmpty ? "code \(code)" : "code \(code), \(reason)"
            host.feed(.reconnecting, reason: "the connection to TwelveData ended (\(told))")
        }
        try connect()
    }

    public func refused(connection number: UInt32, response: HTTPResponse, into output: Output, now: Now) throws {
        guard number == Self.stream else { return }
        let error = TwelveDataErrors.body(response.body, scratch)
        let told = error.map { ": \($0.message)" } ?? ""
        let status = response.status == 200 ? error?.code ?? 200 : response.status
        // A refusal comes as 401 or 403, or as 200 with an error in the body.
        if status == 401 || status == 403 || (response.status == 200 && error != nil && status != 429 && status < 500) {
            connection = .refused
            refuse("TwelveData refuses the key at the stream (\(status))\(told)")
            return
        }
        connection = .none
        host.feed(.reconnecting, reason: "TwelveData answered \(status) instead of opening the stream\(told)")
        // A fault of theirs is for the host's backoff; what they refuse is not asked for again at once.
        if response.status >= 500 || (300..<400).contains(response.status) { return try connect() }
        isHolding = true
        try host.setTimer(Timer.reopening, atNanoseconds: now.wallNanoseconds + 30 * Self.second)
    }

    func refuse(_ reason: String) {
        host.feed(.authenticationNeeded, reason: "\(reason); check api_key of this provider")
        for item in wanted { host.subscription(item.handle, .failed, reason: "TwelveData refuses the key") }
    }

    /// Asks for everything that is not asked for yet, in one message.
    private func subscribe(_ now: Now) throws {
        guard connection == .open else { return }
        let waiting = wanted.indices.filter { wanted[$0].state == .waiting }
        try tell("subscribe", waiting.map { wanted[$0].name })
        for index in waiting { wanted[index].state = .asked }
    }

    private func tell(_ action: String, _ names: [TwelveDataSymbols.Name]) throws {
        var rest = names[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.symbolsPerMessage)
            rest = rest.dropFirst(part.count)
            try host.send(TwelveDataMessage.text(action, Array(part)), on: Self.stream)
        }
    }
}
