import KillScript

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One run of the script in a process of its own, and what it left.
struct KilledProcess {
    enum Fault: Int {
        case none, kill, tear, full
    }

    struct Plan {
        var fault = Fault.none
        var step = 0
        /// Segments are made by a thread of their own.
        var preparesAhead = false
        /// After a full disk it goes on; else it dies there.
        var goesOn = false
    }

    let plan: Plan
    /// Holds the data folder and, beside it, what was promised.
    let folder: TestFolder
    let progress: Progress
    /// The signal that ended it, or 0.
    let signal: Int32
    let status: Int32

    var data: String { "\(folder.path)/data" }

    var name: String {
        switch plan.fault {
        case .none: "not stopped"
        case .kill: "killed before step \(plan.step)"
        case .tear: "killed within step \(plan.step)"
        case .full: "disk full from step \(plan.step), \(plan.goesOn ? "going on" : "then killed")"
        }
    }

    init(_ plan: Plan) throws {
        self.plan = plan
        folder = TestFolder()
        let progressPath = "\(folder.path)/progress"
        let arguments = [
            Self.program, "\(folder.path)/data", progressPath, "\(plan.fault.rawValue)", "\(plan.step)",
            plan.preparesAhead ? "1" : "0", plan.goesOn ? "1" : "0",
        ]
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process: pid_t = 0
        let failure = posix_spawn(&process, Self.program, nil, nil, &pointers, environ)
        guard failure == 0 else { throw Failure(words: "\(Self.program): \(String(cString: strerror(failure)))") }
        var code: Int32 = 0
        while waitpid(process, &code, 0) < 0, errno == EINTR {}
        signal = code & 0x7f
        status = code >> 8 & 0xff
        guard let progress = Progress(path: progressPath) else { throw Failure(words: "no \(progressPath)") }
        self.progress = progress
    }

    struct Failure: Error {
        var words: String
    }

    /// It is built into the folder of the tests' own program.
    private static let program: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let text = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/hub-kill-script"
    }()
}
