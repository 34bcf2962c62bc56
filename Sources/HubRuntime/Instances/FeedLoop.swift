import PluginABI
import Synchronization

/// A thread that runs providers: timers, pulls, nothing that blocks. Providers that may block have a loop of their own.
final class FeedLoop: Sendable {
    private let instances: [ProviderInstance]
    private let wallClock: @Sendable () -> Int64
    private let onRecords: @Sendable () -> Void
    private let wake = WakeEvent()
    private let isStopping = Atomic<Bool>(false)
    private let thread: WorkerThread

    /// What is due within this time is waited for together: a wake-up costs more than a record.
    private static let quantumNanoseconds: Int64 = 200_000

    /// - Parameter onRecords: called after records were shown or notices queued; wakes the sequencer.
    init(
        name: String, instances: [ProviderInstance], wallClock: @escaping @Sendable () -> Int64,
        onRecords: @escaping @Sendable () -> Void
    ) {
        self.instances = instances
        self.wallClock = wallClock
        self.onRecords = onRecords
        thread = WorkerThread(name: name)
        for instance in instances {
            instance.onRoom.withLock { $0 = { [wake] in wake.wake() } }
            instance.context.wakeOwner.withLock { $0 = { [wake] in wake.wake() } }
        }
    }

    func start() {
        thread.start { self.run() }
    }

    /// Ends the loop and stops the instances, on their thread.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wake.wake()
        thread.join()
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            var isBusy = false
            var next = Int64.max
            for instance in instances {
                let now = hub_now(wall_ns: wallClock(), mono_ns: MonotonicClock.now)
                switch instance.step(now: now) {
                case .now: isBusy = true
                case .at(let time): next = min(next, time)
                case .whenThereIsRoom, .never: break
                }
                if instance.hasNews { onRecords() }
            }
            if isBusy { continue }
            let pause = next == .max ? Int64.max : max(Self.quantumNanoseconds, next - wallClock())
            wake.wait(nanoseconds: pause)
        }
        for instance in instances { instance.stop() }
    }
}
