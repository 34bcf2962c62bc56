import EventFormat
import Foundation
import HubJournal
import KillScript
import PluginABI
import Synchronization
import Testing

@testable import HubStore

/// A process that writes journal and store is stopped at its file operations, one after the other, by a real `SIGKILL`, and
/// is refused room from each of them on. What it leaves must hold what it had promised.
///
/// With `HUB_KILL=all` at every one of them; else at as many as fit into the time of the other tests, drawn by `HUB_SEED`.
@Suite("Killed everywhere")
struct KillEverywhereTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["HUB_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000)
    private static let all = environment["HUB_KILL"] == "all"
    private static let sample = 90

    @Test(
        "nothing that was published is lost or doubled, holes are told, and everything goes on",
        .timeLimit(.minutes(60)))
    func everywhere() throws {
        let whole = try KilledProcess(.init())
        try #require(whole.status == 0 && whole.signal == 0 && whole.progress[.isDone] == 1)
        let steps = Int(whole.progress[.steps])
        #expect(steps > 1000)
        #expect(LeftFolder(whole).faults() == [])
        let plans = plans(steps)
        print("killed everywhere: \(plans.count) of \(4 * steps) stops at \(steps) steps, HUB_SEED=\(Self.seed)")
        let wrong = Mutex<[String]>([])
        let reached = Mutex((killed: 0, full: 0))
        // One for each core: most of the time is spent in the other process, and in the disk.
        DispatchQueue.concurrentPerform(iterations: plans.count) { index in
            var faults: [String]
            do {
                let process = try KilledProcess(plans[index])
                reached.withLock { count in
                    if process.signal == SIGKILL { count.killed += 1 }
                    if process.progress[.refusals] > 0 { count.full += 1 }
                }
                faults = LeftFolder(process).faults().map { "\(process.name): \($0)" }
            } catch {
                faults = ["\(plans[index]): \(error)"]
            }
            wrong.withLock { $0 += faults.prefix(3) }
        }
        let found = wrong.withLock { $0 }
        #expect(found.prefix(10) == [], "\(found.count) faults, HUB_SEED=\(Self.seed)")
        // Not all refusals cost anything that anybody sees; kills do.
        let (killed, full) = reached.withLock { $0 }
        #expect(killed >= plans.count / 3 && full > 0)
    }

    private func plans(_ steps: Int) -> [KilledProcess.Plan] {
        var all: [KilledProcess.Plan] = []
        for step in 1...steps {
            all.append(.init(fault: .kill, step: step, preparesAhead: step % 4 == 0))
            all.append(.init(fault: .tear, step: step, preparesAhead: step % 4 == 1))
            all.append(.init(fault: .full, step: step, preparesAhead: step % 4 == 2, goesOn: true))
            all.append(.init(fault: .full, step: step, preparesAhead: step % 4 == 3, goesOn: false))
        }
        guard !Self.all else { return all }
        // One of each stretch, so that none is left out.
        var generator = SeededGenerator(state: Self.seed)
        return (0..<Self.sample).map { index in
            let stretch = all.count * index / Self.sample..<all.count * (index + 1) / Self.sample
            return all[Int.random(in: stretch, using: &generator)]
        }
    }
}
