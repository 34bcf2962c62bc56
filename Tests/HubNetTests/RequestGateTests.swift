import Foundation
import Synchronization
import Testing

@testable import HubNet

private let second: Int64 = 1_000_000_000

/// A provider's requests on their way through budgets and breaker, against a server that counts them.
@Suite struct RequestGateTests {
    private let loop = NetworkLoop(environment: [:])

    /// A clock that goes on when it is told to.
    private final class Clock: Sendable {
        private let time = Mutex(Int64(1_000) * second)
        var now: Int64 { time.withLock { $0 } }
        func advance(_ nanoseconds: Int64) { time.withLock { $0 += nanoseconds } }
    }

    private func gate(
        _ rates: [String: String] = [:], failures: Int = 5, capacity: Int = 100, clock: Clock? = nil,
        counters: ProviderCounters? = nil
    ) throws -> RequestGate {
        var limits: [String: [RateLimit]] = [:]
        for (name, text) in rates { limits[name] = try RateLimit.list(text) }
        let settings = RequestGate.Settings(rates: limits, breakerFailures: failures, queueCapacity: capacity)
        guard let clock else { return RequestGate(loop, settings: settings, counters: counters) }
        return RequestGate(loop, settings: settings, counters: counters, clock: { clock.now })
    }

    private func fetch(_ gate: RequestGate, _ server: ScriptedServer, timeout: Int = 30_000) async -> HTTPResult {
        let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/", timeoutMilliseconds: timeout)
        return await withCheckedContinuation { continuation in
            gate.send(request) { continuation.resume(returning: $0) }
        }
    }

    /// Answers each request with the next of the statuses, the last one for ever.
    private func server(_ answers: [String], asked: Told? = nil) throws -> ScriptedServer {
        let left = Mutex(answers[...])
        return try ScriptedServer { peer in
            while peer.takeHead() != nil {
                let answer = left.withLock { $0.count > 1 ? $0.removeFirst() : $0.first! }
                peer.write("HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n")
            }
        }
    }

    @Test("requests over the budget wait for their turn, in order")
    func waiting() async throws {
        let server = try server(["200 OK"])
        let counters = ProviderCounters()
        let gate = try gate(["default": "2/300ms"], counters: counters)
        let started = monotonicNanoseconds()
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<5 { group.addTask { (try? await fetch(gate, server).get().status) == 200 } }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(results == [true, true, true, true, true])
        // Five at two each 300 ms are done in the third window at the earliest.
        #expect(monotonicNanoseconds() - started >= 600_000_000)
        #expect(counters.read().responses[1] == 5)
        loop.stop()
    }

    @Test("a spent budget refuses what cannot wait that long, and says when; so does a full queue")
    func spent() async throws {
        let server = try server(["200 OK"])
        let clock = Clock()
        let gate = try gate(["default": "1/day", "small": "1/min"], capacity: 1, clock: clock)
        #expect(try await fetch(gate, server).get().status == 200)
        guard case .failure(let failure) = await fetch(gate, server) else {
            Issue.record("it went")
            return
        }
        #expect(failure.kind == .rateLimited && failure.retryAtNanoseconds! >= clock.now + 86_400 * second)
        let quota = try #require(gate.quotas().first)
        #expect(quota.rateClass == "default" && quota.usage.used == 1 && quota.usage.limit == 1)
        let ends = Mutex<[NetworkFailure.Kind]>([])
        let request = HTTPRequest(url: "http://127.0.0.1:\(server.port)/", timeoutMilliseconds: 120_000)
        var calls: [any HTTPCall] = []
        let told = Told()
        for _ in 0..<3 {
            calls.append(
                gate.send(request, rateClass: "small") { result in
                    if case .failure(let failure) = result {
                        ends.withLock { $0.append(failure.kind) }
                        told.set(1)
                    }
                })
        }
        #expect(await told.value() == 1)
        #expect(ends.withLock { $0 } == [.overload])
        calls[1].cancel()
        #expect(await told.value() == 1)
        #expect(ends.withLock { $0 } == [.overload, .cancelled])
        loop.stop()
    }

    @Test("Retry-After of a 429 stops the class until then, and 429 does not open the breaker")
    func retryAfter() async throws {
        let server = try server(["429 Slow\r\nRetry-After: 100", "200 OK"])
        let clock = Clock()
        let gate = try gate(["default": "100/s"], failures: 1, clock: clock)
        #expect(try await fetch(gate, server).get().status == 429)
        guard case .failure(let failure) = await fetch(gate, server) else {
            Issue.record("it went")
            return
        }
        #expect(failure.kind == .rateLimited && failure.retryAtNanoseconds == clock.now + 100 * second)
        clock.advance(100 * second)
        #expect(try await fetch(gate, server).get().status == 200)
        #expect(gate.breakerState == .closed)
        loop.stop()
    }

    @Test("failures in a row open the breaker, nothing is sent then, and one request finds that it works again")
    func breaker() async throws {
        let server = try server(["500 A", "404 B", "500 C", "503 D", "200 E"])
        let clock = Clock()
        let counters = ProviderCounters()
        let gate = try gate(failures: 2, clock: clock, counters: counters)
        for status in [500, 404, 500, 503] { #expect(try await fetch(gate, server).get().status == status) }
        #expect(gate.breakerState == .open)
        for _ in 0..<3 {
            guard case .failure(let failure) = await fetch(gate, server) else {
                Issue.record("it went")
                return
            }
            #expect(failure.kind == .breaker && failure.retryAtNanoseconds == clock.now + 30 * second)
        }
        clock.advance(30 * second)
        #expect(try await fetch(gate, server).get().status == 200)
        #expect(gate.breakerState == .closed)
        let reading = counters.read()
        #expect(reading.breakerOpened == 1 && reading.failures[.breaker] == 3 && reading.breakerState == .closed)
        loop.stop()
    }

    @Test("stopping cancels what waits")
    func stopping() async throws {
        let server = try server(["200 OK"])
        let gate = try gate(["default": "1/min"])
        #expect(try await fetch(gate, server).get().status == 200)
        async let second = fetch(gate, server, timeout: 120_000)
        gate.stop()
        guard case .failure(let failure) = await second else {
            Issue.record("it went")
            return
        }
        #expect(failure.kind == .cancelled)
        loop.stop()
    }
}
