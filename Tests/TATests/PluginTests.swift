import PluginABI
import PluginKit
import Testing

@testable import TACore

struct PluginTests {
    private let now = Now(wallNanoseconds: 0, monotonicNanoseconds: 0)

    @Test("every closed bar leads to one value record with all outputs")
    func records() throws {
        let host = TestHost([
            "/outputs": .list(["rsi(2)", "macd( 2, 3, 2 )"]), "/intervals": .list(["1m", "1d"]),
            "/preset": .text("talib"),
        ])
        let plugin = try TAIndicator(host: Host(host.raw))
        try plugin.checkSettings()
        try plugin.start(now: now)
        let definitions = try plugin.definitions()
        #expect(definitions.map(\.name) == ["rsi(2)", "macd(2,3,2)"])
        #expect(definitions.map(\.warmUp) == [3, 4])
        #expect(definitions[1].outputs == ["macd", "signal", "histogram"])
        #expect(definitions[0].intervals == [60, 86400])
        try plugin.open(series: 0, definition: 0, intervalSeconds: 60)
        try plugin.open(series: 5, definition: 1, intervalSeconds: 60)

        let output = TestOutput(lines: 64)
        var random = Seeded(2)
        let bars = walk(6, using: &random)
        try feed(plugin, bars.flatMap { bar in [UInt32(0), 5].map { (series: $0, bar: bar) } }, output)
        let values = output.values
        #expect(values.count == 12)
        let rsi = try run("rsi(2)", bars)
        let macd = try run("macd(2,3,2)", bars)
        for (index, bar) in bars.enumerated() {
            let first = values[2 * index]
            let second = values[2 * index + 1]
            #expect(
                first.series == 0 && first.definition == 0 && second.series == 5 && second.definition == 1)
            #expect(first.barTime == bar.time && first.cause == bar.cause && first.revision == 0)
            #expect(first.outputs == [rsi[index].computed.first.bitPattern])
            #expect(
                second.outputs == [
                    macd[index].computed.first.bitPattern, macd[index].computed.second.bitPattern,
                    macd[index].computed.third.bitPattern,
                ])
            #expect(first.isReady == (index >= 2) && second.isReady == (index >= 3))
            #expect(first.trailingBytes.isEmpty && second.trailingBytes.allSatisfy { $0 == 0 })
        }
    }

    @Test("a revised bar and those after it come again; one older than the ring is logged once")
    func revisedBars() throws {
        let host = TestHost(["/outputs": .list(["sma(3)"])])
        let plugin = try TAIndicator(host: Host(host.raw))
        #expect(try plugin.definitions()[0].intervals == nil)
        try plugin.open(series: 1, definition: 0, intervalSeconds: 60)
        let output = TestOutput(lines: 64)
        var random = Seeded(4)
        var bars = walk(30, using: &random)
        try feed(plugin, bars.map { (1, $0) }, output)
        output.clear()
        bars[27].revision = 2
        bars[27].cause = 99
        bars[27].close = 200
        try feed(plugin, [(1, bars[27])], output)
        #expect(output.values.map(\.barTime) == bars[27...].map(\.time))
        #expect(output.values.map(\.revision) == [2, 0, 0])
        #expect(output.values.map(\.cause) == [99, 99, 99])
        #expect(output.values[2].numbers[0] == (bars[29].close + bars[28].close + 200) / 3)
        output.clear()
        try feed(plugin, [(1, bars[3]), (1, bars[4])], output)
        #expect(output.values.isEmpty && host.logged.count == 1)
        #expect(host.logged.first?.level == LogLevel.debug.rawValue)
    }

    @Test("a series that is not open, or output beyond the host's limit, is an error in words")
    func hostErrors() throws {
        let host = TestHost(["/outputs": .text("sma(3)")])
        let plugin = try TAIndicator(host: Host(host.raw))
        var random = Seeded(4)
        let bars = walk(3, using: &random)
        let output = TestOutput(lines: 2)
        let error = #expect(throws: PluginError.self) { try feed(plugin, [(7, bars[0])], output) }
        #expect(error?.text == "series 7 is not open")
        try plugin.open(series: 7, definition: 0, intervalSeconds: 60)
        let overload = #expect(throws: PluginError.self) {
            try feed(plugin, bars.map { (7, $0) }, output)
        }
        #expect(overload?.status == .overload)
        #expect(throws: PluginError.self) {
            try plugin.open(series: 1, definition: 1, intervalSeconds: 60)
        }
        #expect(throws: PluginError.self) {
            try plugin.open(series: .max, definition: 0, intervalSeconds: 60)
        }
    }

    @Test("all that is wrong with settings is told, with pointers into them")
    func badSettings() throws {
        func problem(_ settings: [String: TestHost.Setting]) throws -> PluginError? {
            let host = TestHost(settings)
            let plugin = try TAIndicator(host: Host(host.raw))
            do { try plugin.checkSettings() } catch { return error as? PluginError }
            return nil
        }
        #expect(try problem([:])?.pointer == "/outputs")
        #expect(
            try problem(["/outputs": .list([])])?.text.contains("expected a list of indicators") == true)
        let two = try problem(["/outputs": .list(["sma(3)", "rsy(14)", "ema(0)"])])
        #expect(
            two?.pointer == "/outputs/1" && two?.text.contains("; also /outputs/2: period of ema") == true
        )
        let twice = try problem(["/outputs": .list(["sma(3)", "sma( 3 )"])])
        #expect(
            twice?.pointer == "/outputs/1"
                && twice?.text.contains("sma(3) is listed twice, first as number 1") == true)
        let interval = try problem(["/outputs": .list(["vwap"]), "/intervals": .list(["1m", "2m"])])
        #expect(
            interval?.pointer == "/intervals/1"
                && interval?.text.contains("unknown interval '2m'") == true)
        let preset = try problem(["/outputs": .list(["vwap"]), "/preset": .text("ta-lib")])
        #expect(preset?.pointer == "/preset" && preset?.text.contains("did you mean 'talib'?") == true)
        for text in ["8:00", "24:00", "08:60", "0800x", "-1:00", "08:0a"] {
            let dayStart = try problem(["/outputs": .list(["vwap"]), "/day_start": .text(text)])
            #expect(dayStart?.pointer == "/day_start", "\(text)")
        }
        #expect(try problem(["/outputs": .list(["vwap"]), "/day_start": .text("08:30")]) == nil)
    }

    private func feed(
        _ plugin: TAIndicator, _ bars: [(series: UInt32, bar: BarInput)], _ output: TestOutput
    ) throws {
        let records = UnsafeMutablePointer<hub_bar>.allocate(capacity: bars.count)
        defer { records.deallocate() }
        for (index, item) in bars.enumerated() {
            var record = hub_bar()
            record.head.lines = 2
            record.head.kind = UInt8(HUB_BAR)
            record.head.ts_event = item.bar.time
            record.head.seq = item.bar.cause
            record.interval = 60
            record.revision = UInt16(item.bar.revision)
            record.high = item.bar.high
            record.low = item.bar.low
            record.close = item.bar.close
            record.volume = item.bar.volume
            record.notional = item.bar.notional
            records[index] = record
        }
        let items = bars.indices.map {
            hub_series_bar(series: bars[$0].series, reserved: 0, bar: records + $0)
        }
        try items.withUnsafeBufferPointer { try plugin.update($0, into: output.output, now: now) }
    }
}
