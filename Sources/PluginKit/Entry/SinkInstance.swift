import PluginABI

final class SinkInstance<P: Sink>: Instance {
    private var author: P

    init(_ author: P) {
        self.author = author
        super.init()
    }

    override func table(_ id: String) -> UnsafeRawPointer? {
        id == "hub.sink/1" ? UnsafeRawPointer(Tables.sink) : nil
    }
    override func checkSettings() throws { try author.checkSettings() }
    override func start(_ now: Now) throws { try author.start(now: now) }
    override func stop() { author.stop() }
    override func write(_ batch: SinkBatch, _ now: Now) throws { try author.write(batch, now: now) }
    override func flush(_ deadline: Int64) throws { try author.flush(deadlineNanoseconds: deadline) }
    override func hole(_ first: UInt64, _ last: UInt64) { author.hole(firstSequence: first, lastSequence: last) }
}

extension Tables {
    nonisolated(unsafe) static let sink = Immortal.value(
        hub_sink_1(
            write: { plugin, batch, now, error in
                Instance.attempt(plugin, error) { try $0.write(SinkBatch(batch!), Now(now)) }
            },
            flush: { plugin, deadline, error in
                Instance.attempt(plugin, error) { try $0.flush(deadline) }
            },
            hole: { plugin, first, last in
                Instance.with(plugin) { $0.hole(first, last) }
            }))
}
