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
    let gate: RequestGate
    private var backoff: Backoff
    /// Nothing that begins a session goes before this time, monotonic.
    private var sessionFrom = Int64.min
    /// What waits for that, in the order it was asked for.
    private var sessions: [Beginning] = []

    enum Beginning: Equatable {
        case connection(UInt32)
        case request(UInt64)
    }

    /// Requests and connections of one provider at once.
    static let mostRequests = 4096
    static let mostConnections = 64
    /// What must be left of a request's time for another try.
    private static let retryNanoseconds: Int64 = 100_000_000

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
        gate = RequestGate(
            network,
            settings: .init(
                rates: limits, breakerFailures: settings.breakerFailures,
                breakerOpenNanoseconds: settings.breakerOpenNanoseconds, queueCapacity: Self.mostRequests),
            counters: counters)
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
            start(number, now: now)
        }
    }

    func cancel(_ number: UInt64, now: hub_now) {
        guard let request = requests[number] else { return }
        if let call = request.call {
            call.cancel()
        } else {
            forget(.request(number))
            mailbox.put(
                .answered(request: number, VendorAnswer(httpStatus: 0, failure: Int32(HUB_TIMEOUT))),
                arrivedNanoseconds: now.wall_ns)
        }
    }

    func limited(_ rateClass: String, untilWallNanoseconds until: Int64, now: hub_now) {
        gate.limited(rateClass, until: now.mono_ns + max(0, until - now.wall_ns))
    }

    private func start(_ number: UInt64, now: hub_now) {
        guard let request = requests[number] else { return }
        requests[number]?.tries += 1
        var what = request.http
        if what.headers.value(of: "user-agent") == nil { what.headers.append(HTTPHeader("User-Agent", userAgent)) }
        what.timeoutMilliseconds = Int(max(1, (request.deadline - now.mono_ns) / 1_000_000))
        what.connectTimeoutMilliseconds = Int(settings.connectTimeoutNanoseconds / 1_000_000)
        what.proxy = settings.proxy.map { .url($0) } ?? .environment
        what.trust = Trust(certificateFile: settings.certificateFile)
        let mailbox = mailbox
        requests[number]?.call = gate.send(what, rateClass: request.rateClass, cost: request.cost) { result in
            mailbox.put(.answered(request: number, VendorAnswer(result)), arrivedNanoseconds: WallClock.now)
        }
    }

    /// Looks at an answer before the plugin does. `nil`: it is tried again.
    private func answered(_ number: UInt64, _ answer: VendorAnswer, now: hub_now) -> VendorAnswer? {
        guard let request = requests[number] else { return nil }
        if answer.neverArrived, request.isIdempotent, request.tries < 2,
            request.deadline - now.mono_ns > Self.retryNanoseconds
        {
            counters.retried()
            start(number, now: now)
            return nil
        }
        requests[number] = nil
        if request.beginsSession, !(200..<300).contains(answer.httpStatus) {
            sessionFailed(now: now, atLeast: answer.retryAfterNanoseconds(now: now))
        }
        return request.captures.isEmpty ? answer : captured(answer, request.captures)
    }

    /// The answer with credentials kept and tokens in their place.
    private func captured(_ answer: VendorAnswer, _ captures: [VendorRequest.Capture]) -> VendorAnswer {
        var answer = answer
        guard (200..<300).contains(answer.httpStatus) else { return answer }
        var pointers: [String] = []
        guard var tree = try? SettingsTree(json: answer.body) else {
            answer.loginPointers = []
            return answer
        }
        for capture in captures {
            guard let text = tree[pointer: capture.pointer]?.textValue, !text.isEmpty else { continue }
            let token = secrets.capture(capture.name, text, expiresNanoseconds: capture.expiresNanoseconds)
            tree = tree.replacing(capture.pointer, with: .text(token))
            pointers.append(capture.pointer)
        }
        answer.body = tree.json()
        answer.loginPointers = pointers
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
                case .request(let number): start(number, now: now)
                }
            }
        }
        return sessions.isEmpty ? nil : now.wall_ns + max(0, sessionFrom - now.mono_ns)
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
            sessionFailed(now: now, atLeast: answer.retryAfterNanoseconds(now: now))
            return delivery
        case .message: return delivery
        }
    }

    /// Ends everything; nothing is told to the plugin any more.
    func stop() {
        for connection in connections.values { connection.socket?.close(code: 1001, reason: "") }
        gate.stop()
        for request in requests.values { request.call?.cancel() }
        connections = [:]
        requests = [:]
        sessions = []
    }

    // MARK: For the status

    /// What is used of each rate class. Any thread.
    func quota(now: hub_now) -> [EngineStatus.Quota] {
        gate.quotas().map { quota in
            EngineStatus.Quota(
                name: quota.rateClass, used: quota.usage.used, limit: quota.usage.limit,
                windowNanoseconds: quota.usage.windowNanoseconds,
                resetsNanoseconds: now.wall_ns + max(0, quota.usage.resets - now.mono_ns))
        }
    }
}
