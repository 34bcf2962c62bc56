import CCurl
import Foundation
import Synchronization

/// The thread on which libcurl's transfers run: it sleeps in `curl_multi_poll` and is woken for new work.
final class CurlDriver: Sendable {
    /// As many are on their way at once; more are refused.
    static let capacity = 4_096

    private enum Command {
        case start(
            id: UInt64, HTTPRequest, deadline: Int64, startedAt: Int64, ProviderCounters?,
            @Sendable (HTTPResult) -> Void)
        case cancel(UInt64)
    }

    private struct Inbox {
        var commands: [Command] = []
        var count = 0
        var nextID: UInt64 = 1
        var isStopping = false
    }

    /// `CURLM *`; `curl_multi_wakeup` is the one call of it that other threads may make.
    private struct Multi: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private let multi: Multi
    private let environment: [String: String]
    private let inbox = Mutex(Inbox())
    private let done = DispatchSemaphore(value: 0)
    private static let isReady = hub_curl_global_init() == CURLE_OK

    init(environment: [String: String]) {
        self.environment = environment
        precondition(Self.isReady, "libcurl does not start")
        multi = Multi(pointer: curl_multi_init()!)
        _ = hub_curl_multi_set_long(multi.pointer, CURLMOPT_MAXCONNECTS, 64)
        _ = hub_curl_multi_set_long(multi.pointer, CURLMOPT_MAX_HOST_CONNECTIONS, 16)
        _ = hub_curl_multi_set_long(multi.pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, 256)
        let thread = Thread { [self] in run() }
        thread.name = "hub-http"
        thread.start()
    }

    /// - Parameter completion: called once, on this driver's thread.
    func send(
        _ request: HTTPRequest, counters: ProviderCounters?, completion: @escaping @Sendable (HTTPResult) -> Void
    ) -> any HTTPCall {
        let now = monotonicNanoseconds()
        if let counters { ProviderCounters.add(request.body?.count ?? 0, to: counters.bytesOut) }
        let id = inbox.withLock { inbox -> UInt64? in
            guard !inbox.isStopping, inbox.count < Self.capacity else { return nil }
            inbox.count += 1
            let id = inbox.nextID
            inbox.nextID += 1
            let deadline = now + Int64(min(max(request.timeoutMilliseconds, 0), Int(Int32.max))) * 1_000_000
            inbox.commands.append(
                .start(id: id, request, deadline: deadline, startedAt: now, counters, completion))
            return id
        }
        guard let id else {
            completion(.failure(NetworkFailure(.overload, "more than \(Self.capacity) requests at once, or stopping")))
            return CurlCall(driver: self, id: 0)
        }
        curl_multi_wakeup(multi.pointer)
        return CurlCall(driver: self, id: id)
    }

    fileprivate func cancel(_ id: UInt64) {
        inbox.withLock { $0.commands.append(.cancel(id)) }
        curl_multi_wakeup(multi.pointer)
    }

    /// Cancels what is on its way and ends the thread; returns when it has ended. Not from its own callbacks.
    func stop() {
        let isFirst = inbox.withLock { inbox in
            defer { inbox.isStopping = true }
            return !inbox.isStopping
        }
        guard isFirst else { return }
        curl_multi_wakeup(multi.pointer)
        done.wait()
    }

    // MARK: - on the thread

    private struct Running {
        var transfer: CurlTransfer
        var startedAt: Int64
        var redirects: Int
        var counters: ProviderCounters?
    }

    private func run() {
        // Writing to a connection that the other side closed raises it, and libcurl is told not to touch signals.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var running: [UInt64: Running] = [:]
        while true {
            let (commands, isStopping) = inbox.withLock { inbox in
                defer { inbox.commands.removeAll(keepingCapacity: true) }
                return (inbox.commands, inbox.isStopping)
            }
            for command in commands { obey(command, &running) }
            if isStopping {
                for id in running.keys.sorted() { cancel(id, &running, "stopping") }
                break
            }
            var active: Int32 = 0
            curl_multi_perform(multi.pointer, &active)
            var code = CURLE_OK
            while let handle = hub_curl_next_done(multi.pointer, &code) {
                finish(handle, code, &running)
            }
            if inbox.withLock({ !$0.commands.isEmpty || $0.isStopping }) { continue }
            var ready: Int32 = 0
            curl_multi_poll(multi.pointer, nil, 0, 10_000, &ready)
        }
        curl_multi_cleanup(multi.pointer)
        done.signal()
    }

    private func obey(_ command: Command, _ running: inout [UInt64: Running]) {
        switch command {
        case .start(let id, let request, let deadline, let startedAt, let counters, let completion):
            do throws(NetworkFailure) {
                let transfer = try CurlTransfer(id: id, request: request, deadline: deadline, completion: completion)
                try start(
                    Running(transfer: transfer, startedAt: startedAt, redirects: 0, counters: counters), &running)
            } catch {
                end(.failure(error), completion, counters)
            }
        case .cancel(let id): cancel(id, &running, "no longer wanted")
        }
    }

    private func start(
        _ run: Running, _ running: inout [UInt64: Running]
    ) throws(NetworkFailure) {
        let handle = try run.transfer.prepare(now: monotonicNanoseconds(), environment: environment)
        guard curl_multi_add_handle(multi.pointer, handle) == CURLM_OK else {
            throw NetworkFailure(.overload, "libcurl takes no further request")
        }
        running[run.transfer.id] = run
    }

    private func cancel(_ id: UInt64, _ running: inout [UInt64: Running], _ words: String) {
        guard let run = running.removeValue(forKey: id), let handle = run.transfer.handle else { return }
        curl_multi_remove_handle(multi.pointer, handle)
        end(.failure(NetworkFailure(.cancelled, words)), run.transfer.completion, run.counters)
    }

    private func finish(
        _ handle: UnsafeMutableRawPointer, _ code: CURLcode, _ running: inout [UInt64: Running]
    ) {
        var context: UnsafeMutableRawPointer?
        _ = hub_curl_get_pointer(handle, CURLINFO_PRIVATE, &context)
        curl_multi_remove_handle(multi.pointer, handle)
        guard let context else { return }
        let transfer = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        guard var run = running.removeValue(forKey: transfer.id) else { return }
        let outcome = transfer.outcome(
            code, redirects: run.redirects, startedAt: run.startedAt, now: monotonicNanoseconds())
        if let counters = run.counters { ProviderCounters.add(transfer.bytesIn, to: counters.bytesIn) }
        switch outcome {
        case .done(let result): end(result, transfer.completion, run.counters)
        case .follow(let request):
            do throws(NetworkFailure) {
                run.transfer = try transfer.following(request)
                run.redirects += 1
                try start(run, &running)
            } catch {
                end(.failure(error), transfer.completion, run.counters)
            }
        }
    }

    private func end(
        _ result: HTTPResult, _ completion: @Sendable (HTTPResult) -> Void, _ counters: ProviderCounters?
    ) {
        inbox.withLock { $0.count -= 1 }
        switch result {
        case .success(let response):
            counters?.answered(status: response.status, latencyNanoseconds: response.latencyNanoseconds)
        case .failure(let failure): counters?.failed(failure.kind)
        }
        completion(result)
    }
}

private final class CurlCall: HTTPCall {
    private let driver: CurlDriver
    private let id: UInt64

    init(driver: CurlDriver, id: UInt64) {
        self.driver = driver
        self.id = id
    }

    func cancel() { driver.cancel(id) }
}
