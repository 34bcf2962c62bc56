import PluginABI

/// Writes `define` records.
///
/// The head's times and `seq` stay zero: whoever journals the record sets them.
public enum DefineRecord {
    /// Lines of the record of a stream; more than 255 for texts that no record can carry.
    public static func lines(_ definition: StreamDefinition) -> Int {
        RecordText.linesNeeded(fixedBytes: 56, texts: texts(definition))
    }

    /// Lines of the record of a value.
    public static func lines(_ definition: ValueDefinition) -> Int {
        RecordText.linesNeeded(fixedBytes: 48, texts: texts(definition))
    }

    /// Writes the record into `lines(definition)` lines at `record`.
    public static func write(_ definition: StreamDefinition, to record: UnsafeMutableRawPointer) {
        let lines = min(lines(definition), Int(HUB_MAX_LINES))
        var fixed = hub_define_stream()
        fixed.head.lines = UInt8(lines)
        fixed.head.kind = UInt8(HUB_DEFINE)
        fixed.head.stream = definition.id
        fixed.what = UInt8(HUB_DEFINE_STREAM)
        fixed.instrument_type = definition.instrumentType
        fixed.simulated = definition.simulated ? 1 : 0
        fixed.tick_size = definition.tickSize
        fixed.lot_size = definition.lotSize
        record.storeBytes(of: fixed, as: hub_define_stream.self)
        RecordText.write(texts(definition), after: 56, in: record, lines: lines)
    }

    /// Writes the record into `lines(definition)` lines at `record`.
    public static func write(_ definition: ValueDefinition, to record: UnsafeMutableRawPointer) {
        let lines = min(lines(definition), Int(HUB_MAX_LINES))
        var fixed = hub_define_value()
        fixed.head.lines = UInt8(lines)
        fixed.head.kind = UInt8(HUB_DEFINE)
        fixed.what = UInt8(HUB_DEFINE_VALUE)
        fixed.outputs = UInt8(min(definition.outputs.count, 255))
        fixed.definition = definition.id
        fixed.interval = definition.interval
        record.storeBytes(of: fixed, as: hub_define_value.self)
        RecordText.write(texts(definition), after: 48, in: record, lines: lines)
    }

    private static func texts(_ definition: StreamDefinition) -> [String] {
        [definition.symbol, definition.source, definition.marketCentre, definition.currency, definition.calendar]
    }

    private static func texts(_ definition: ValueDefinition) -> [String] {
        [definition.name] + definition.outputs.prefix(255)
    }
}
