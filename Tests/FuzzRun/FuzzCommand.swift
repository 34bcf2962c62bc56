import ArgumentParser
import Foundation
import FuzzTargets

/// Mutates the kept corpus for some time and gives it to every decoder, each in a process of its own: a crash, a hang, too much
/// memory or a wrong answer ends the run, and its input is kept.
@main
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub-fuzz", abstract: "Gives mutated messages to every decoder of the hub.",
        discussion: """
            A run can be made again with its seed. An input that failed is kept in the folder of failures; with --replay it is \
            given to its target alone. When its cause is mended it belongs into the corpus.
            """)

    @Option(help: "How long, all targets together.") var seconds = 60.0
    @Option(help: "The same seed makes the same messages; without it a new one is made.") var seed: UInt64?
    @Option(help: "A target's name or its beginning; without it all of them.") var target = ""
    @Option(help: "The kept inputs: a folder for each target.") var corpus = "Tests/Corpus"
    @Option(help: "Where inputs that failed are put.") var failures = ".build/fuzz-failures"
    @Option(help: "Give this file to the target and do nothing else.") var replay: String?
    @Flag(help: "Name the targets.") var list = false
    @Option(help: .hidden) var worker: String?

    func run() throws {
        let targets = FuzzTarget.all.filter { $0.name.hasPrefix(target) }
        guard !targets.isEmpty else { throw ValidationError("no target begins with '\(target)'; --list names them") }
        if list {
            for target in targets { print(target.name) }
            return
        }
        if let replay {
            guard targets.count == 1 else { throw ValidationError("--replay needs --target with the name of one") }
            let bytes = Array(try Data(contentsOf: URL(filePath: replay)))
            try Worker(targets[0], corpus: [bytes]).replay()
            return print("\(targets[0].name): nothing wrong")
        }
        if let worker {
            let inputs = try Corpus.read(corpus, targets[0])
            return try Worker(targets[0], corpus: inputs, shared: SharedInput(opening: worker))
                .run(seconds: seconds, seed: seed ?? 0)
        }
        let seed = seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("seed \(seed), \(targets.count) targets, \(Int(seconds)) s")
        let overseer = Overseer(corpus: corpus, failures: failures, seed: seed)
        var failed = 0
        for target in targets {
            if try !overseer.run(target, seconds: seconds / Double(targets.count)) { failed += 1 }
        }
        guard failed == 0 else {
            print("\(failed) of \(targets.count) targets failed; their inputs are in \(failures)")
            throw ExitCode.failure
        }
        print("nothing found: \(overseer.rounds) messages")
    }
}
