import HubJournal
import PluginABI
import Synchronization

/// An indicator's runner on a thread of its own: follows the journal, and puts its values in through the sequencer.
final class IndicatorThread: @unchecked Sendable {
    private let runner: IndicatorRunner
    private let engine: Engine
    private let waiter: JournalWaiter
    private let pause = WakeEvent()
    private let thread: WorkerThread
    private let isStopping = Atomic<Bool>(false)
    private let readThrough: Atomic<UInt64>

    init(_ runner: IndicatorRunner, engine: Engine) {
        self.runner = runner
        self.engine = engine
        waiter = engine.journal.makeWaiter()
        thread = WorkerThread(name: runner.name)
        readThrough = Atomic(runner.position)
    }

    /// Everything up to here was read, and what came of it is in the journal.
    var position: UInt64 { readThrough.load(ordering: .acquiring) }

    func start() {
        thread.start { self.run() }
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        waiter.interrupt()
        pause.wake()
        thread.join()
        waiter.cancel()
    }

    private func run() {
        while !isStopping.load(ordering: .acquiring) {
            var values: [[UInt8]] = []
            let worked = runner.step(now: engine.now()) { values.append($0) }
            put(values)
            readThrough.store(runner.position, ordering: .releasing)
            guard !worked else { continue }
            _ = waiter.wait(beyond: runner.position, timeoutMilliseconds: -1)
            // Bars are rare among records: a look every few milliseconds finds them soon enough.
            if !isStopping.load(ordering: .acquiring) { pause.wait(nanoseconds: 2_000_000) }
        }
    }

    /// Journals the values; waits where the journal has no room, since a value that is lost here is lost until a restart.
    private func put(_ values: [[UInt8]]) {
        var next = 0
        while next < values.count, !isStopping.load(ordering: .acquiring) {
            next += engine.takeValues(values[next...])
            if next < values.count { pause.wait(nanoseconds: 100_000_000) }
        }
    }
}
