import CHubSystem
import Glibc
import Synchronization

/// An operating system thread with a name, for work that must not run on Swift's global executor: plugins and disks may
/// block it.
final class WorkerThread: Sendable {
    private let name: String
    private let handle = Mutex<pthread_t?>(nil)

    init(name: String) {
        self.name = name
    }

    /// Runs `body` on a new thread. Once an instance.
    func start(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        let box = Unmanaged.passRetained(Box(name, body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                let box = Unmanaged<Box>.fromOpaque(context!).takeRetainedValue()
                hub_name_thread(box.name)
                box.body()
                return nil
            }, box.toOpaque())
        precondition(result == 0, "the system refuses a thread: raise its limit of processes (ulimit -u)")
        handle.withLock { $0 = thread }
    }

    /// Waits for its end.
    func join() {
        let thread = handle.withLock { handle -> pthread_t? in
            defer { handle = nil }
            return handle
        }
        if let thread { pthread_join(thread, nil) }
    }
}
