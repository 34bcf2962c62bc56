import IndianMarkets
public import PluginKit

extension Zerodha {
    public func refreshCatalog(now: Now) throws {
        guard headers != nil else {
            throw PluginError(.authentication, "Kite's instrument list needs an access token: log in with hub auth")
        }
        requestInstruments()
    }

    public func listing(of symbol: String) -> Listing? {
        guard var listing = instruments?.instrument(of: symbol, named: host.named(symbol))?.listing else { return nil }
        listing.symbol = symbol
        return listing
    }

    public func symbol(of identifier: String) -> String? {
        if let token = UInt32(identifier), let instrument = instruments?.instrument(token: token) {
            return instrument.symbol
        }
        return instruments?.instrument(of: identifier)?.symbol
    }

    /// Asks for the list, unless it is on its way.
    func requestInstruments() {
        guard let headers, !requests.values.contains(.instruments) else { return }
        do {
            try send(
                HTTPRequest(
                    url: "\(settings.restURL)/instruments", headers: headers, rateClass: Rate.other,
                    deadlineMilliseconds: 60_000, followsRedirects: true), .instruments)
        } catch {
            host.feed(.failed, reason: "\(error)")
        }
    }

    func takeInstruments(_ response: HTTPResponse, _ now: Now) {
        do {
            if let error = KiteError.of(response, expecting: "csv") { throw error }
            var rows = try KiteCSV(response.body)
            var list = KiteInstruments()
            var fields: [String] = []
            var refused = 0
            while let instrument = rows.next(&fields) {
                guard list.add(instrument) else { continue }
                do { try host.add(instrument.listing) } catch { refused += 1 }
            }
            guard list.count > 0 else { throw PluginError(.protocolViolation, "Kite's instrument list is empty") }
            host.catalogDone()
            host.log(
                .info, "\(list.count) instruments; \(rows.badRows) rows could not be read, \(refused) were not taken")
            instruments = list
        } catch {
            let error = error as? PluginError ?? PluginError(.internal, "\(error)")
            host.catalogDone(error)
            failed(error, now)
            if instruments == nil, session != .needed {
                host.feed(.reconnecting, reason: "the instrument list did not come: \(error.text)")
                try? host.setTimer(
                    TimerID.catalog, atNanoseconds: now.wallNanoseconds + Zerodha.catalogRetryNanoseconds)
                for query in waiting { host.answered(query.identifier, error) }
                waiting = []
            }
            return
        }
        host.cancelTimer(TimerID.catalog)
        if wants.isEmpty { host.feed(.ok) }
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
