import IndianMarkets
public import PluginKit

extension Zerodha {
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
        ticker.tokens.remove(item.key)
        if lines.lines[item.line].phase == .open { send("unsubscribe", [item.key], on: item.line) }
    }

    private func subscribe(_ handles: [UInt32], _ now: Now) {
        var added: [Int: [UInt32]] = [:]
        var moded: [Int: [KiteMode: [UInt32]]] = [:]
        for handle in handles {
            guard let want = wants[handle] else { continue }
            guard let token = instruments?.token(of: want.symbol, named: host.named(want.symbol)) else {
                host.subscription(
                    handle, .failed,
                    reason: "Kite's instrument list has no \(want.symbol); providers.*.symbols can name it")
                continue
            }
            let mode = settings.mode ?? KiteMode(want.kinds)
            if let item = lines.items[handle], item.key == token {
                ticker.tokens.set(token, handle: handle, kinds: want.kinds)
                if item.mode != mode {
                    lines.change(handle, to: mode)
                    moded[item.line, default: [:]][mode, default: []].append(token)
                }
                host.subscription(handle, .ok)
                continue
            }
            unsubscribe(handle)
            if let other = lines.handle(of: token) {
                let symbol = wants[other]?.symbol ?? "another symbol"
                host.subscription(handle, .failed, reason: "it is the same instrument of Kite as \(symbol)")
                continue
            }
            let fits: ([KiteMode: Int]) -> Bool = { $0.values.reduce(0, +) <= Zerodha.tokensOfConnection }
            guard let line = lines.add(handle, key: token, mode: mode, fits: fits) else {
                host.subscription(
                    handle, .failed,
                    reason:
                        "Kite takes \(Zerodha.tokensOfConnection) instruments a connection, and all \(settings.connections) are full"
                )
                continue
            }
            ticker.tokens.set(token, handle: handle, kinds: want.kinds)
            describe(handle, want.symbol)
            added[line, default: []].append(token)
            moded[line, default: [:]][mode, default: []].append(token)
        }
        for index in lines.lines.indices {
            switch lines.lines[index].phase {
            case .open:
                if let tokens = added[index] { send("subscribe", tokens, on: index) }
                for (mode, tokens) in (moded[index] ?? [:]).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                    send(mode, tokens, on: index)
                }
                for token in added[index] ?? [] {
                    if let handle = lines.handle(of: token) { host.subscription(handle, .ok) }
                }
            case .down: open(index, now)
            case .opening: break
            }
        }
    }

    private func describe(_ handle: UInt32, _ symbol: String) {
        guard let listing = instruments?.instrument(of: symbol, named: host.named(symbol))?.listing else { return }
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

    private func open(_ index: Int, _ now: Now) {
        guard case .alive(let token, _) = session, lines.lines[index].phase == .down, lines.lines[index].count > 0
        else {
            return
        }
        do {
            // The host puts the secrets in place, escaped as a query needs them.
            try host.open(
                UInt32(index + 1),
                WebSocketRequest(
                    url: "\(settings.websocketURL)?api_key=\(settings.apiKey)&access_token=\(token)",
                    headers: [(name: "X-Kite-Version", value: "3")], idleAfterMilliseconds: Zerodha.idleMilliseconds))
            lines.lines[index].phase = .opening
        } catch {
            host.feed(.failed, reason: "\(error)")
        }
    }

    public func opened(connection: UInt32, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        guard case .alive = session else { return host.close(connection) }
        refusals = 0
        let items = lines.items(of: index)
        ticker.tokens.forget(items.lazy.map(\.key))
        send("subscribe", items.map(\.key), on: index)
        for mode in [KiteMode.last, .quote, .full] {
            send(mode, items.filter { $0.mode == mode }.map(\.key), on: index)
        }
        lines.opened(index, host, now, kinds: streamed)
    }

    /// What is streamed of an instrument.
    private func streamed(_ handle: UInt32) -> KindSet {
        (wants[handle]?.kinds ?? []).intersection(Zerodha.descriptor.kinds)
    }

    public func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection: UInt32, into output: Output, now: Now
    ) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lines[index].lastFrame = now.wallNanoseconds
        guard !isText else { return textMessage(bytes) }
        let frame = ticker.decode(bytes, into: output.raw)
        guard frame.unknownLengths + frame.unknownTokens > 0 || frame.isTruncated || frame.isOverfull else { return }
        if frame.unknownLengths > 0 { host.count("unknown_packets", by: UInt64(frame.unknownLengths)) }
        if frame.unknownTokens > 0 { host.count("unwanted_packets", by: UInt64(frame.unknownTokens)) }
        if frame.isTruncated {
            host.count("truncated_frames")
            host.log(.warning, "a frame of \(bytes.count) bytes on connection \(connection) ends within a packet")
        }
        if frame.isOverfull {
            host.gap(
                .overload, handles: lines.items(of: index).map(\.handle), kinds: [.tick, .quote, .book],
                fromNanoseconds: now.wallNanoseconds, toNanoseconds: now.wallNanoseconds)
        }
    }

    private func textMessage(_ bytes: UnsafeRawBufferPointer) {
        guard let message = KiteText(bytes) else { return }
        switch message.type {
        case "error": host.log(.warning, "Kite says: \(message.data)")
        case "message": host.log(.info, "Kite says: \(message.data)")
        // Orders, and what is not documented, are not market data.
        default: break
        }
    }

    public func closed(connection: UInt32, code: UInt32, reason: String, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lost(index, host, kinds: streamed)
        host.log(.info, "connection \(connection) closed (\(code)) \(reason)")
        reconnect(index, reason: reason.isEmpty ? "the connection closed (\(code))" : reason, now)
    }

    public func refused(connection: UInt32, response: HTTPResponse, into output: Output, now: Now) throws {
        let index = Int(connection) - 1
        guard lines.lines.indices.contains(index) else { return }
        lines.lost(index, host, kinds: streamed)
        if response.status == 403 || response.status == 401 {
            refusals += 1
            // One may be a fault of theirs; two are the token.
            if refusals >= 2 {
                return needLogin("Kite refuses the access token twice in a row: log in again with hub auth", now)
            }
        }
        reconnect(index, reason: "Kite refused the connection with status \(response.status)", now)
    }

    private func reconnect(_ index: Int, reason: String, _ now: Now) {
        guard case .alive = session else { return }
        lines.tellDown(reason, host)
        open(index, now)
    }

    // MARK: Messages to the vendor

    private func send(_ action: String, _ tokens: [UInt32], on index: Int) {
        for piece in tokens.pieces(of: Zerodha.tokensOfMessage) {
            send(#"{"a":"\#(action)","v":[\#(piece.map(String.init).joined(separator: ","))]}"#, on: index)
        }
    }

    private func send(_ mode: KiteMode, _ tokens: [UInt32], on index: Int) {
        for piece in tokens.pieces(of: Zerodha.tokensOfMessage) {
            let list = piece.map(String.init).joined(separator: ",")
            send(#"{"a":"mode","v":["\#(mode.rawValue)",[\#(list)]]}"#, on: index)
        }
    }

    private func send(_ text: String, on index: Int) {
        do {
            try host.send(text, on: UInt32(index + 1))
        } catch {
            // What was not subscribed is subscribed when the connection is up again.
            host.log(.warning, "connection \(index + 1): \(error)")
            host.close(UInt32(index + 1), code: 1000, reason: "subscriptions could not be sent")
        }
    }
}
