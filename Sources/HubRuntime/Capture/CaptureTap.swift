import HubCapture
import Logging
import PluginABI
import Synchronization

/// Takes down what crosses the boundary to one provider's plugin. The provider's thread hands frames over and never waits: a
/// thread of the tap's own writes them, and where it cannot keep up, frames are left out and the file says so.
final class CaptureTap: Sendable {
    /// What became of the recording since the start.
    struct Figures: Sendable {
        var frames: UInt64 = 0
        var bytes: UInt64 = 0
        var lostFrames: UInt64 = 0
        /// Why nothing is written at the moment.
        var stopped: String?
    }

    private struct State {
        var waiting: [CaptureFrame] = []
        var waitingBytes = 0
        var ordinal: UInt64 = 0
        var lost: (frames: UInt64, bytes: UInt64) = (0, 0)
        /// Of the last input: what the host answers during it belongs to it.
        var wallNanoseconds: Int64 = 0
        var monotonicNanoseconds: Int64 = 0
        var lane = CaptureFrame.Lane.state
        /// Requests that are on their way, and which lane their answers go to.
        var requestLanes: [UInt64: CaptureFrame.Lane] = [:]
        var isStopping = false
    }

    private let name: String
    private let folder: String
    private let header: CaptureHeader
    private let setup: String
    private let limits: CaptureLimits
    private let secrets: SecretBook
    private let logger: Logger
    private let mostBytes: Int
    /// After the disk refused, it is tried again so much later.
    private let retryNanoseconds: Int64
    private let state = Mutex(State())
    private let figures = Mutex(Figures())
    private let wake = WakeEvent()
    private let thread: WorkerThread

    /// One answer has at most 64 MiB, and one is always taken.
    static let mostBytes = 32 << 20
    private static let lookNanoseconds: Int64 = 30_000_000_000

    init(
        folder: String, header: CaptureHeader, setup: String, limits: CaptureLimits, secrets: SecretBook,
        logger: Logger,
        mostBytes: Int = CaptureTap.mostBytes, retryNanoseconds: Int64 = 10_000_000_000
    ) {
        name = header.provider
        self.folder = folder
        self.header = header
        self.setup = setup
        self.limits = limits
        self.secrets = secrets
        self.logger = logger
        self.mostBytes = mostBytes
        self.retryNanoseconds = retryNanoseconds
        thread = WorkerThread(name: "record")
    }

    func start() { thread.start { self.run() } }

    /// Writes what waits and ends.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake.wake()
        thread.join()
    }

    var status: Figures { figures.withLock { $0 } }

    // MARK: The provider's thread

    /// The plugin is started.
    func takeStart(_ now: hub_now) { take(.start(setup: setup), now) }

    /// An input of the plugin, before it gets it.
    func take(_ input: CaptureInput, _ now: hub_now) {
        let (wall, monotonic) = (now.wall_ns, now.mono_ns)
        let isFirst = state.withLock { state in
            switch input {
            case .message, .query, .cancelQuery, .lost: state.lane = .stream
            // What a question led to is of no use longer than the question.
            case .answered(let request, _): state.lane = state.requestLanes.removeValue(forKey: request) ?? .state
            default: state.lane = .state
            }
            state.wallNanoseconds = wall
            state.monotonicNanoseconds = monotonic
            return put(input, &state)
        }
        if isFirst { wake.wake() }
    }

    /// What the host answers to a call of the plugin.
    func take(_ reply: CaptureReply, request: UInt64? = nil) {
        let isFirst = state.withLock { state in
            if let request { state.requestLanes[request] = state.lane }
            return put(.reply(reply), &state)
        }
        if isFirst { wake.wake() }
    }

    private func put(_ input: CaptureInput, _ state: inout State) -> Bool {
        state.ordinal += 1
        let frame = CaptureFrame(
            ordinal: state.ordinal, lane: state.lane, wallNanoseconds: state.wallNanoseconds,
            monotonicNanoseconds: state.monotonicNanoseconds, input: input)
        let isFirst = state.waiting.isEmpty
        guard isFirst || state.waitingBytes + frame.weight <= mostBytes else {
            state.lost.frames += 1
            state.lost.bytes += UInt64(frame.weight)
            figures.withLock { $0.lostFrames += 1 }
            return false
        }
        if state.lost.frames > 0 {
            // In the place of the last one that was lost.
            state.waiting.append(
                CaptureFrame(
                    ordinal: frame.ordinal - 1, lane: .stream, wallNanoseconds: frame.wallNanoseconds,
                    monotonicNanoseconds: frame.monotonicNanoseconds,
                    input: .lost(frames: state.lost.frames, bytes: state.lost.bytes)))
            state.lost = (0, 0)
        }
        state.waiting.append(frame)
        state.waitingBytes += frame.weight
        return isFirst
    }

    // MARK: The writer's thread

    private func run() {
        var writer = Writer(tap: self)
        while true {
            let (frames, isStopping) = state.withLock { state in
                defer {
                    state.waiting = []
                    state.waitingBytes = 0
                }
                return (state.waiting, state.isStopping)
            }
            if frames.isEmpty {
                if isStopping { return writer.stop() }
                wake.wait(nanoseconds: Self.lookNanoseconds)
                writer.look()
            } else {
                writer.write(frames)
            }
        }
    }

    /// The disk's side: the ring while it works, and when to try again while it does not.
    private struct Writer {
        let tap: CaptureTap
        var ring: CaptureRing?
        var retryAt = Int64.min
        var lookAt = Int64.min
        var lost: (frames: UInt64, bytes: UInt64) = (0, 0)
        var mask: CaptureMask
        var bytes: [UInt8] = []

        init(tap: CaptureTap) {
            self.tap = tap
            mask = CaptureMask(tap.secrets)
        }

        mutating func write(_ frames: [CaptureFrame]) {
            mask.refresh()
            for frame in frames { write(frame) }
        }

        private mutating func write(_ frame: CaptureFrame) {
            guard retryAt <= MonotonicClock.now else { return lose(frame) }
            do throws(CaptureError) {
                if ring == nil {
                    ring = try CaptureRing(folder: tap.folder, header: tap.header, limits: tap.limits)
                }
                if lost.frames > 0 {
                    var marker = frame
                    marker.ordinal -= 1
                    marker.lane = .stream
                    marker.input = .lost(frames: lost.frames, bytes: lost.bytes)
                    try put(marker)
                    lost = (0, 0)
                }
                try put(frame)
            } catch {
                failed(error)
                lose(frame)
            }
        }

        private mutating func put(_ frame: CaptureFrame) throws(CaptureError) {
            bytes.removeAll(keepingCapacity: true)
            var frame = frame
            if case .answered(let request, var answer) = frame.input {
                answer.body = CaptureMask.withoutOneTimeAddresses(answer.body)
                frame.input = .answered(request: request, answer)
            }
            let mask = mask
            CaptureCoding.append(frame, to: &bytes) { bytes, from in mask.apply(to: &bytes, from: from) }
            guard let ring else { return }
            let refused = ring.refusedFrames
            try ring.write(bytes, frame.lane, at: frame.wallNanoseconds)
            if ring.refusedFrames != refused { return lose(frame) }
            let written = UInt64(bytes.count)
            let wasStopped = tap.figures.withLock { figures in
                figures.frames += 1
                figures.bytes += written
                defer { figures.stopped = nil }
                return figures.stopped != nil
            }
            if wasStopped { tap.logger.info("\(tap.name) is recorded again") }
        }

        private mutating func lose(_ frame: CaptureFrame) {
            lost.frames += 1
            lost.bytes += UInt64(frame.weight)
            tap.figures.withLock { $0.lostFrames += 1 }
        }

        private mutating func failed(_ error: CaptureError) {
            ring?.close()
            ring = nil
            retryAt = MonotonicClock.now + tap.retryNanoseconds
            let wasStopped = tap.figures.withLock { figures in
                defer { figures.stopped = error.description }
                return figures.stopped != nil
            }
            if !wasStopped {
                tap.logger.error("\(tap.name) is not recorded for the time being, the feed goes on: \(error)")
            }
        }

        /// What nobody writes behind any more grows old, too.
        mutating func look() {
            guard MonotonicClock.now >= lookAt else { return }
            lookAt = MonotonicClock.now + CaptureTap.lookNanoseconds
            ring?.dropOld(now: WallClock.now)
        }

        mutating func stop() { ring?.close() }
    }
}
