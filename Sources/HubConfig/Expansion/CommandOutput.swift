#if canImport(Glibc)
    internal import Glibc
#else
    internal import Musl
#endif

/// Runs the command of `${command:WORDS}`: no shell, standard input empty, at most 10 seconds.
enum CommandOutput {
    /// Why there is no output. Never holds standard output, which may be a secret.
    struct Failure: Error {
        var reason: String
    }

    static let timeoutMilliseconds: Int64 = 10_000
    static let largestOutput = 1 << 20

    /// Words are separated by blanks; single and double quotes keep blanks in a word.
    static func words(_ text: String) -> [String]? {
        var words: [String] = []
        var word = ""
        var isOpen = false
        var quote: Character?
        for character in text {
            if let sign = quote {
                if character == sign { quote = nil } else { word.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                isOpen = true
            } else if character == " " {
                if isOpen { words.append(word) }
                word = ""
                isOpen = false
            } else {
                word.append(character)
                isOpen = true
            }
        }
        if isOpen { words.append(word) }
        return quote == nil ? words : nil
    }

    /// Standard output of a command that ends with 0.
    static func run(
        _ words: [String], environment: [String: String],
        timeoutMilliseconds: Int64 = timeoutMilliseconds
    ) throws(Failure) -> [UInt8] {
        let outputPipe = try makePipe()
        let errorPipe: (read: Int32, write: Int32)
        do throws(Failure) { errorPipe = try makePipe() } catch {
            close(outputPipe.read)
            close(outputPipe.write)
            throw error
        }
        let pid: pid_t
        do throws(Failure) {
            pid = try spawn(words, environment, output: outputPipe.write, errors: errorPipe.write)
        } catch {
            for descriptor in [outputPipe.read, outputPipe.write, errorPipe.read, errorPipe.write] {
                close(descriptor)
            }
            throw error
        }
        close(outputPipe.write)
        close(errorPipe.write)
        defer {
            close(outputPipe.read)
            close(errorPipe.read)
        }
        let deadline = milliseconds() + timeoutMilliseconds
        let (output, complaint, isComplete) = collect(outputPipe.read, errorPipe.read, until: deadline)
        guard let status = isComplete ? wait(pid, until: deadline) : nil else {
            // The whole group: the command may have started others that hold the pipe.
            kill(-pid, SIGKILL)
            var ignored: Int32 = 0
            waitpid(pid, &ignored, 0)
            throw Failure(
                reason: output.count > largestOutput
                    ? "it wrote more than \(largestOutput >> 10) KiB"
                    : "it did not end within \(timeoutMilliseconds / 1000) s")
        }
        guard status == 0 else {
            let hasExited = status & 0x7f == 0
            let ending =
                hasExited
                ? "it ended with status \(status >> 8 & 0xff)" : "signal \(status & 0x7f) ended it"
            let firstLine = String(decoding: complaint.prefix { $0 != 0x0a }, as: UTF8.self)
            throw Failure(
                reason: firstLine.isEmpty ? ending : "\(ending): \(PathText.shortened(firstLine, to: 200))")
        }
        return output
    }

    private static func makePipe() throws(Failure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ words: [String], _ environment: [String: String], output: Int32, errors: Int32
    ) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)

        var arguments = words.map { strdup($0) } + [nil]
        var variables =
            environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &variables)
        guard code == 0 else { throw Failure(reason: String(cString: strerror(code))) }
        return pid
    }

    /// Reads both pipes to their ends. Incomplete past the deadline, or when there is too much.
    private static func collect(
        _ output: Int32, _ errors: Int32, until deadline: Int64
    ) -> (output: [UInt8], errors: [UInt8], isComplete: Bool) {
        var texts: [[UInt8]] = [[], []]
        var ends = [
            pollfd(fd: output, events: Int16(POLLIN), revents: 0),
            pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
        ]
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while ends[0].fd >= 0 || ends[1].fd >= 0 {
            let left = deadline - milliseconds()
            guard left > 0 else { return (texts[0], texts[1], false) }
            let ready = poll(&ends, 2, Int32(left))
            if ready < 0, errno != EINTR { return (texts[0], texts[1], false) }
            guard ready > 0 else { continue }
            for index in 0..<2 where ends[index].fd >= 0 && ends[index].revents != 0 {
                let count = chunk.withUnsafeMutableBytes {
                    readSome(ends[index].fd, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    ends[index].fd = -1
                    continue
                }
                // Of complaints only the beginning is of use.
                if index == 0 || texts[1].count < 4096 { texts[index] += chunk[..<count] }
                if texts[0].count > largestOutput { return (texts[0], texts[1], false) }
            }
        }
        return (texts[0], texts[1], true)
    }

    /// The status of a process that has closed its output and is about to end; `nil` past the deadline.
    private static func wait(_ pid: pid_t, until deadline: Int64) -> Int32? {
        var status: Int32 = 0
        while true {
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return status }
            if result < 0, errno != EINTR { return 0 }
            guard milliseconds() < deadline else { return nil }
            usleep(2000)
        }
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
