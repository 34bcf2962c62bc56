import CHubSystem
import Glibc
import HubModel

/// The parent's side of one scanning child.
struct ScanChild {
    /// What one child found out.
    struct Outcome {
        /// Of the files that were examined to the end: what the child said, by file.
        var answers: [String: SettingsTree] = [:]
        /// The file during which the child died, and how.
        var guilty: (file: String, end: End)?
        /// The child did not get as far as any file.
        var failedToStart: String?
    }

    enum End: Equatable {
        case crashed(String)
        case hung
    }

    /// Path of the executable and the words before the files.
    let command: [String]
    /// Longest time a single file may take.
    let timeoutNanoseconds: Int64

    func run(_ files: [String]) -> Outcome {
        var arguments: [UnsafeMutablePointer<CChar>?] = (command + files).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var output: Int32 = -1
        var error: Int32 = -1
        let child = hub_spawn(&arguments, &output, &error)
        guard child > 0 else {
            return Outcome(failedToStart: "\(command[0]): \(String(cString: strerror(errno)))")
        }
        var reading = Reading(output: output, error: error)
        let isDone = reading.run(timeoutNanoseconds: timeoutNanoseconds)
        // A child that was given up is ended; for one that has ended this does nothing.
        if !isDone { kill(child, SIGKILL) }
        close(output)
        close(error)
        let code = hub_reap(child)
        var outcome = Outcome(answers: reading.answers)
        if let file = reading.begun {
            outcome.guilty = (file, isDone ? .crashed(Self.words(code, reading.lastError)) : .hung)
        } else if reading.answers.isEmpty, !files.isEmpty {
            outcome.failedToStart =
                isDone
                ? "\(command.joined(separator: " ")): \(Self.words(code, reading.lastError))"
                : "\(command.joined(separator: " ")): gave no answer in time"
        }
        return outcome
    }

    private static func words(_ code: Int32, _ said: String) -> String {
        let how: String
        if code >= 1000 {
            how = signalName(code - 1000)
        } else {
            how = "it ended the process with code \(code)"
        }
        return said.isEmpty ? how : "\(how), it said: \(said)"
    }

    private static func signalName(_ signal: Int32) -> String {
        switch signal {
        case SIGSEGV: "SIGSEGV, access to memory that is not its own"
        case SIGABRT: "SIGABRT, it gave up"
        case SIGILL: "SIGILL, a failed check of Swift or a broken instruction"
        case SIGTRAP: "SIGTRAP, a failed check of Swift"
        case SIGBUS: "SIGBUS, access to memory that is not there"
        case SIGFPE: "SIGFPE, a division by zero"
        case SIGKILL: "SIGKILL, somebody ended it; is there enough memory?"
        case SIGSYS: "SIGSYS, a forbidden system call"
        default: "signal \(signal)"
        }
    }
}

/// Reads both pipes of a child until it closes them or says nothing for too long.
private struct Reading {
    let output: Int32
    let error: Int32
    private(set) var answers: [String: SettingsTree] = [:]
    /// The file that was begun and not finished.
    private(set) var begun: String?
    private var line: [UInt8] = []
    private var said: [UInt8] = []

    init(output: Int32, error: Int32) {
        self.output = output
        self.error = error
    }

    /// The last line the child wrote to standard error.
    var lastError: String {
        let text = String(decoding: said, as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
        return String((line ?? "").prefix(300))
    }

    /// Whether the child came to an end by itself.
    mutating func run(timeoutNanoseconds: Int64) -> Bool {
        var isOutputOpen = true
        var isErrorOpen = true
        var deadline = Self.now() + timeoutNanoseconds
        while isOutputOpen {
            let left = deadline - Self.now()
            guard left > 0 else { return false }
            let ready = hub_wait_readable(output, isErrorOpen ? error : -1, Int32(min(left / 1_000_000 + 1, 60_000)))
            if ready & 2 != 0 {
                isErrorOpen = read(error) { said += $0 }
                if said.count > 1 << 16 { said.removeFirst(said.count - 1 << 12) }
            }
            if ready & 1 != 0 {
                var finished = false
                isOutputOpen = read(output) { bytes in
                    for byte in bytes {
                        guard byte == 0x0a else {
                            line.append(byte)
                            continue
                        }
                        take()
                        finished = true
                    }
                }
                if finished { deadline = Self.now() + timeoutNanoseconds }
            }
        }
        // What it said last may still be in the pipe.
        while isErrorOpen, hub_wait_readable(-1, error, 0) & 2 != 0 { isErrorOpen = read(error) { said += $0 } }
        return true
    }

    private mutating func take() {
        defer { line.removeAll(keepingCapacity: true) }
        guard let tree = try? SettingsTree(json: line), let file = tree["file"]?.textValue else { return }
        if tree["begins"] != nil {
            begun = file
        } else {
            answers[file] = tree
            begun = nil
        }
    }

    /// Whether the pipe is still open.
    private func read(_ descriptor: Int32, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { space in
            let count = Glibc.read(descriptor, space.baseAddress, space.count)
            if count < 0, errno == EINTR || errno == EAGAIN { return true }
            guard count > 0 else { return false }
            body(UnsafeRawBufferPointer(rebasing: space[..<count]))
            return true
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
