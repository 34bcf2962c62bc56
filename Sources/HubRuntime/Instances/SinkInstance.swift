import PluginABI

/// One sink plugin's instance. One thread at a time, but for acknowledgements.
final class SinkInstance {
    let base: PluginInstance
    private let table: UnsafePointer<hub_sink_1>

    init(_ base: PluginInstance) throws(PluginFailure) {
        self.base = base
        guard let table = base.extension(HUB_SINK_EXTENSION, as: hub_sink_1.self) else {
            throw PluginFailure(
                status: hub_status(HUB_UNSUPPORTED), text: "the plugin has no extension \(HUB_SINK_EXTENSION)")
        }
        guard table.pointee.write != nil, table.pointee.flush != nil else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL),
                text: "\(HUB_SINK_EXTENSION) of the plugin lacks functions: its author has to mend it")
        }
        self.table = table
    }

    /// Everything up to here is durable, says the plugin. Any thread.
    var acknowledged: UInt64 { base.context.acknowledged }

    /// Gives it records that stand for a stretch of the journal.
    func write(
        records: [UnsafePointer<hub_record>?], first: UInt64, last: UInt64, now: Int64
    ) throws(PluginFailure) {
        let plugin = base.plugin
        // Raised before the call: a sink may acknowledge a batch before it returns.
        base.context.mayAcknowledge(through: last)
        try base.call { error in
            records.withUnsafeBufferPointer { records in
                var batch = hub_batch(
                    struct_size: UInt32(MemoryLayout<hub_batch>.size), reserved: 0, first_seq: first, last_seq: last,
                    records: records.baseAddress, count: UInt64(records.count))
                return table.pointee.write(plugin, &batch, hub_now(wall_ns: now, mono_ns: MonotonicClock.now), error)
            }
        }
    }

    /// Has it make everything durable until a wall time.
    func flush(deadline: Int64) throws(PluginFailure) {
        let plugin = base.plugin
        try base.call { error in table.pointee.flush(plugin, deadline, error) }
    }

    /// Tells it what it will never get.
    func hole(first: UInt64, last: UInt64) {
        table.pointee.hole?(base.plugin, first, last)
    }
}
