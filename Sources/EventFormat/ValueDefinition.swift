public import PluginABI

/// What a definition number in a `value` record stands for: an indicator with its parameters on bars of one interval.
public struct ValueDefinition: Sendable, Hashable {
    /// Dense, from 1.
    public var id: UInt32
    /// As written by the hub: all parameters, no blanks (`macd(12,26,9)`).
    public var name: String
    /// Length of its bars in seconds.
    public var interval: UInt32
    /// Names of the outputs in the order of the record's numbers, 1 to 28.
    public var outputs: [String]

    public init(id: UInt32, name: String, interval: UInt32, outputs: [String]) {
        self.id = id
        self.name = name
        self.interval = interval
        self.outputs = outputs
    }

    /// The selector that chooses it: `macd(12,26,9)@1m`.
    public var selector: String { "\(name)@\(Interval.text(ofSeconds: interval))" }

    /// Reads a `define` record of a value; `nil` if it is not one or its texts pass its end.
    public init?(_ record: UnsafePointer<hub_record>) {
        let pointer = RecordPointer(record)
        guard pointer.kind == HUB_DEFINE, pointer.what == HUB_DEFINE_VALUE else { return nil }
        let fixed = pointer.asDefineValue.pointee
        let count = 1 + Int(fixed.outputs)
        guard RecordText.fits(record, after: 48, count: count) else { return nil }
        let texts = RecordText.read(record, after: 48, count: count)
        self.init(id: fixed.definition, name: texts[0], interval: fixed.interval, outputs: Array(texts.dropFirst()))
    }
}
