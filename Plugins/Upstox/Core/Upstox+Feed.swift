import IndianMarkets
public import PluginKit

extension Upstox {
    // MARK: What is wanted

    public func want(_ items: [Want], now: Now) throws {
        var changed: [UInt32] = []
        for item in items {
            if item.kinds.isEmpty {
                wants[item.handle] = nil
                unsubscribe(item.handle)
                host.subscription(item.handle, .ended)
                continue
            }
            wants[item.handle] = item
            changed.append(item.handle)
        }
        if instruments != nil { subscribe(changed, now) }
    }

    /// Everything that is wanted and not subscribed yet.
    func subscribeAll(_ now: Now) { subscribe(wants.keys.sorted(), now) }

    private func unsubscribe(_ handle: UInt32) {
        guard let item = lines.remove(handle) else { return }
        feed.keys.remove(item.key)
        if lines.lines[item.line].phase == .open { send("unsub", nil, [item.key], on: item.line) }
    }

    private func subscribe(_ handles: [UInt32], _ now: Now) {
        var added: [Int: [UpstoxMode: [String]]] = [:]
        var moded: [Int: [UpstoxMode: [String]]] = [:]
        for handle in handles {
            guard let want = wants[handle] else { continue }
            let name = host.named(want.symbol)
            guard let key = instruments?.key(of: want.symbol, named: name) else {
                host.subscription(
                    handle, .failed,
                    reason: "Upstox's instrument list has no \(want.symbol); providers.*.symbols can name its key")
                continue
            }
            let type = instruments?.instrument(of: want.symbol, named: name)?.type
            let mode = settings.mode ?? UpstoxMode(want.kinds, isOption: type == .option)
            if let item = lines.items[handle], item.key == key {
                feed.keys.set(key, handle: handle, kinds: want.kinds)
                if item.mode != mode {
                    lines.change(handle, to: mode)
                    moded[item.line, default: [:]][mode, default: []].append(key)
                }
                host.subscription(handle, .ok)
                continue
            }
            unsubscribe(handle)
            if let other = lines.handle(of: key) {
                let symbol = wants[other]?.symbol ?? "another symbol"
                host.subscription(handle, .failed, reason: "it is the same instrument of Upstox as \(symbol)")
                continue
            }
            guard let line = lines.add(handle, key: key, mode: mode, fits: UpstoxMode.fits) else {
                host.subscription(
                    handle, .failed,
                    reason: "all \(settings.connections) connections of the plan are full in mode \(mode.rawValue)")
                continue
            }
            feed.keys.set(key, handle: handle, kinds: want.kinds)
            describe(handle, want.symbol, name)
            added[line, default: [:]][mode, default: []].append(key)
        }
        for index in lines.lines.indices {
            switch lines.lines[index].phase {
            case .open:
                for mode in UpstoxMode.allCases {
                    if let keys = added[index]?[mode] { send("sub", mode, keys, on: index) }
                    if let keys = moded[index]?[mode] { send("change_mode", mode, keys, on: index) }
                }
                for key in (added[index] ?? [:]).values.joined() {
                    if let handle = lines.handle(of: key) { host.subscription(handle, .ok) }
                }
            case .down: authorize(index, now)
            case .opening: break
            }
        }
    }

    private func describe(_ handle: UInt32, _ symbol: String, _ name: String?) {
        guard let listing = instruments?.instrument(of: symbol, named: name)?.listing(symbol) else { return }
        do {
            try host.describe(
                handle,
                Instrument(
                    symbol: symbol, type: listing.type, currency: listing.currency, tickSize: listing.tickSize,
                    lotSize: listing.lotSize))
        } catch {
            host.log(.warning, "\(error)")
        }
    }

    // MARK: Connections

    /// Asks for the one-time address of a connection.
    func authorize(_ index: Int, _ now: Now) {
        guard let headers, lines.lines[index].phase == .down, lines.lines[index].count > 0 else { return }
        do {
            try send(
                HTTPRequest(
                    url: "\(settings.restURL)/v3/feed/market-data-feed/authorize", headers: headers,
                    rateClass: Rate.second, beginsSession: true), .authorize(line: index))
            lines.lines[index].phase = .opening
        } catch {
            host.feed(.failed, reason: "\(error)")
        }
    }

    func takeAddress(_ response: HTTPResponse, line index: Int, _ now: Now) {
        guard lines.lines.indices.contains(index), lines.lines[index].phase == .opening else { return }
        lines.lines[index].phase = .down
        guard case .alive = session else { return }
        do {
            if let error = UpstoxError.of(response) { throw error }
            let address = try UpstoxReply.address(response.body)
            // It holds a code that works once: it is not logged, and the backoff was the request's.
            try host.open(
                UInt32(index + 1),
                WebSocketRequest(
                    url: address, idleAfterMilliseconds: Upstox.idleMilliseconds, beginsSession: false))
            lines.lines[index].phase = .opening
        } catch {
            let error = error as? PluginError ?? PluginError(.internal, "\(error)")
            notConnected(index, error, status: response.status, now)
        }
    }

    /// What follows when there is no connection: a login, a decision of the operator's, or another try.
    private func notConnected(_ index: Int, _ error: PluginError, status: Int, _ now: Now) {
        if status == 403 { refusals += 1 }
        switch error.status {
        case .authentication: return needLogin(error.text, now)
        case .entitlement where refusals < 2 || status != 403: return host.feed(.failed, reason: error.text)
        default: break
        }
        // One may be an address that was used up; two are the token.
        if refusals >= 2 {
            return needLogin("Upstox refuses the access token twice in a row: \(error.text)", now)
        }
        lines.tellDown(error.text, host)
        guard let wait = error.retryAfterMilliseconds else { return authorize(index, now) }
        try? host.setTimer(
            TimerID.authorize + UInt32(index), atNanoseconds: now.wallNanoseconds + Int64(wait) * 1_000_000)
    }

    public func opened(connection: UInt32, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        guard case .alive = session else { return host.close(connection) }
        refusals = 0
        let items = lines.items(of: index)
        for item in items { feed.keys.forget(item.key) }
        for mode in UpstoxMode.allCases {
            send("sub", mode, items.filter { $0.mode == mode }.map(\.key), on: index)
        }
        lines.opened(index, host, now, kinds: streamed)
    }

    /// What is streamed of an instrument.
    private func streamed(_ handle: UInt32) -> KindSet {
        (wants[handle]?.kinds ?? []).intersection([.tick, .quote, .book, .greeks])
    }

    public func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection: UInt32, into output: Output, now: Now
    ) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lines[index].lastFrame = now.wallNanoseconds
        guard !isText else {
            return host.log(.debug, "Upstox sent a text of \(bytes.count) bytes; the feed is binary")
        }
        let frame = feed.decode(bytes, into: output.raw)
        guard frame.unknownKeys + frame.malformed > 0 || frame.isMalformed || frame.isOverfull else { return }
        if frame.unknownKeys > 0 { host.count("unwanted_updates", by: UInt64(frame.unknownKeys)) }
        if frame.malformed > 0 { host.count("malformed_updates", by: UInt64(frame.malformed)) }
        if frame.isMalformed {
            host.count("malformed_messages")
            host.log(.warning, "a message of \(bytes.count) bytes on connection \(connection) is not of the schema")
        }
        if frame.isOverfull {
            host.gap(
                .overload, handles: lines.items(of: index).map(\.handle), kinds: Upstox.descriptor.kinds,
                fromNanoseconds: now.wallNanoseconds, toNanoseconds: now.wallNanoseconds)
        }
    }

    public func closed(connection: UInt32, code: UInt32, reason: String, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lost(index, host, kinds: streamed)
        host.log(.info, "connection \(connection) closed (\(code)) \(reason)")
        guard case .alive = session else { return }
        lines.tellDown(reason.isEmpty ? "the connection closed (\(code))" : reason, host)
        authorize(index, now)
    }

    public func refused(connection: UInt32, response: HTTPResponse, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lost(index, host, kinds: streamed)
        guard case .alive = session else { return }
        notConnected(
            index, UpstoxError.error(status: response.status, body: response.body), status: response.status, now)
    }

    // MARK: Messages to the vendor

    /// JSON, but in binary messages: others are not answered.
    private func send(_ method: String, _ mode: UpstoxMode?, _ keys: [String], on index: Int) {
        for piece in keys.pieces(of: Upstox.keysOfMessage) {
            lastMessage += 1
            let list = piece.map { "\"\(UpstoxReply.escaped($0))\"" }.joined(separator: ",")
            let mode = mode.map { #""mode":"\#($0.rawValue)","# } ?? ""
            var text =
                #"{"guid":"hub-\#(lastMessage)","method":"\#(method)","data":{\#(mode)"instrumentKeys":[\#(list)]}}"#
            do {
                try text.withUTF8 { bytes in
                    try host.send(UnsafeRawBufferPointer(bytes), isText: false, on: UInt32(index + 1))
                }
            } catch {
                // What was not subscribed is subscribed when the connection is up again.
                host.log(.warning, "connection \(index + 1): \(error)")
                return host.close(UInt32(index + 1), code: 1000, reason: "subscriptions could not be sent")
            }
        }
    }
}
