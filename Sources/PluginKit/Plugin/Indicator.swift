public import PluginABI

/// Values computed from bars.
///
/// The hub numbers *series*: the bars of one instrument and interval under one definition. All state is per series, so
/// that it can be saved and loaded.
public protocol Indicator: Plugin {
    /// Whether ``peek(_:into:now:)`` is written. Default: false.
    static var peeks: Bool { get }
    /// What the instance computes, by its settings; asked for once, after `init`.
    mutating func definitions() throws -> [IndicatorDefinition]
    /// Begins a series, or begins it anew. `definition` is an index into ``definitions()``; the interval is in seconds.
    mutating func open(series: UInt32, definition: Int, intervalSeconds: UInt32) throws
    /// Takes closed bars, in the order of time within each series; emits one value a bar with
    /// ``Output/value(series:definition:bar:outputs:ready:stable:)``.
    mutating func update(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now) throws
    /// As ``update(_:into:now:)`` on forming bars; must leave the state as it was.
    mutating func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now) throws
    /// Writes the state of one series.
    mutating func save(series: UInt32, to writer: StateWriter) throws
    /// Takes over the state of one series, which is open already. Throw when the bytes are not of this version.
    mutating func load(series: UInt32, from state: UnsafeRawBufferPointer) throws
}

extension Indicator {
    public static var peeks: Bool { false }
    /// Refuses.
    public mutating func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now) throws {
        throw PluginError(.unsupported, "this indicator computes no values on forming bars")
    }
}

/// One thing an indicator computes.
public struct IndicatorDefinition: Sendable {
    /// With all parameters and no blanks: `macd(12,26,9)`.
    public var name: String
    /// Bars before the value is ready.
    public var warmUp: UInt32
    /// Names of the outputs, 1 to 28.
    public var outputs: [String]
    /// Intervals in seconds it is wanted on; nil = all of the pipeline.
    public var intervals: [UInt32]?

    /// Makes a definition.
    public init(name: String, warmUp: UInt32, outputs: [String], intervals: [UInt32]? = nil) {
        self.name = name
        self.warmUp = warmUp
        self.outputs = outputs
        self.intervals = intervals
    }
}

/// Where state is saved to; valid during the call.
public struct StateWriter {
    private let raw: UnsafeMutablePointer<hub_writer>

    init(_ raw: UnsafeMutablePointer<hub_writer>) { self.raw = raw }

    /// Appends bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard raw.pointee.write(raw, bytes.baseAddress, UInt64(bytes.count)) == 1 else {
            throw PluginError(.overload, "the host did not take \(bytes.count) bytes of state")
        }
    }
}
