import FuzzTargets
import Glibc
import PluginTestSupport

/// Decodes mutated messages until it is time or something is wrong.
struct Worker {
    private let target: FuzzTarget
    private let corpus: [[UInt8]]
    private let shared: SharedInput?

    /// What one message, of 64 KiB at most, may make the process grow by.
    private static let mostGrowth = 64 << 20
    /// What all of them together may leave behind.
    private static let mostKept = 64 << 20
    /// Of addresses, beyond what there is at the start: a decoder that asks for more is refused by the system and dies.
    private static let ceiling = 1 << 30

    init(_ target: FuzzTarget, corpus: [[UInt8]], shared: SharedInput? = nil) {
        self.target = target
        self.corpus = corpus
        self.shared = shared
    }

    /// Gives the inputs as they are.
    func replay() throws {
        let subject = try target.make()
        let guarded = GuardedBytes(capacity: 1 << 24)
        for input in corpus { try subject.take(guarded.holding(input)) }
    }

    func run(seconds: Double, seed: UInt64) throws {
        Self.limitMemory()
        let subject = try target.make()
        let guarded = GuardedBytes(capacity: SharedInput.most)
        // Before anything else, what is kept: it failed once.
        for input in corpus { try take(input, subject, guarded) }
        var mutator = WordMutator(seed: seed, words: target.isText)
        let kept = Self.keptBytes
        var largest = Self.largestBytes
        let end = Self.now + seconds
        var round = 0
        while round % 64 != 0 || Self.now < end {
            round += 1
            try take(mutator.mutate(corpus, most: SharedInput.most), subject, guarded)
            let size = Self.largestBytes
            guard size - largest <= Self.mostGrowth else {
                throw WorkerFault(description: "one message took \((size - largest) >> 20) MiB of memory")
            }
            largest = size
        }
        let more = Self.keptBytes - kept
        guard more <= Self.mostKept else {
            throw WorkerFault(description: "\(round) messages left \(more >> 20) MiB of memory behind")
        }
    }

    private func take(_ input: [UInt8], _ subject: any FuzzSubject, _ guarded: GuardedBytes) throws {
        shared?.put(input)
        try subject.take(guarded.holding(input))
    }

    // MARK: Memory and time

    private static func limitMemory() {
        var limit = rlimit(rlim_cur: rlim_t(pages.all * 4096 + ceiling), rlim_max: rlim_t.max)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        // Nobody reads the memory of a worker that dies.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }

    /// Of the process: addresses, and those with memory behind them.
    private static var pages: (all: Int, resident: Int) {
        guard let file = fopen("/proc/self/statm", "r") else { return (0, 0) }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return (0, 0) }
        let numbers = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ").prefix(2).compactMap { Int($0) }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    private static var largestBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    private static var keptBytes: Int { pages.resident * 4096 }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

struct WorkerFault: Error, CustomStringConvertible {
    let description: String
}
