import Foundation
import FuzzTargets

/// Runs workers, sees what ends them, and keeps what they were given last.
final class Overseer {
    private let corpus: String
    private let failures: String
    private let seed: UInt64
    /// Messages of all workers.
    private(set) var rounds: UInt64 = 0

    /// One message takes microseconds.
    private static let patience = 20.0

    init(corpus: String, failures: String, seed: UInt64) {
        self.corpus = corpus
        self.failures = failures
        self.seed = seed
    }

    /// Fuzzes one target; false: something is wrong with it.
    func run(_ target: FuzzTarget, seconds: Double) throws -> Bool {
        let path = FileManager.default.temporaryDirectory.appending(path: "hub-fuzz-\(UUID().uuidString)").path
        let shared = SharedInput(opening: path)
        defer { unlink(path) }
        let worker = Process()
        worker.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        worker.arguments = [
            "--worker", path, "--target", target.name, "--seconds", "\(seconds)", "--seed", "\(seed)", "--corpus",
            corpus,
        ]
        let said = Pipe()
        worker.standardError = said
        try worker.run()
        let isHung = !wait(for: worker, shared)
        if isHung { kill(worker.processIdentifier, SIGKILL) }
        worker.waitUntilExit()
        rounds += shared.rounds
        let isFine = !isHung && worker.terminationReason == .exit && worker.terminationStatus == 0
        guard !isFine else {
            print("  \(target.name): \(shared.rounds) messages")
            return true
        }
        let text = String(decoding: said.fileHandleForReading.availableData, as: UTF8.self)
        let why =
            isHung
            ? "hangs"
            : worker.terminationReason == .uncaughtSignal ? "crashes (signal \(worker.terminationStatus))" : "fails"
        try keep(shared.bytes, target, why: why, said: text)
        return false
    }

    /// False: it is at one message for too long.
    private func wait(for worker: Process, _ shared: SharedInput) -> Bool {
        var seen: UInt64 = 0
        var since = Date()
        while worker.isRunning {
            Thread.sleep(forTimeInterval: 0.02)
            if shared.rounds != seen {
                seen = shared.rounds
                since = Date()
            } else if Date().timeIntervalSince(since) > Self.patience {
                return false
            }
        }
        return true
    }

    private func keep(_ bytes: [UInt8], _ target: FuzzTarget, why: String, said: String) throws {
        let folder = URL(filePath: failures).appending(path: target.name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let hash = bytes.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { $0 = ($0 ^ UInt64($1)) &* 0x0100_0000_01b3 }
        let file = folder.appending(path: String(hash, radix: 16))
        try Data(bytes).write(to: file)
        print(
            """
              \(target.name) \(why) at a message of \(bytes.count) bytes, seed \(seed); it is kept:
                hub-fuzz --target \(target.name) --replay \(file.path)
              \(said.prefix(700))
            """)
    }
}
