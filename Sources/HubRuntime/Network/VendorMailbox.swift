import Synchronization

/// What came from a vendor and waits for the plugin's thread.
enum VendorDelivery: Sendable {
    case opened(connection: UInt32)
    case message(connection: UInt32, isText: Bool, bytes: [UInt8])
    case closed(connection: UInt32, code: UInt32, reason: String)
    case refused(connection: UInt32, VendorAnswer)
    case answered(request: UInt64, VendorAnswer)

    /// What it weighs while it waits.
    var bytes: Int {
        switch self {
        case .message(_, _, let bytes): 64 + bytes.count
        case .refused(_, let answer), .answered(_, let answer): 256 + answer.body.count
        default: 128
        }
    }
}

/// An HTTP answer, or why there is none.
struct VendorAnswer: Sendable {
    /// 0 = there was none.
    var httpStatus: Int
    /// A `hub_status` where there was none.
    var failure: Int32 = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// The connection was lost before an answer came, or never stood: another try may do better.
    var neverArrived = false
    /// It answers a login: where in its body the plugin sees tokens in place of credentials. Nothing else of it is recorded.
    var loginPointers: [String]?
}

/// The way from the network's thread to a provider's own: in order, each with the time it arrived, and bounded, since who
/// reads from the network stops while too much is waiting.
final class VendorMailbox: Sendable {
    struct Entry: Sendable {
        var delivery: VendorDelivery
        /// Wall clock.
        var arrivedNanoseconds: Int64
    }

    private struct State {
        var waiting: [Entry] = []
        var waitingBytes = 0
        /// What the reader has taken and not dealt with yet.
        var takenBytes = 0
        var isFull = false
    }

    private let state = Mutex(State())
    private let onNews: @Sendable () -> Void

    static let mostBytes = 8 << 20
    static let roomAgainBytes = 2 << 20

    /// - Parameter onNews: called after something was put in while nothing was there; wakes the reader.
    init(onNews: @escaping @Sendable () -> Void) {
        self.onNews = onNews
    }

    /// - Returns: false where too much is waiting now: who puts it in stops reading from the network.
    @discardableResult
    func put(_ delivery: VendorDelivery, arrivedNanoseconds: Int64) -> Bool {
        let (isFirst, isFull) = state.withLock { state in
            let isFirst = state.waiting.isEmpty
            state.waiting.append(Entry(delivery: delivery, arrivedNanoseconds: arrivedNanoseconds))
            state.waitingBytes += delivery.bytes
            if state.waitingBytes + state.takenBytes > Self.mostBytes { state.isFull = true }
            return (isFirst, state.isFull)
        }
        if isFirst { onNews() }
        return !isFull
    }

    var isFull: Bool { state.withLock { $0.isFull } }

    var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

    /// Everything that waits. `done` is to be called for each when it was dealt with.
    func take() -> [Entry] {
        state.withLock { state in
            defer {
                state.takenBytes += state.waitingBytes
                state.waitingBytes = 0
                state.waiting = []
            }
            return state.waiting
        }
    }

    /// - Returns: whether there is room again after there was none: reading may go on.
    func done(_ entry: Entry) -> Bool {
        state.withLock { state in
            state.takenBytes -= entry.delivery.bytes
            guard state.isFull, state.waitingBytes + state.takenBytes < Self.roomAgainBytes else { return false }
            state.isFull = false
            return true
        }
    }
}
