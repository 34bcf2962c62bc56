import EventFormat
import Synchronization

/// Rows of lists that show a state of the moment and do not fit into one page: kept for a while, so that the later pages of
/// a walk show the state of the first.
final class WalkCache: Sendable {
    /// All rows of one walk, one behind the other.
    struct Walk: Sendable {
        var text: [UInt8]
        /// Where each row ends.
        var ends: [Int]
        var notFound: [String]
        var failed: [ListMeta.Failure]
        var isSimulated: Bool
        /// Where all rows come from; `nil` = from here and there.
        var origin: String? = "live"
    }

    private struct Entry: Sendable {
        var binding: UInt64
        var asOf: UInt64
        var madeNanoseconds: Int64
        var walk: Walk
    }

    private static let capacity = 16
    private static let lifeNanoseconds: Int64 = 120_000_000_000
    private let entries = Mutex<[Entry]>([])

    func keep(_ walk: Walk, binding: UInt64, asOf: UInt64, now: Int64) {
        entries.withLock { entries in
            entries.removeAll {
                ($0.binding == binding && $0.asOf == asOf) || now - $0.madeNanoseconds > Self.lifeNanoseconds
            }
            if entries.count >= Self.capacity { entries.removeFirst() }
            entries.append(Entry(binding: binding, asOf: asOf, madeNanoseconds: now, walk: walk))
        }
    }

    func find(binding: UInt64, asOf: UInt64) -> Walk? {
        entries.withLock { entries in
            entries.first { $0.binding == binding && $0.asOf == asOf }?.walk
        }
    }
}
