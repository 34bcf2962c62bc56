import NIOCore
import Synchronization

/// Every open connection, so that stopping can be finished by force: a peer that neither speaks nor hangs up must not keep
/// the process alive.
final class ConnectionRegistry: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    /// Keeps the channel until it closes.
    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { [self] _ in channels.withLock { $0[key] = nil } }
    }

    /// How many are open.
    var count: Int { channels.withLock { $0.count } }

    /// Closes all of them at once.
    func closeAll() {
        let open = channels.withLock { Array($0.values) }
        for channel in open { channel.close(mode: .all, promise: nil) }
    }
}
