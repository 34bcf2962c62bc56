/// What a pipeline's records are checked for (`pipelines.*.quality`). What fails a check is flagged suspect, never
/// dropped.
public struct QualityPlan: Sendable, Hashable {
    /// A price further than this many percent from the last one; 0: not checked.
    public var spikePercent: Double
    /// A bid above the ask, a price below zero.
    public var crossed: Bool
    /// An event time before the newest of its stream.
    public var backwards: Bool
    /// A day's cumulative volume below what it had reached.
    public var volumeFalls: Bool
    /// The same trade once more.
    public var duplicates: Bool

    public init(
        spikePercent: Double = 20, crossed: Bool = true, backwards: Bool = true, volumeFalls: Bool = true,
        duplicates: Bool = true
    ) {
        self.spikePercent = spikePercent
        self.crossed = crossed
        self.backwards = backwards
        self.volumeFalls = volumeFalls
        self.duplicates = duplicates
    }

    /// Nothing is checked.
    public static let off = QualityPlan(
        spikePercent: 0, crossed: false, backwards: false, volumeFalls: false, duplicates: false)

    var checks: QualityChecks {
        var checks = QualityChecks()
        if spikePercent > 0 { checks.insert(.spike) }
        if crossed { checks.insert(.crossed) }
        if backwards { checks.insert(.backwards) }
        if volumeFalls { checks.insert(.volumeFalls) }
        if duplicates { checks.insert(.duplicates) }
        return checks
    }

    /// The band as a fraction; infinite where it is not checked.
    var spikeBand: Double { spikePercent > 0 ? spikePercent / 100 : .infinity }
}

/// Why records of a source were flagged suspect since the process started. A record that fails several checks counts
/// in each, and once in `records`.
public struct SuspectCounts: Sendable, Hashable, BitwiseCopyable {
    public var records: UInt64 = 0
    public var spike: UInt64 = 0
    public var crossed: UInt64 = 0
    public var backwards: UInt64 = 0
    public var volumeFalls: UInt64 = 0
    public var duplicates: UInt64 = 0
    /// Event times too far ahead of the receive time.
    public var ahead: UInt64 = 0
    /// Flagged by the source itself.
    public var bySource: UInt64 = 0

    public init() {}

    /// Each check under the word that names it in `hub.yaml` and in metrics.
    public var byCheck: [(check: String, count: UInt64)] {
        [
            ("spike", spike), ("crossed", crossed), ("backwards", backwards), ("volume_falls", volumeFalls),
            ("duplicates", duplicates), ("ahead", ahead), ("source", bySource),
        ]
    }
}

/// Checks as bits: those a pipeline makes, those a record failed.
struct QualityChecks: OptionSet, BitwiseCopyable {
    let rawValue: UInt8

    static let spike = QualityChecks(rawValue: 1)
    static let crossed = QualityChecks(rawValue: 2)
    static let backwards = QualityChecks(rawValue: 4)
    static let volumeFalls = QualityChecks(rawValue: 8)
    static let duplicates = QualityChecks(rawValue: 16)
    static let ahead = QualityChecks(rawValue: 32)
    static let bySource = QualityChecks(rawValue: 64)
}

extension SuspectCounts {
    mutating func count(_ failed: QualityChecks) {
        records &+= 1
        if failed.contains(.spike) { spike &+= 1 }
        if failed.contains(.crossed) { crossed &+= 1 }
        if failed.contains(.backwards) { backwards &+= 1 }
        if failed.contains(.volumeFalls) { volumeFalls &+= 1 }
        if failed.contains(.duplicates) { duplicates &+= 1 }
        if failed.contains(.ahead) { ahead &+= 1 }
        if failed.contains(.bySource) { bySource &+= 1 }
    }
}
