import IndianMarkets
public import PluginKit

extension Upstox {
    public func refreshCatalog(now: Now) throws { requestInstruments() }

    public func listing(of symbol: String) -> Listing? {
        instruments?.instrument(of: symbol, named: host.named(symbol))?.listing(symbol)
    }

    public func symbol(of identifier: String) -> String? {
        instruments?.symbol(ofKey: identifier) ?? instruments?.instrument(of: identifier)?.symbol
    }

    /// Asks for the list, unless it is on its way. It is public: no token goes there.
    func requestInstruments() {
        guard !requests.values.contains(.instruments) else { return }
        do {
            try send(
                HTTPRequest(
                    url: settings.instrumentsURL, rateClass: Rate.second, deadlineMilliseconds: 60_000,
                    followsRedirects: true), .instruments)
        } catch {
            host.feed(.failed, reason: "\(error)")
        }
    }

    func takeInstruments(_ response: HTTPResponse, _ now: Now) {
        do {
            if let error = UpstoxError.of(response) { throw error }
            var refused = 0
            func read(_ bytes: UnsafeRawBufferPointer) throws -> UpstoxInstruments {
                try UpstoxInstruments(bytes) { listing in
                    do { try host.add(listing) } catch { refused += 1 }
                }
            }
            let list =
                Unpacking.isPacked(response.body)
                ? try Unpacking.gunzip(response.body).withUnsafeBytes(read) : try read(response.body)
            host.catalogDone()
            host.log(
                .info,
                "\(list.count) instruments; \(list.passed) records have no name of their own, \(refused) were not taken"
            )
            instruments = list
        } catch {
            let error = error as? PluginError ?? PluginError(.internal, "\(error)")
            host.catalogDone(error)
            if instruments == nil {
                if session != .needed {
                    host.feed(.reconnecting, reason: "the instrument list did not come: \(error.text)")
                }
                try? host.setTimer(TimerID.catalog, atNanoseconds: now.wallNanoseconds + Upstox.retryNanoseconds)
                for query in waiting { host.answered(query.identifier, error) }
                waiting = []
            }
            return
        }
        host.cancelTimer(TimerID.catalog)
        if wants.isEmpty, session != .needed { host.feed(.ok) }
        subscribeAll(now)
        let queries = waiting
        waiting = []
        for query in queries {
            do {
                try self.query(query, now: now)
            } catch {
                host.answered(query.identifier, error as? PluginError ?? PluginError(.internal, "\(error)"))
            }
        }
    }
}
