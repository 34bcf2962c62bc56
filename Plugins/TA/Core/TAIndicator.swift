public import PluginABI
public import PluginKit

/// The indicator plugin `ta`: moving averages, oscillators and bands over bars.
///
/// A value is emitted for every closed bar, with all outputs, NaN until it is ready. A revised bar among the newest 16
/// of its series is computed anew together with all bars after it, and all of those values come again, oldest first:
/// `time` and `revision` are those of the bar a value belongs to, `cause` is the revised bar for all of them. A bar
/// older than that leads to no value and is logged once, at debug. A constant number of operations for each bar,
/// whatever the periods.
///
/// Settings: `outputs` (required), `intervals`, `preset`, `day_start`.
public final class TAIndicator: PluginKit.Indicator {
    /// What the plugin says about itself.
    public static let descriptor = Descriptor(
        id: "ta", name: "Technical analysis", vendor: "hub", version: "0.1.0",
        description:
            "Moving averages, RSI, MACD, Bollinger bands, average true range and VWAP from bars.",
        settingsSchema: TASettings.schema, catalogue: catalogueJSON,
        required: ["hub.host.settings/1"], optional: ["hub.host.log/1"])

    public static let peeks = true

    /// A series number beyond this can only be a mistake of the host.
    private static let maximumSeries: UInt32 = 1 << 24

    private struct Slot {
        let series: Series
        let definition: UInt32
        let outputs: Int
    }

    private let host: Host
    private let settings: TASettings
    private let problems: SettingsProblems
    private var slots: [Slot?] = []
    private let values = UnsafeMutablePointer<SeriesValue>.allocate(capacity: Series.maximumValues)
    private var hasLoggedOldBar = false

    /// Reads the settings; what is wrong with them is told by `checkSettings()` and `start(now:)`.
    public init(host: Host) throws {
        self.host = host
        var problems = SettingsProblems()
        settings = TASettings(host.settings, problems: &problems)
        self.problems = problems
    }

    deinit {
        for slot in slots { slot?.series.deallocate() }
        values.deallocate()
    }

    public func checkSettings() throws { try problems.throwIfAny() }

    public func start(now: Now) throws { try problems.throwIfAny() }

    public func definitions() throws -> [PluginKit.IndicatorDefinition] {
        try problems.throwIfAny()
        return settings.definitions.map { definition in
            PluginKit.IndicatorDefinition(
                name: definition.name, warmUp: UInt32(definition.warmUp(settings.conventions.preset)),
                outputs: definition.formula.outputs, intervals: settings.intervals)
        }
    }

    public func open(series: UInt32, definition: Int, intervalSeconds: UInt32) throws {
        guard settings.definitions.indices.contains(definition) else {
            throw PluginError(
                .internal,
                "series \(series): definition \(definition) of \(settings.definitions.count) does not exist"
            )
        }
        guard series < Self.maximumSeries else {
            throw PluginError(
                .overload, "series \(series) is beyond the \(Self.maximumSeries) that can be open")
        }
        while slots.count <= Int(series) { slots.append(nil) }
        slots[Int(series)]?.series.deallocate()
        let chosen = settings.definitions[definition]
        slots[Int(series)] = Slot(
            series: Series(chosen, settings.conventions), definition: UInt32(definition),
            outputs: chosen.formula.outputs.count)
    }

    public func update(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now)
        throws
    {
        try slots.withUnsafeBufferPointer { slots in
            for item in bars {
                guard item.series < slots.count, let slot = slots[Int(item.series)], let bar = item.bar
                else {
                    throw Self.notOpen(item.series)
                }
                guard let input = BarInput(bar) else { continue }
                let count: Int
                do throws(TimelineError) {
                    count = try slot.series.update(input, into: values)
                } catch {
                    logOldBar(bar)
                    continue
                }
                for index in 0..<count {
                    try Self.emit(values[index], of: slot, series: item.series, into: output)
                }
            }
        }
    }

    public func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now)
        throws
    {
        for item in bars {
            guard item.series < slots.count, let slot = slots[Int(item.series)], let bar = item.bar else {
                throw Self.notOpen(item.series)
            }
            guard let input = BarInput(bar), let value = slot.series.peek(input) else { continue }
            try Self.emit(value, of: slot, series: item.series, into: output)
        }
    }

    public func save(series: UInt32, to writer: StateWriter) throws {
        guard series < slots.count, let slot = slots[Int(series)] else { throw Self.notOpen(series) }
        let definition = settings.definitions[Int(slot.definition)]
        let bytes = SavedState.write(slot.series, definition, settings.conventions)
        try bytes.withUnsafeBytes { try writer.write($0) }
    }

    public func load(series: UInt32, from state: UnsafeRawBufferPointer) throws {
        guard series < slots.count, let slot = slots[Int(series)] else { throw Self.notOpen(series) }
        let definition = settings.definitions[Int(slot.definition)]
        try SavedState.read(state, into: slot.series, definition, settings.conventions)
    }

    @inline(__always)
    private static func emit(
        _ value: SeriesValue, of slot: Slot, series: UInt32, into output: Output
    ) throws {
        let fixed = MemoryLayout<hub_value>.offset(of: \.values) ?? 56
        let bytes = fixed + slot.outputs * 8
        let lines = (bytes + 63) / 64
        guard let space = output.reserve(lines: lines, kind: UInt8(HUB_VALUE)) else {
            throw PluginError(
                .overload,
                "the values of one call do not fit into what the host allows; hand over fewer bars at once")
        }
        let record = space.assumingMemoryBound(to: hub_value.self)
        record.pointee.head.stream = series
        record.pointee.head.ts_event = value.time
        record.pointee.definition = slot.definition
        record.pointee.revision = value.revision
        record.pointee.outputs = UInt8(slot.outputs)
        record.pointee.bits =
            (value.computed.isReady ? UInt8(HUB_VALUE_READY) : 0)
            | (value.computed.isStable ? UInt8(HUB_VALUE_STABLE) : 0)
        record.pointee.bar_time = value.time
        record.pointee.cause = value.cause
        let outputs = (space + fixed).assumingMemoryBound(to: Double.self)
        outputs[0] = value.computed.first
        guard slot.outputs > 1 else { return }
        outputs[1] = value.computed.second
        outputs[2] = value.computed.third
        (space + bytes).initializeMemory(as: UInt8.self, repeating: 0, count: lines * 64 - bytes)
    }

    private func logOldBar(_ bar: UnsafePointer<hub_bar>) {
        guard !hasLoggedOldBar else { return }
        hasLoggedOldBar = true
        host.log(
            .debug,
            "a bar opening at \(bar.pointee.head.ts_event) ns (seq \(bar.pointee.head.seq)) is older than the "
                + "\(Series.maximumValues) newest of its series: values stay as they are; further ones are not logged"
        )
    }

    private static func notOpen(_ series: UInt32) -> PluginError {
        PluginError(.internal, "series \(series) is not open")
    }
}

extension BarInput {
    /// What of a bar is computed with; nil for one whose prices are not numbers, which would poison every later value.
    @inline(__always)
    init?(_ bar: UnsafePointer<hub_bar>) {
        let bar = bar.pointee
        guard bar.close.isFinite && bar.high.isFinite && bar.low.isFinite else { return nil }
        self.init(
            time: bar.head.ts_event, cause: bar.head.seq, revision: UInt64(bar.revision), high: bar.high,
            low: bar.low,
            close: bar.close, volume: bar.volume, notional: bar.notional)
    }
}
