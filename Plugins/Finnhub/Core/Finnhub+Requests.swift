public import PluginKit
import VendorKit

/// Requests over HTTP.
extension Finnhub {
    /// Finnhub takes 30 calls a second of everybody; the budget of a minute is the host's business.
    private static let callsPerSecond = 25
    private static let mostWaiting = 512

    /// Sends a request, or keeps it until the second's calls are not spent.
    func send(_ request: FinnhubRequest, now: Now) throws {
        if refusals.contains(request.endpoint, nowNanoseconds: now.wallNanoseconds) {
            throw PluginError(.entitlement, "Finnhub's plan does not include \(request.endpoint)")
        }
        guard waiting.count < Self.mostWaiting else {
            throw PluginError(.overload, "too many requests to Finnhub wait already", retryAfterMilliseconds: 1000)
        }
        lastRequest += 1
        requests[lastRequest] = request
        waiting.append(lastRequest)
        try sendWaiting(now)
    }

    func sendWaiting(_ now: Now) throws {
        let second = now.wallNanoseconds / 1_000_000_000
        if sentInSecond.second != second { sentInSecond = (second, 0) }
        while let number = waiting.first {
            guard sentInSecond.count < Self.callsPerSecond else {
                try host.setTimer(Timer.requests, atNanoseconds: (second + 1) * 1_000_000_000)
                return
            }
            waiting.removeFirst()
            guard let request = requests[number] else { continue }
            sentInSecond.count += 1
            do {
                try host.send(httpRequest(request, now), as: number)
            } catch let error as PluginError {
                requests[number] = nil
                fail(request, error)
            }
        }
    }

    private func httpRequest(_ request: FinnhubRequest, _ now: Now) -> HTTPRequest {
        var deadline: UInt32 = 0
        if request.deadlineNanoseconds != .max, request.deadlineNanoseconds > 0 {
            let left = (request.deadlineNanoseconds - now.wallNanoseconds) / 1_000_000
            deadline = UInt32(clamping: max(1, left))
        }
        // In a header the key stays out of logs of addresses. The list of US shares is a redirect to files elsewhere,
        // where the host does not send the key.
        return HTTPRequest(
            url: URLText.make(settings.restURL, request.path, request.parameters),
            headers: [("X-Finnhub-Token", settings.key), ("Accept", "application/json")],
            rateClass: "default", deadlineMilliseconds: deadline, followsRedirects: request.path == "/stock/symbol")
    }

    public func response(_ response: HTTPResponse, request number: UInt64, into output: Output, now: Now) throws {
        // Calls have weights that only the vendor knows: where it says that none is left, the budget is spent.
        if response.header("x-ratelimit-remaining").flatMap({ Int($0) }) == 0,
            let reset = response.header("x-ratelimit-reset").flatMap({ Int64($0) }),
            (1...120).contains(reset - now.wallNanoseconds / 1_000_000_000)
        {
            host.limited("default", untilNanoseconds: reset * 1_000_000_000)
        }
        guard let request = requests.removeValue(forKey: number) else { return }
        if case .probe(let refused, let error) = request.purpose {
            return probed(refused, error, response, now)
        }
        guard let error = FinnhubErrors.of(response, scratch, what: request.endpoint, now: now) else {
            do {
                try answer(request, response, now)
            } catch let error as PluginError {
                fail(request, error)
            }
            return
        }
        switch error.status {
        case .entitlement: refusals.add(request.endpoint, nowNanoseconds: now.wallNanoseconds)
        case .rateLimit:
            let wait = Int64(error.retryAfterMilliseconds ?? 60_000) * 1_000_000
            host.limited("default", untilNanoseconds: now.wallNanoseconds + wait)
        case .authentication:
            // Finnhub also says 401 where the plan does not include something: ask what every key may ask.
            let isPlain = request.path == "/quote" && request.exchange == "US"
            if !isPlain {
                let probe = FinnhubRequest(
                    purpose: .probe(request, error), path: "/quote", parameters: [("symbol", "AAPL")], exchange: "US",
                    deadlineNanoseconds: request.deadlineNanoseconds)
                do { return try send(probe, now: now) } catch { return fail(request, error as? PluginError) }
            }
            refuse(error.text)
        default: break
        }
        fail(request, error)
    }

    /// The key is good, so it was the plan that refused; or it is not.
    private func probed(_ refused: FinnhubRequest, _ error: PluginError, _ response: HTTPResponse, _ now: Now) {
        guard let failure = FinnhubErrors.of(response, scratch, what: "/quote", now: now) else {
            // Old years of candles are refused like this too, so a call that depends on dates is not remembered.
            if !refused.path.hasSuffix("/candle") {
                refusals.add(refused.endpoint, nowNanoseconds: now.wallNanoseconds)
            }
            return fail(
                refused, PluginError(.entitlement, "Finnhub's plan does not include this call: \(error.text)"))
        }
        if failure.status == .authentication {
            refuse(failure.text)
            return fail(refused, failure)
        }
        fail(refused, error)
    }

    /// Ends what a request was for.
    func fail(_ request: FinnhubRequest, _ error: PluginError?) {
        let error = error ?? PluginError(.internal, "the request to Finnhub could not be sent")
        switch request.purpose {
        case .catalog: host.catalogDone(error)
        case .news(let group, _, _): newsArrived(group, [], error)
        case .probe(let refused, _): fail(refused, error)
        default: if let query = request.purpose.query { host.answered(query, error) }
        }
    }

    public func cancel(query: UInt64) {
        newsGroups[query] = nil
        for (number, request) in requests where request.purpose.query == query {
            requests[number] = nil
            if let place = waiting.firstIndex(of: number) {
                waiting.remove(at: place)
            } else {
                host.cancel(request: number)
            }
        }
    }
}
