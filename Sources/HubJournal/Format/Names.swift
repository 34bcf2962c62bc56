/// Names of the files in `journal/`.
enum Names {
    static let temporarySuffix = ".tmp"
    static let segmentSuffix = ".segment"
    static let indexSuffix = ".index"
    static let checkpointSuffix = ".checkpoint"
    static let state = "state"
    static let clean = "clean"

    static func segment(first: UInt64) -> String { number(first) + segmentSuffix }
    static func index(first: UInt64) -> String { number(first) + indexSuffix }
    static func checkpoint(seq: UInt64) -> String { number(seq) + checkpointSuffix }

    /// The number in a name of this kind.
    static func number(of name: String, suffix: String) -> UInt64? {
        guard name.hasSuffix(suffix), name.utf8.count == 20 + suffix.utf8.count else { return nil }
        return UInt64(name.prefix(20))
    }

    /// 20 digits, so that names sort like numbers.
    private static func number(_ value: UInt64) -> String {
        let digits = String(value)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits
    }
}
