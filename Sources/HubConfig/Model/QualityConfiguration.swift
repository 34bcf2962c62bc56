internal import HubModel

/// What a pipeline's records are checked for; what fails is flagged `suspect`.
public struct QualityConfiguration: Sendable, Hashable {
    /// A price further than this many percent from the last one; 0: not checked.
    public var spikePercent: Double
    /// A bid above the ask, a price below zero.
    public var flagsCrossed: Bool
    /// A time before the newest.
    public var flagsBackwards: Bool
    /// A day's volume below what it had reached.
    public var flagsVolumeFalls: Bool
    /// The same trade once more.
    public var flagsDuplicates: Bool

    public init(
        spikePercent: Double = 20, flagsCrossed: Bool = true, flagsBackwards: Bool = true,
        flagsVolumeFalls: Bool = true, flagsDuplicates: Bool = true
    ) {
        self.spikePercent = spikePercent
        self.flagsCrossed = flagsCrossed
        self.flagsBackwards = flagsBackwards
        self.flagsVolumeFalls = flagsVolumeFalls
        self.flagsDuplicates = flagsDuplicates
    }

    init(_ value: CheckedValue?) {
        self.init()
        switch value?["spike_percent"]?.content {
        case .integer(let percent): spikePercent = Double(percent)
        case .number(let percent): spikePercent = percent
        default: break
        }
        func flags(_ key: String) -> Bool { value?[key]?.text != "ignore" }
        flagsCrossed = flags("crossed")
        flagsBackwards = flags("backwards")
        flagsVolumeFalls = flags("volume_falls")
        flagsDuplicates = flags("duplicates")
    }

    var digestTree: SettingsTree {
        .map([
            ("spike_percent", .number(spikePercent)), ("crossed", .bool(flagsCrossed)),
            ("backwards", .bool(flagsBackwards)), ("volume_falls", .bool(flagsVolumeFalls)),
            ("duplicates", .bool(flagsDuplicates)),
        ])
    }
}
