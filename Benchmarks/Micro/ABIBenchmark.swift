import ArgumentParser
import Glibc
import HubConfig
import HubRuntime
import Logging
import PluginABI

/// A provider on the other side of the ABI emits trades in batches of 256; the host checks each record, stamps it and shows
/// it; the other end of the ring reads every head. One core.
struct ABIBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "abi")

    @Option var seconds = 3.0

    func run() throws {
        let context = InstanceContext(
            name: "bench", settings: PluginSettings(.empty, integers: [:]), isSimulated: false,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }, takes: { _ in true })
        let base = try PluginInstance(entry: BenchmarkPlugin.entry, id: "bench", context: context)
        let provider = try ProviderInstance(base, name: "bench", maximumLines: 16_384)
        let kinds = UInt32(1) << UInt32(HUB_TRADE)
        try provider.start(wanted: [("SIM:A", kinds), ("SIM:B", kinds)], now: hub_now(wall_ns: 1, mono_ns: 1))
        var count: UInt64 = 0
        var sum: UInt64 = 0
        let start = worked()
        while Double(worked() - start) / 1e9 < seconds {
            for _ in 0..<1000 {
                _ = provider.step(now: hub_now(wall_ns: 1_700_000_000_000_000_000, mono_ns: 1), budget: 256)
                let waiting = provider.waiting(limit: 1 << 20)
                var offset = 0
                while offset < waiting.count {
                    let record = (waiting.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                    sum &+= UInt64(record.pointee.stream)
                    offset += Int(record.pointee.lines) * 64
                    count += 1
                }
                provider.consume(waiting.count)
            }
        }
        let took = Double(worked() - start) / 1e9
        print(#"{"records_per_second":\#(Int(Double(count) / took)),"records":\#(count),"sum":\#(sum)}"#)
    }

    /// Of one core: what others take of it says nothing.
    private func worked() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The least a provider can be: a pull source of trades, written against the headers.
enum BenchmarkPlugin {
    nonisolated(unsafe) static let entry: UnsafePointer<hub_entry> = {
        let place = UnsafeMutablePointer<hub_entry>.allocate(capacity: 1)
        place.initialize(to: hub_entry())
        place.pointee.struct_size = UInt32(MemoryLayout<hub_entry>.size)
        place.pointee.create = { _, _, _ in BenchmarkPlugin.instance }
        return UnsafePointer(place)
    }()

    nonisolated(unsafe) private static let instance: UnsafePointer<hub_plugin> = {
        let place = UnsafeMutablePointer<hub_plugin>.allocate(capacity: 1)
        place.initialize(to: hub_plugin())
        place.pointee.struct_size = UInt32(MemoryLayout<hub_plugin>.size)
        place.pointee.get_extension = { _, id in
            if hub_text_equal(id, HUB_PROVIDER_EXTENSION) != 0 { return UnsafeRawPointer(BenchmarkPlugin.provider) }
            if hub_text_equal(id, HUB_PROVIDER_PULL_EXTENSION) != 0 { return UnsafeRawPointer(BenchmarkPlugin.pull) }
            return nil
        }
        place.pointee.check_settings = { _, _ in 0 }
        place.pointee.start = { _, _, _ in 0 }
        place.pointee.stop = { _ in }
        place.pointee.destroy = { _ in }
        return UnsafePointer(place)
    }()

    nonisolated(unsafe) private static let provider: UnsafePointer<hub_provider_1> = {
        let place = UnsafeMutablePointer<hub_provider_1>.allocate(capacity: 1)
        place.initialize(to: hub_provider_1())
        place.pointee.want = { _, _, _, _, _ in 0 }
        return UnsafePointer(place)
    }()

    nonisolated(unsafe) private static let pull: UnsafePointer<hub_provider_pull_1> = {
        let place = UnsafeMutablePointer<hub_provider_pull_1>.allocate(capacity: 1)
        place.initialize(
            to: hub_provider_pull_1(pull: { _, budget, next, out, now, _ in
                for index in 0..<budget {
                    guard let space = hub_emit(out, 1, UInt8(HUB_TRADE)) else { break }
                    let trade = space.assumingMemoryBound(to: hub_trade.self)
                    trade.pointee.head.stream = 1 + (index & 1)
                    trade.pointee.head.ts_event = now.wall_ns
                    trade.pointee.price = 100 + Double(index) * 0.01
                    trade.pointee.size = 10
                    trade.pointee.trade_id = UInt64(index)
                    trade.pointee.conditions = 0
                    trade.pointee.side = 1
                    trade.pointee.reserved = (0, 0, 0)
                }
                next?.pointee.what = UInt32(HUB_PULL_MORE)
                return 0
            }))
        return UnsafePointer(place)
    }()
}
