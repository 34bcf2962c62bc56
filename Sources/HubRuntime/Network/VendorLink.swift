import HubConfig
import HubModel
import HubNet
import Logging
import PluginABI
import Synchronization

/// What one provider asks of the network, and what comes of it: secrets put in place, budgets kept, reconnects paced.
///
/// The provider's own thread calls it, as the plugin's callbacks run there; only what the network says comes from
/// elsewhere, through the mailbox, and is looked at here before the plugin sees it.
final class VendorLink: @unchecked Sendable {
    let mailbox: VendorMailbox
    let counters = ProviderCounters()
    let secrets: SecretBook
    let settings: NetworkSettings
    let logger: Logger
    let network: NetworkLoop
    /// Who asks, where the plugin does not say: some vendors turn away who says nothing.
    let userAgent: String
    /// Connections by the plugin's numbers.
    var connections: [UInt32: VendorConnection] = [:]
    private var requests: [UInt64: VendorRequest] = [:]
    private var queues: [String: RateQueue<UInt64>] = [:]
    private var breaker: CircuitBreaker
    private var backoff: Backoff
    /// Nothing that begins a session goes before this time, monotonic.
    private var sessionFrom = Int64.min
    /// What waits for that, in the order it was asked for.
    private var sessions: [Beginning] = []
    private var stockTaken = Int64.min / 2
    private let quotas = Mutex<[EngineStatus.Quota]>([])

    enum Beginning: Equatable {
        case connection(UInt32)
        case request(UInt64)
    }

    /// Requests and connections of one provider at once.
    static let mostRequests = 4096
    static let mostConnections = 64
    /// Where a vendor says that it is too much, and not for how long.
    private static let pauseNanoseconds: Int64 = 2_000_000_000

    init(
        settings: NetworkSettings, rates: [PluginDescriptor.RateClass], secrets: SecretBook, network: NetworkLoop,
        userAgent: String, logger: Logger, wake: @escaping @Sendable () -> Void
    ) {
        self.settings = settings
        self.secrets = secrets
        self.network = network
        self.userAgent = userAgent
        self.logger = logger
        mailbox = VendorMailbox(onNews: wake)
        breaker = CircuitBreaker(failures: settings.breakerFailures, openNanoseconds: settings.breakerOpenNanoseconds)
        backoff = Backoff(
            minimumNanoseconds: settings.backoffMinimumNanoseconds,
            maximumNanoseconds: settings.backoffMaximumNanoseconds)
        var limits: [String: [RateLimit]] = [:]
        for rate in rates where rate.requests > 0 && rate.windowMilliseconds > 0 {
            limits[rate.name, default: []].append(
                RateLimit(requests: Int(rate.requests), windowNanoseconds: Int64(rate.windowMilliseconds) * 1_000_000))
        }
        for (name, rate) in settings.rates {
            limits[name] = [RateLimit(requests: rate.requests, windowNanoseconds: rate.windowNanoseconds)]
        }
        for (name, limits) in limits { queues[name] = RateQueue(RateBudget(limits), capacity: Self.mostRequests) }
    }

    // MARK: Requests

    func request(_ number: UInt64, _ request: VendorRequest, now: hub_now) throws(PluginFailure) {
        guard requests[number] == nil else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL), text: "request \(number) is on its way: use another number")
        }
        guard requests.count < Self.mostRequests else {
            throw PluginFailure(
                status: hub_status(HUB_OVERLOAD), text: "\(Self.mostRequests) requests are on their way or wait")
        }
        var request = request
        try request.reveal(with: secrets)
        let limit = request.deadlineNanoseconds > 0 ? request.deadlineNanoseconds : settings.requestTimeoutNanoseconds
        request.deadline = now.mono_ns + limit
        requests[number] = request
        if request.beginsSession, sessionFrom > now.mono_ns {
            // The wait is the host's own wish: it does not count against the request.
            requests[number]?.deadline = sessionFrom + limit
            sessions.append(.request(number))
        } else {
            admit(number, now: now)
        }
    }

    func cancel(_ number: UInt64, now: hub_now) {
        guard let request = requests[number] else { return }
        if let call = request.call {
            call.cancel()
        } else {
            _ = queues[request.rateClass]?.remove(id: number)
            sessions.removeAll { $0 == .request(number) }
            end(number, HUB_TIMEOUT, now: now)
        }
    }

    func limited(_ rateClass: String, untilWallNanoseconds until: Int64, now: hub_now) {
        queues[rateClass]?.budget.limited(until: now.mono_ns + max(0, until - now.wall_ns))
    }

    /// A request waits for its budget, or goes.
    private func admit(_ number: UInt64, now: hub_now) {
        guard let request = requests[number] else { return }
        guard queues[request.rateClass] != nil else {
            start(number, now: now)
            return
        }
        let admission = queues[request.rateClass]!.admit(
            number, id: number, cost: request.cost, deadline: request.deadline, now: now.mono_ns)
        switch admission {
        case .go: start(number, now: now)
        case .wait: counters.waitedForRate()
        case .full: end(number, HUB_OVERLOAD, now: now)
        case .late: end(number, HUB_RATE_LIMIT, now: now)
        }
    }

    private func start(_ number: UInt64, now: hub_now) {
        guard var request = requests[number] else { return }
        let left = (request.deadline - now.mono_ns) / 1_000_000
        guard left > 0 else {
            end(number, HUB_TIMEOUT, now: now)
            return
        }
        switch breaker.ask(now: now.mono_ns) {
        case .go: request.wasProbe = false
        case .probe: request.wasProbe = true
        case .refuse:
            end(number, HUB_NETWORK, now: now)
            return
        }
        request.tries += 1
        var what = request.http
        if what.headers.value(of: "user-agent") == nil { what.headers.append(HTTPHeader("User-Agent", userAgent)) }
        what.timeoutMilliseconds = Int(left)
        what.connectTimeoutMilliseconds = Int(settings.connectTimeoutNanoseconds / 1_000_000)
        what.proxy = settings.proxy.map { .url($0) } ?? .environment
        what.trust = Trust(certificateFile: settings.certificateFile)
        let mailbox = mailbox
        requests[number] = request
        let call = network.send(what, counters: counters) { result in
            mailbox.put(
                .answered(request: number, VendorAnswer(result)), arrivedNanoseconds: WallClock.now)
        }
        requests[number]?.call = call
    }

    /// An answer that never went out.
    private func end(_ number: UInt64, _ status: Int, now: hub_now) {
        requests[number]?.call = nil
        requests[number]?.isOver = true
        mailbox.put(
            .answered(request: number, VendorAnswer(httpStatus: 0, failure: Int32(status))),
            arrivedNanoseconds: now.wall_ns)
    }

    /// Looks at an answer before the plugin does. `nil`: it is tried again.
    private func answered(_ number: UInt64, _ answer: VendorAnswer, now: hub_now) -> VendorAnswer? {
        guard var request = requests[number] else { return nil }
        if request.isOver {
            requests[number] = nil
            return answer
        }
        if answer.httpStatus == 0 {
            if answer.failure == HUB_TIMEOUT, request.call != nil, request.isCancelled {
                breaker.abandoned(wasProbe: request.wasProbe, now: now.mono_ns)
            } else {
                breaker.failed(wasProbe: request.wasProbe, now: now.mono_ns)
            }
            if request.isIdempotent, request.tries < 2, answer.failure == HUB_NETWORK,
                request.deadline - now.mono_ns > 100_000_000
            {
                request.call = nil
                requests[number] = request
                counters.retried()
                admit(number, now: now)
                return nil
            }
        } else if answer.httpStatus >= 500 {
            breaker.failed(wasProbe: request.wasProbe, now: now.mono_ns)
        } else {
            breaker.succeeded(wasProbe: request.wasProbe)
        }
        counters.breaker(breaker.state)
        requests[number] = nil
        let pause = answer.header("retry-after").flatMap {
            RetryAfter($0)?.waitNanoseconds(wallNanoseconds: now.wall_ns)
        }
        if answer.httpStatus == 429 || (answer.httpStatus == 503 && pause != nil) {
            queues[request.rateClass]?.budget.limited(until: now.mono_ns + (pause ?? Self.pauseNanoseconds))
        }
        if request.beginsSession, !(200..<300).contains(answer.httpStatus) {
            sessionFailed(now: now, atLeast: pause ?? 0)
        }
        return request.captures.isEmpty ? answer : captured(answer, request.captures)
    }

    /// The answer with credentials kept and tokens in their place.
    private func captured(_ answer: VendorAnswer, _ captures: [VendorRequest.Capture]) -> VendorAnswer {
        guard (200..<300).contains(answer.httpStatus), var tree = try? SettingsTree(json: answer.body) else {
            return answer
        }
        for capture in captures {
            guard let text = tree[pointer: capture.pointer]?.textValue, !text.isEmpty else { continue }
            let token = secrets.capture(capture.name, text, expiresNanoseconds: capture.expiresNanoseconds)
            tree = tree.replacing(capture.pointer, with: .text(token))
        }
        var answer = answer
        answer.body = tree.json()
        return answer
    }

    // MARK: Sessions

    func sessionFailed(now: hub_now, atLeast floor: Int64 = 0) {
        let wait = backoff.failed(now: now.mono_ns, floorNanoseconds: floor, random: .random(in: 0..<1))
        sessionFrom = max(sessionFrom, now.mono_ns + wait)
    }

    func sessionStands(now: hub_now) { backoff.connected(now: now.mono_ns) }

    /// Whether something that begins a session has to wait; then it is remembered.
    func waits(_ beginning: Beginning, now: hub_now) -> Bool {
        guard sessionFrom > now.mono_ns else { return false }
        sessions.append(beginning)
        return true
    }

    func forget(_ beginning: Beginning) { sessions.removeAll { $0 == beginning } }

    // MARK: The provider's thread

    /// Does what is due and says when something is next, by the wall clock.
    func step(now: hub_now) -> Int64? {
        if !sessions.isEmpty, sessionFrom <= now.mono_ns {
            let due = sessions
            sessions = []
            for beginning in due {
                switch beginning {
                case .connection(let number): connect(number, now: now)
                case .request(let number): admit(number, now: now)
                }
            }
        }
        if now.mono_ns - stockTaken >= 1_000_000_000, !queues.isEmpty { takeStock(now: now) }
        var next = sessions.isEmpty ? Int64.max : sessionFrom
        for name in queues.keys {
            let due = queues[name]!.due(now: now.mono_ns)
            for number in due.expired { end(number, HUB_RATE_LIMIT, now: now) }
            for number in due.go { start(number, now: now) }
            if let wake = queues[name]!.wake(now: now.mono_ns) { next = min(next, wake) }
        }
        return next == .max ? nil : now.wall_ns + max(0, next - now.mono_ns)
    }

    /// Looks at what the network says before the plugin does. `nil`: it is not for the plugin.
    func inspect(_ delivery: VendorDelivery, now: hub_now) -> VendorDelivery? {
        switch delivery {
        case .answered(let number, let answer):
            return answered(number, answer, now: now).map { .answered(request: number, $0) }
        case .opened(let number):
            sessionStands(now: now)
            connections[number]?.isOpen = true
            return delivery
        case .closed(let number, _, _):
            guard let connection = connections.removeValue(forKey: number) else { return nil }
            if !connection.isClosing { sessionFailed(now: now) }
            return delivery
        case .refused(let number, let answer):
            guard connections.removeValue(forKey: number) != nil else { return nil }
            let pause = answer.header("retry-after").flatMap {
                RetryAfter($0)?.waitNanoseconds(wallNanoseconds: now.wall_ns)
            }
            sessionFailed(now: now, atLeast: pause ?? 0)
            return delivery
        case .message: return delivery
        }
    }

    /// Ends everything; nothing is told to the plugin any more.
    func stop() {
        for connection in connections.values { connection.socket?.close(code: 1001, reason: "") }
        for request in requests.values { request.call?.cancel() }
        connections = [:]
        requests = [:]
        sessions = []
    }

    // MARK: For the status

    /// Takes stock of the budgets; by the provider's thread, now and then.
    private func takeStock(now: hub_now) {
        stockTaken = now.mono_ns
        var all: [EngineStatus.Quota] = []
        for name in queues.keys.sorted() {
            for usage in queues[name]!.budget.usage(now: now.mono_ns) {
                all.append(
                    EngineStatus.Quota(
                        name: name, used: usage.used, limit: usage.limit, windowNanoseconds: usage.windowNanoseconds,
                        resetsNanoseconds: now.wall_ns + max(0, usage.resets - now.mono_ns)))
            }
        }
        quotas.withLock { $0 = all }
    }

    var quota: [EngineStatus.Quota] { quotas.withLock { $0 } }
}
