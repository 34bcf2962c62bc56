public import PluginKit
import VendorKit

/// Requests over HTTP, paid in credits.
extension TwelveData {
    private static let mostWaiting = 512

    /// Sends a request, or keeps it until the next minute's credits.
    func send(_ request: TwelveDataRequest, now: Now) throws {
        if refusals.contains(request.endpoint, nowNanoseconds: now.wallNanoseconds) {
            throw PluginError(.entitlement, "TwelveData's plan does not include \(request.endpoint)")
        }
        guard waiting.count < Self.mostWaiting else {
            throw PluginError(.overload, "too many requests to TwelveData wait already", retryAfterMilliseconds: 60_000)
        }
        lastRequest += 1
        requests[lastRequest] = request
        waiting.append(lastRequest)
        try sendWaiting(now)
    }

    func sendWaiting(_ now: Now) throws {
        while let number = waiting.first {
            guard let request = requests[number] else {
                waiting.removeFirst()
                continue
            }
            if let later = credits.take(request.credits, nowNanoseconds: now.wallNanoseconds) {
                failLate(later, now)
                if !waiting.isEmpty { try host.setTimer(Timer.requests, atNanoseconds: later) }
                return
            }
            waiting.removeFirst()
            do {
                try host.send(httpRequest(request, now), as: number)
            } catch let error as PluginError {
                requests[number] = nil
                fail(request, error)
            }
        }
    }

    /// Nobody waits as long as until then: say so now.
    private func failLate(_ later: Int64, _ now: Now) {
        let wait = Int32(clamping: (later - now.wallNanoseconds + 999_999) / 1_000_000)
        for number in waiting {
            guard let request = requests[number], request.deadlineNanoseconds < later else { continue }
            requests[number] = nil
            fail(
                request,
                PluginError(
                    .rateLimit, "TwelveData's \(credits.limit) credits of this minute are spent",
                    retryAfterMilliseconds: wait))
        }
        waiting.removeAll { requests[$0] == nil }
    }

    private func httpRequest(_ request: TwelveDataRequest, _ now: Now) -> HTTPRequest {
        var deadline: UInt32 = 0
        if request.deadlineNanoseconds != .max, request.deadlineNanoseconds > 0 {
            deadline = UInt32(clamping: max(1, (request.deadlineNanoseconds - now.wallNanoseconds) / 1_000_000))
        }
        // In a header the key stays out of logs of addresses.
        return HTTPRequest(
            url: URLText.make(settings.restURL, request.path, request.parameters),
            headers: [("Authorization", "apikey \(settings.key)"), ("Accept", "application/json")],
            rateClass: "default", cost: UInt32(request.credits), deadlineMilliseconds: deadline)
    }

    public func response(_ response: HTTPResponse, request number: UInt64, into output: Output, now: Now) throws {
        credits.told(
            used: response.header("api-credits-used").flatMap { Int($0) },
            left: response.header("api-credits-left").flatMap { Int($0) }, nowNanoseconds: now.wallNanoseconds)
        guard let request = requests.removeValue(forKey: number) else { return }
        guard let error = TwelveDataErrors.of(response, scratch, what: request.endpoint, now: now) else {
            do {
                try answer(request, response, now)
            } catch let error as PluginError {
                fail(request, error)
            }
            return
        }
        switch error.status {
        case .entitlement: refusals.add(request.endpoint, nowNanoseconds: now.wallNanoseconds)
        case .authentication: refuse(error.text)
        case .rateLimit:
            let until = now.wallNanoseconds + Int64(error.retryAfterMilliseconds ?? 60_000) * 1_000_000
            credits.block(untilNanoseconds: until)
            host.limited("default", untilNanoseconds: until)
        case .notFound where error.text == TwelveDataErrors.empty:
            // Dates without data are an answer without rows.
            if case .bars(let query, _) = request.purpose { return host.answered(query) }
        default: break
        }
        fail(request, error)
    }

    /// Ends what a request was for.
    func fail(_ request: TwelveDataRequest, _ error: PluginError) {
        switch request.purpose {
        case .catalog: host.catalogDone(error)
        case .news(let group, _): newsArrived(group, [], error)
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
