import PluginABI

/// One indicator plugin's instance. One thread at a time.
final class IndicatorInstance {
    /// One of the definitions it was configured with.
    struct Definition {
        var name: String
        var outputs: [String]
        var warmUp: Int
        /// `nil` = all intervals of the pipeline.
        var intervals: [UInt32]?
    }

    let base: PluginInstance
    private let table: UnsafePointer<hub_indicator_1>
    private(set) var definitions: [Definition] = []
    private let space: EmitSpace
    private var check = RecordCheck(handleCount: .max, takesValues: true)
    /// The definition of each series, by series; `nil` = it was not opened.
    private var definitionOfSeries: [Int?] = []
    /// Records that were dropped because they were not what was asked for.
    var rejected: UInt64 { check.rejected + strays }
    private var strays: UInt64 = 0

    /// - Parameter maximumLines: most lines one call may emit.
    init(_ base: PluginInstance, maximumLines: Int) throws(PluginFailure) {
        self.base = base
        guard let table = base.extension(HUB_INDICATOR_EXTENSION, as: hub_indicator_1.self) else {
            throw PluginFailure(
                status: hub_status(HUB_UNSUPPORTED), text: "the plugin has no extension \(HUB_INDICATOR_EXTENSION)")
        }
        guard table.pointee.count != nil, table.pointee.definition != nil, table.pointee.open != nil,
            table.pointee.update != nil
        else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL),
                text: "\(HUB_INDICATOR_EXTENSION) of the plugin lacks functions: its author has to mend it")
        }
        self.table = table
        space = EmitSpace(lines: maximumLines)
    }

    func start(now: hub_now) throws(PluginFailure) {
        try base.start(now: now)
        let plugin = base.plugin
        for index in 0..<table.pointee.count(plugin) {
            var raw = hub_definition()
            raw.struct_size = UInt32(MemoryLayout<hub_definition>.size)
            let status = table.pointee.definition(plugin, index, &raw)
            guard status == hub_status(HUB_OK), let name = String(checked: raw.name), !name.isEmpty,
                raw.output_count > 0,
                raw.output_count <= 28, let outputs = raw.outputs
            else {
                throw PluginFailure(
                    status: hub_status(HUB_INTERNAL),
                    text: "definition \(index) of the plugin has no name or no outputs")
            }
            definitions.append(
                Definition(
                    name: name,
                    outputs: (0..<Int(raw.output_count)).map { String(checked: outputs[$0]) ?? "output\($0)" },
                    warmUp: Int(raw.warm_up),
                    intervals: raw.intervals.map {
                        Array(UnsafeBufferPointer(start: $0, count: Int(raw.interval_count)))
                    }))
        }
    }

    func open(series: UInt32, definition: UInt32, interval: UInt32) throws(PluginFailure) {
        let plugin = base.plugin
        try base.call { error in table.pointee.open(plugin, series, definition, interval, error) }
        while definitionOfSeries.count <= series { definitionOfSeries.append(nil) }
        definitionOfSeries[Int(series)] = Int(definition)
    }

    /// Whether a value answers one of the bars it was asked about, as its definition says.
    private func answers(_ value: UnsafePointer<hub_value>, _ bars: [hub_series_bar]) -> Bool {
        let series = value.pointee.head.stream
        guard definitionOfSeries.indices.contains(Int(series)), let index = definitionOfSeries[Int(series)],
            definitions.indices.contains(index), value.pointee.definition == index,
            Int(value.pointee.outputs) == definitions[index].outputs.count
        else { return false }
        return bars.contains { $0.series == series && $0.bar.pointee.head.seq == value.pointee.cause }
    }

    /// Whether it can be asked about forming bars.
    var peeks: Bool { table.pointee.peek != nil }

    /// Asks about forming bars, whose `seq` is 0; no state changes.
    func peek(
        _ bars: [hub_series_bar], now: hub_now, _ body: (UnsafePointer<hub_value>) -> Void
    ) throws(PluginFailure) {
        guard let peek = table.pointee.peek else { return }
        try call(peek, bars, now, body)
    }

    /// Gives it closed bars; `body` gets each value, its `stream` the series and its `definition` the index.
    func update(
        _ bars: [hub_series_bar], now: hub_now, _ body: (UnsafePointer<hub_value>) -> Void
    ) throws(PluginFailure) {
        try call(table.pointee.update, bars, now, body)
    }

    private typealias Call = (
        UnsafePointer<hub_plugin>?, UnsafePointer<hub_series_bar>?, UInt64, UnsafeMutablePointer<hub_out>?, hub_now,
        UnsafeMutablePointer<hub_error>?
    ) -> hub_status

    private func call(
        _ function: Call, _ bars: [hub_series_bar], _ now: hub_now, _ body: (UnsafePointer<hub_value>) -> Void
    ) throws(PluginFailure) {
        let plugin = base.plugin
        try space.collect { (out: UnsafeMutablePointer<hub_out>) throws(PluginFailure) in
            try base.call { error in
                function(plugin, bars, UInt64(bars.count), out, now, error)
            }
        } _: { emitted in
            let good = check.run(emitted, receivedNanoseconds: 0)
            var offset = 0
            while offset < good {
                let record = (emitted.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                let value = UnsafePointer(UnsafeMutableRawPointer(record).assumingMemoryBound(to: hub_value.self))
                if record.pointee.kind == UInt8(HUB_VALUE), answers(value, bars) {
                    body(value)
                } else {
                    strays += 1
                }
                offset += Int(record.pointee.lines) * Int(HUB_LINE)
            }
        }
    }
}
