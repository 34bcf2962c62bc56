import PluginABI
import PluginKit
import Testing

@testable import PluginTestSupport

private struct Unwell: Error {}

/// A provider whose every callback throws.
private struct Failing: Provider {
    init(host: Host) throws {
        if host.settings.boolean("/refuse") == true {
            throw PluginError(.authentication, "no key", retryAfterMilliseconds: 250)
        }
    }
    mutating func checkSettings() throws {
        var problems = SettingsProblems()
        problems.add("/a~1b", String(repeating: "é", count: 400))
        problems.add("/c", "second")
        try problems.throwIfAny()
    }
    mutating func want(_ items: [Want], now: Now) throws { throw Unwell() }
    mutating func timer(_ timer: UInt32, into output: Output, now: Now) throws {
        output.signal(
            timer, timeNanoseconds: now.wallNanoseconds, kind: .pattern, name: "engulfing", direction: .bullish,
            strength: 0.5, intervalSeconds: 300, text: "auf 5 m \u{2013} ja")
        output.tradingStatus(
            0, timeNanoseconds: 5, venue: "NSE", phase: .open, reason: String(repeating: "x", count: 200),
            nextPhase: .post)
    }
}

private final class Counting: Indicator {
    static let peeks = true
    private var sums: [UInt32: Double] = [:]

    init(host: Host) {}
    func definitions() -> [IndicatorDefinition] {
        [
            IndicatorDefinition(name: "sum()", warmUp: 1, outputs: ["sum", "last"], intervals: [60, 300]),
            IndicatorDefinition(name: "other(3)", warmUp: 3, outputs: ["x"]),
        ]
    }
    func open(series: UInt32, definition: Int, intervalSeconds: UInt32) { sums[series] = 0 }
    func update(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now) throws {
        for item in bars {
            sums[item.series, default: 0] += item.bar.pointee.close
            let values = output.value(
                series: item.series, definition: 0, bar: item.bar, outputs: 2, ready: true, stable: false)
            values?[0] = sums[item.series, default: 0]
            values?[1] = item.bar.pointee.close
        }
    }
    func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, into output: Output, now: Now) throws {
        throw PluginError(.overload, "not now")
    }
    func save(series: UInt32, to writer: StateWriter) throws {
        try withUnsafeBytes(of: sums[series] ?? 0) { try writer.write($0) }
    }
    func load(series: UInt32, from state: UnsafeRawBufferPointer) { sums[series] = state.load(as: Double.self) }
}

private final class Keeping: Sink {
    private let host: Host
    init(host: Host) { self.host = host }
    func write(_ batch: SinkBatch, now: Now) throws {
        host.log(
            .info, "\(batch.firstSequence)-\(batch.lastSequence): \((0..<batch.count).map { batch[$0].pointee.seq })")
    }
    func flush(deadlineNanoseconds: Int64) throws { host.log(.info, "flush \(deadlineNanoseconds)") }
    func hole(firstSequence: UInt64, lastSequence: UInt64) { host.log(.info, "hole \(firstSequence)-\(lastSequence)") }
}

private func text<Tuple>(_ tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// Room for records, and what was put there.
private final class Room {
    let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)

    init() {
        memory.initializeMemory(as: UInt8.self, repeating: 0xAA, count: 4096)
        let start = memory.assumingMemoryBound(to: UInt8.self)
        out.initialize(to: hub_out(at: start, end: start + 4096, host: nil, more: { _, _ in 0 }))
    }

    deinit {
        out.deallocate()
        memory.deallocate()
    }

    var used: Int { UnsafeRawPointer(out.pointee.at!) - UnsafeRawPointer(memory) }
}

@Suite("the Swift kit over the ABI")
struct PluginKitTests {
    private let descriptor = Descriptor(id: "probe", name: "Probe", vendor: "v", version: "1", description: "d")

    private func table<Table>(_ plugin: UnsafePointer<hub_plugin>, _ id: String, _ type: Table.Type)
        -> UnsafePointer<Table>?
    {
        id.withHubText { plugin.pointee.get_extension(plugin, $0) }?.assumingMemoryBound(to: type)
    }

    @Test("what an author throws reaches the host as status, text, pointer and advice")
    func errors() throws {
        let registration = Registration.provider(Failing.self, descriptor)
        var error = hub_error()
        let refusing = FakeHost(["refuse": true])
        #expect(registration.create(host: refusing.raw, error: &error) == nil)
        #expect(text(error.text) == "no key" && error.retry_after_ms == 250)

        let host = FakeHost([:])
        let plugin = try #require(registration.create(host: host.raw, error: &error))
        defer { plugin.pointee.destroy(plugin) }
        #expect(plugin.pointee.check_settings(plugin, &error) == 1)
        #expect(text(error.pointer) == "/a~1b" && error.retry_after_ms == -1)
        // 511 bytes hold 255 characters of two bytes, and never half of one.
        #expect(text(error.text) == String(repeating: "é", count: 255))
        let provider = try #require(table(plugin, "hub.provider/1", hub_provider_1.self))
        #expect(provider.pointee.want(plugin, nil, 0, hub_now(), &error) == 11)
        #expect(text(error.text).contains("Unwell"))
        #expect(provider.pointee.want(plugin, nil, 0, hub_now(), nil) == 11)
        #expect(table(plugin, "hub.provider.pull/1", hub_provider_pull_1.self) == nil)
        #expect(table(plugin, "hub.sink/1", hub_sink_1.self) == nil)
    }

    @Test("texts in records have their length in front, and zeros fill the last line")
    func texts() throws {
        var error = hub_error()
        let host = FakeHost([:])
        let plugin = try #require(Registration.provider(Failing.self, descriptor).create(host: host.raw, error: &error))
        defer { plugin.pointee.destroy(plugin) }
        let provider = try #require(table(plugin, "hub.provider/1", hub_provider_1.self))
        let room = Room()
        #expect(provider.pointee.on_timer(plugin, 7, room.out, hub_now(wall_ns: 9, mono_ns: 1), &error) == 0)
        let bytes = UnsafeRawBufferPointer(start: room.memory, count: room.used)
        #expect(bytes.count == 128 + 320)
        let signal = bytes.load(as: hub_signal.self)
        #expect(signal.head.lines == 2 && signal.head.kind == 8 && signal.head.stream == 7)
        #expect(signal.strength == 0.5 && signal.interval == 300 && signal.direction == 1)
        #expect(bytes.load(fromByteOffset: 48, as: UInt16.self) == 9)
        #expect(String(decoding: bytes[50..<59], as: UTF8.self) == "engulfing")
        #expect(bytes.loadUnaligned(fromByteOffset: 59, as: UInt16.self) == 14)
        #expect(String(decoding: bytes[61..<75], as: UTF8.self) == "auf 5 m \u{2013} ja")
        #expect(bytes[75..<128].allSatisfy { $0 == 0 })
        let status = bytes.load(fromByteOffset: 128, as: hub_trading_status.self)
        #expect(status.head.lines == 5 && status.phase == 4 && status.next_phase == 7 && status.halted == 255)
        #expect(bytes[(128 + 64 + 5 + 202)...].allSatisfy { $0 == 0 })
    }

    @Test("an indicator's definitions, values and state go through its table")
    func indicator() throws {
        var error = hub_error()
        let host = FakeHost([:])
        let plugin = try #require(
            Registration.indicator(Counting.self, descriptor).create(host: host.raw, error: &error))
        defer { plugin.pointee.destroy(plugin) }
        let indicator = try #require(table(plugin, "hub.indicator/1", hub_indicator_1.self)).pointee
        #expect(indicator.count(plugin) == 2)
        var definition = hub_definition()
        #expect(indicator.definition(plugin, 0, &definition) == 0)
        #expect(String(definition.name) == "sum()" && definition.output_count == 2 && definition.interval_count == 2)
        #expect(String(definition.outputs[1]) == "last" && definition.intervals[1] == 300)
        #expect(indicator.definition(plugin, 1, &definition) == 0)
        #expect(definition.intervals == nil && definition.warm_up == 3)
        #expect(indicator.definition(plugin, 2, &definition) == 5)

        #expect(indicator.open(plugin, 5, 0, 60, &error) == 0)
        var bar = hub_bar()
        bar.head.ts_event = 600
        bar.head.seq = 42
        bar.close = 10.5
        bar.revision = 1
        let room = Room()
        try withUnsafePointer(to: bar) { bar in
            let items = [
                hub_series_bar(series: 5, reserved: 0, bar: bar), hub_series_bar(series: 5, reserved: 0, bar: bar),
            ]
            #expect(indicator.update(plugin, items, 2, room.out, hub_now(), &error) == 0)
            let peek = try #require(indicator.peek)
            #expect(peek(plugin, items, 2, room.out, hub_now(), &error) == 10)
        }
        #expect(room.used == 256)
        let value = (room.memory + 128).load(as: hub_value.self)
        #expect(value.head.lines == 2 && value.outputs == 2 && value.bits == 1 && value.cause == 42)
        #expect(value.revision == 1 && value.bar_time == 600 && value.head.stream == 5 && value.values == 21)
        #expect((room.memory + 128 + 64).load(as: Double.self) == 10.5)

        let taken = UnsafeMutablePointer<Double>.allocate(capacity: 1)
        defer { taken.deallocate() }
        var writer = hub_writer(
            host: taken,
            write: { writer, data, length in
                guard length == 8, let data else { return 0 }
                writer!.pointee.host.assumingMemoryBound(to: Double.self).pointee = data.load(as: Double.self)
                return 1
            })
        #expect(indicator.save(plugin, 5, &writer, &error) == 0 && taken.pointee == 21)
    }

    @Test("a sink gets its batches, flushes and holes")
    func sink() throws {
        var error = hub_error()
        let host = FakeHost([:])
        let plugin = try #require(Registration.sink(Keeping.self, descriptor).create(host: host.raw, error: &error))
        defer { plugin.pointee.destroy(plugin) }
        let sink = try #require(table(plugin, "hub.sink/1", hub_sink_1.self)).pointee
        var record = hub_record()
        record.seq = 7
        withUnsafePointer(to: record) { record in
            let records: [UnsafePointer<hub_record>?] = [record, record]
            records.withUnsafeBufferPointer { list in
                var batch = hub_batch(
                    struct_size: UInt32(MemoryLayout<hub_batch>.size), reserved: 0, first_seq: 6, last_seq: 9,
                    records: list.baseAddress, count: 2)
                #expect(sink.write(plugin, &batch, hub_now(), &error) == 0)
            }
        }
        #expect(sink.flush(plugin, 99, &error) == 0)
        sink.hole(plugin, 10, 20)
        #expect(host.log == ["6-9: [7, 7]", "flush 99", "hole 10-20"])
    }
}
