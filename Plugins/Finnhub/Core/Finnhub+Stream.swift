public import PluginKit
import VendorKit

/// The stream of trades.
extension Finnhub {
    /// The one connection: a second one with the same key would close the first.
    static let stream: UInt32 = 1
    /// Finnhub takes one symbol a message; this many a second are never too many.
    private static let messagesPerSecond = 15
    private static let second: Int64 = 1_000_000_000
    private static let streamed: KindSet = [.trade, .tick]

    public func want(_ items: [Want], now: Now) throws {
        for item in items { try want(item) }
        rebuildTable()
        if wanted.isEmpty {
            if connection == .open || connection == .opening {
                host.close(Self.stream)
                connection = .closing
            }
            return
        }
        switch connection {
        case .none: try connect()
        case .open: try subscribe(now)
        case .opening, .closing: break
        case .refused:
            for item in wanted { host.subscription(item.handle, .failed, reason: "Finnhub refuses the key") }
        }
    }

    private func want(_ item: Want) throws {
        let known = wanted.firstIndex { $0.handle == item.handle }
        if item.kinds.isEmpty {
            if let known { wanted.remove(at: known) }
            host.subscription(item.handle, .ended)
            return
        }
        let kinds = item.kinds.intersection(Self.streamed)
        guard !kinds.isEmpty else {
            if let known { wanted.remove(at: known) }
            host.subscription(
                item.handle, .failed, reason: "Finnhub streams trades and prices alone; other kinds are asked for")
            return
        }
        if let known {
            wanted[known].kinds = kinds
            return
        }
        guard let name = self.name(of: item.symbol) else {
            host.subscription(
                item.handle, .failed,
                reason: "Finnhub has no name for \(item.symbol); give its own in the provider's symbols")
            return
        }
        let instrument = Instrument(symbol: item.symbol, type: name.type, marketCentre: name.marketCentre)
        var stream = item.handle
        if name.marketCentre.isEmpty {
            try host.describe(item.handle, instrument)
        } else {
            stream = host.define(instrument) ?? item.handle
        }
        wanted.append(
            FinnhubSubscription(handle: item.handle, stream: stream, symbol: item.symbol, name: name, kinds: kinds))
    }

    /// Finnhub's name of a canonical symbol: the operator's, or by rule.
    func name(of symbol: String) -> FinnhubSymbols.Name? {
        if let name = host.named(symbol) { return FinnhubSymbols.named(name) }
        return FinnhubSymbols.vendor(symbol)
    }

    private func rebuildTable() {
        table.deallocate()
        table = StreamTable(
            wanted.map { ($0.name.vendor, StreamTable.Entry(handle: $0.stream, kinds: $0.kinds)) })
    }

    func connect() throws {
        guard connection == .none, !isHolding, !wanted.isEmpty else { return }
        let url = URLText.make(settings.websocketURL, "", [("token", settings.key)])
        try host.open(Self.stream, WebSocketRequest(url: url, idleAfterMilliseconds: 120_000))
        connection = .opening
    }

    public func opened(connection number: UInt32, into output: Output, now: Now) throws {
        guard number == Self.stream else { return }
        connection = .open
        openedAt = now.monotonicNanoseconds
        heardAt = now.wallNanoseconds
        streaming = []
        host.feed(.ok)
        try subscribe(now)
    }

    public func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection number: UInt32, into output: Output, now: Now
    ) throws {
        heardAt = now.wallNanoseconds
        quickCloses = 0
        switch try FinnhubFrames.read(bytes, scratch, table, into: output) {
        case .trades(_, _, let bad):
            if bad > 0 { host.count("bad_trades", by: UInt64(bad)) }
        case .ping, .other: break
        case .failure(let text): try failed(text, now)
        }
    }

    public func closed(
        connection number: UInt32, code: UInt32, reason: String, into output: Output, now: Now
    ) throws {
        guard number == Self.stream else { return }
        let wasOpen = connection == .open
        let isExpected = connection == .closing
        if connection != .refused { connection = .none }
        if wasOpen { lose() }
        for index in wanted.indices where wanted[index].state == .streaming { wanted[index].state = .waiting }
        streaming = []
        host.cancelTimer(Timer.pacing)
        guard connection == .none, !wanted.isEmpty else { return }
        if isExpected { return try connect() }
        let told = reason.isEmpty ? "code \(code)" : "code \(code), \(reason)"
        if wasOpen, now.monotonicNanoseconds - openedAt < 2 * Self.second {
            quickCloses += 1
        }
        if quickCloses >= 3 {
            host.feed(
                .degraded,
                reason: "Finnhub closes the connection as soon as it is open (\(told)): is the key used elsewhere too?")
            isHolding = true
            try host.setTimer(Timer.reopening, atNanoseconds: now.wallNanoseconds + 30 * Self.second)
            return
        }
        host.feed(.reconnecting, reason: "the connection to Finnhub ended (\(told))")
        try connect()
    }

    public func refused(connection number: UInt32, response: HTTPResponse, into output: Output, now: Now) throws {
        guard number == Self.stream else { return }
        let text = FinnhubErrors.text(response.body, scratch).map { ": \($0)" } ?? ""
        switch response.status {
        case 401, 403:
            connection = .refused
            refuse("Finnhub refuses the key at the stream (\(response.status))\(text)")
        default:
            connection = .none
            host.feed(.reconnecting, reason: "Finnhub answered \(response.status) instead of opening the stream\(text)")
            // A plain 200 was seen in outages, 429 after too many tries: both pass, but not at once.
            guard response.status == 200 || response.status == 429 else { return try connect() }
            isHolding = true
            try host.setTimer(Timer.reopening, atNanoseconds: now.wallNanoseconds + 30 * Self.second)
        }
    }

    func refuse(_ reason: String) {
        host.feed(.authenticationNeeded, reason: "\(reason); check api_key of this provider")
        for item in wanted { host.subscription(item.handle, .failed, reason: "Finnhub refuses the key") }
    }

    /// Since the last sign of life everything may be lost.
    private func lose() {
        guard lost == nil else { return }
        let handles = wanted.filter { streaming.contains($0.name.vendor) }.map(\.stream)
        guard !handles.isEmpty else { return }
        lost = (heardAt, handles)
        host.gap(.sourceDown, handles: handles, kinds: Self.streamed, fromNanoseconds: heardAt, toNanoseconds: nil)
    }

    /// Tells Finnhub what changed, so many messages a second.
    func subscribe(_ now: Now) throws {
        guard connection == .open else { return }
        let limit = min(settings.symbolsPerConnection, foundLimit ?? .max)
        let candidates = wanted.indices.filter { index in
            if case .rejected = wanted[index].state { return false }
            return true
        }
        var target: [String] = []
        var targets: Set<String> = []
        for index in candidates where !targets.contains(wanted[index].name.vendor) {
            guard target.count < limit else {
                if wanted[index].state != .crowded {
                    wanted[index].state = .crowded
                    host.subscription(
                        wanted[index].handle, .failed,
                        reason: "Finnhub streams \(limit) symbols a connection in this plan, and these are taken")
                }
                continue
            }
            target.append(wanted[index].name.vendor)
            targets.insert(wanted[index].name.vendor)
        }
        var left = Self.messagesPerSecond
        for name in streaming where left > 0 && !targets.contains(name) {
            guard try tell("unsubscribe", name) else { break }
            streaming.removeAll { $0 == name }
            left -= 1
        }
        var told = Set(streaming)
        for name in target where !told.contains(name) {
            guard left > 0, streaming.count < limit, try tell("subscribe", name) else { break }
            streaming.append(name)
            told.insert(name)
            left -= 1
        }
        // Finnhub does not answer; an error frame follows where it refuses.
        for index in candidates where told.contains(wanted[index].name.vendor) {
            guard wanted[index].state != .streaming else { continue }
            wanted[index].state = .streaming
            host.subscription(wanted[index].handle, .ok)
        }
        if told == targets {
            regain(now)
        } else {
            try host.setTimer(Timer.pacing, atNanoseconds: now.wallNanoseconds + Self.second)
        }
    }

    private func regain(_ now: Now) {
        guard let lost else { return }
        self.lost = nil
        host.gap(
            .sourceDown, handles: lost.handles, kinds: Self.streamed, fromNanoseconds: lost.since,
            toNanoseconds: max(now.wallNanoseconds, lost.since + 1))
    }

    /// False: too much waits to be sent, try later.
    private func tell(_ type: String, _ symbol: String) throws -> Bool {
        do {
            try host.send(#"{"type":"\#(type)","symbol":"\#(Self.escaped(symbol))"}"#, on: Self.stream)
            return true
        } catch let error as PluginError where error.status == .overload {
            return false
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            default: if scalar.value >= 0x20 { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }

    // MARK: Error messages

    private func failed(_ text: String, _ now: Now) throws {
        let small = text.lowercased()
        if small.contains("too many symbols") {
            // It does not say which: the last one asked for is not streaming.
            guard let last = streaming.popLast() else { return }
            foundLimit = max(1, streaming.count)
            host.log(.warning, "Finnhub streams \(streaming.count) symbols a connection in this plan")
            for item in wanted.indices where wanted[item].name.vendor == last { wanted[item].state = .waiting }
            try subscribe(now)
            return
        }
        if small.hasPrefix("invalid symbol") {
            let name = text.dropFirst("invalid symbol".count).drop { $0 == " " || $0 == ":" }
            for index in wanted.indices where wanted[index].name.vendor == name {
                wanted[index].state = .rejected(text)
                host.subscription(wanted[index].handle, .failed, reason: "Finnhub: \(text)")
            }
            streaming.removeAll { $0 == name }
            // It was seen to pass: the same symbol worked again later.
            try host.setTimer(Timer.rejected, atNanoseconds: now.wallNanoseconds + 600 * Self.second)
            return
        }
        if small.contains("api key") || small.contains("token") {
            connection = .refused
            refuse("Finnhub: \(text)")
            host.close(Self.stream)
            return
        }
        host.log(.warning, "Finnhub's stream: \(text)")
    }

    func retryRejected(_ now: Now) throws {
        for index in wanted.indices {
            if case .rejected = wanted[index].state { wanted[index].state = .waiting }
        }
        try subscribe(now)
    }
}
