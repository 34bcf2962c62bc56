import PluginKit

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A system call that failed, told as what was tried, with what, why it failed and what to do.
struct SystemError: Error, Equatable {
    let number: Int32
    /// What was tried: "write to", "create the folder".
    let attempt: String
    let path: String

    /// Of the call that has just failed.
    init(_ attempt: String, _ path: String, number: Int32 = errno) {
        self.number = number
        self.attempt = attempt
        self.path = path
    }

    /// As the host is told: the batch stays with it and comes again.
    var pluginError: PluginError {
        let reason = String(cString: strerror(number))
        let text = "cannot \(attempt) \(path): \(reason)"
        switch number {
        case ENOSPC, EDQUOT:
            return PluginError(
                .overload, "\(text); free some space or lower rotate.keep; the events wait in the hub's journal",
                at: "/path", retryAfterMilliseconds: 5000)
        case EWOULDBLOCK:
            return PluginError(
                .configuration, "cannot \(attempt) \(path): another sink or hub writes there; give each its own path",
                at: "/path", retryAfterMilliseconds: 5000)
        case EACCES, EPERM, EROFS:
            return PluginError(
                .configuration, "\(text); give the hub's user write permission there or choose another path",
                at: "/path", retryAfterMilliseconds: 5000)
        case ENOTDIR, EEXIST, ENAMETOOLONG, ELOOP:
            return PluginError(
                .configuration, "\(text); choose another path", at: "/path", retryAfterMilliseconds: 5000)
        default:
            return PluginError(.internal, text, at: "/path", retryAfterMilliseconds: 1000)
        }
    }
}
