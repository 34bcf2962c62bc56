/// A life of the journal during which continuity can be proven.
///
/// A new one begins only when the hub was not shut down cleanly *and* the machine was started anew since (records that readers
/// saw may then have been lost), unless the durability was `fsync`.
public struct Epoch: Hashable, Sendable {
    /// 16 hex digits.
    public let name: String
    /// First position that belongs to it.
    public let first: UInt64
    /// Last position that is left of it; `nil` for the running one.
    public internal(set) var last: UInt64?

    static func isValid(_ name: String) -> Bool {
        name.utf8.count == 16 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    static func random() -> String {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// What a cursor `EPOCH.SEQ` is worth here.
public enum CursorJudgement: Hashable, Sendable {
    /// Read on after it. (Where retention passed it, the reader begins with a hole.)
    case valid
    /// It lies beyond what is left of its epoch: read on after `resumeAfter`, and begin with a hole, reason `lost`.
    case lost(resumeAfter: UInt64)
    /// Beyond the head of the running epoch.
    case ahead(head: UInt64)
    /// Of a journal that is not this one.
    case unknownEpoch
}

extension Journal {
    /// Judges a cursor. Without an epoch, the running one is meant. Any thread.
    public func judge(epoch name: String? = nil, after seq: UInt64) -> CursorJudgement {
        let name = name ?? epoch
        guard let found = epochs.first(where: { $0.name == name }) else { return .unknownEpoch }
        guard let last = found.last else {
            let head = head
            return seq <= head ? .valid : .ahead(head: head)
        }
        return seq <= last ? .valid : .lost(resumeAfter: last)
    }
}
