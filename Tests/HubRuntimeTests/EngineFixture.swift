import EventFormat
import Foundation
import HubConfig
import HubFold
import HubJournal
import HubModel
import Logging
import PluginABI
import Testing

@testable import HubRuntime

/// A whole engine in a folder of its own, with a provider that sends nothing.
final class EngineFixture {
    let engine: Engine
    let folder: String
    private let keepsFolder: Bool

    /// Stays as long as the tests run: an engine opens the file again.
    private nonisolated(unsafe) static let libraries = Result { try PluginFolder() }
    private static let library = Result {
        // Bytes of its own: of two files with the same bytes the first that was opened stands for both, and goes with its
        // test.
        try PluginLibrary.open(
            libraries.get().compile(
                PluginSource.quiet(extra: "__attribute__((used)) static const char of[] = \"the engine's tests\";"),
                to: "quiet.so"))
    }

    /// - Parameters:
    ///   - yaml: what follows the section `hub`.
    ///   - libraries: beside the quiet provider.
    init(
        pipelines: String, more: String = "", hub: String = "", folder given: String? = nil, keepsFolder: Bool = false,
        libraries: [PluginLibrary] = []
    ) throws {
        folder = given ?? NSTemporaryDirectory() + "hub-engine-" + UUID().uuidString
        self.keepsFolder = keepsFolder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let all = [try Self.library.get()] + libraries
        let registry = PluginRegistry(
            libraries: all.map {
                ScannedLibrary(file: $0.path, sha256: $0.sha256, isBundled: false, content: .plugins($0.descriptors))
            }, problems: [])
        let yaml = """
            hub:
              listen: 127.0.0.1:0
              data: \(folder)
            \(hub)
            providers:
              quiet: { plugin: quiet }
            \(more)
            pipelines:
            \(pipelines)
            """
        let loaded = ConfigurationLoader(environment: [:], plugins: registry).load(
            Array(yaml.utf8), path: folder + "/hub.yaml")
        let configuration = try #require(
            loaded.configuration, "\(loaded.diagnostics.map { "\($0)" }.joined(separator: "\n"))")
        engine = try Engine(
            configuration: configuration, plugins: registry, version: "test",
            logger: { label in
                var logger = Logger(label: label)
                logger.logLevel = .error
                return logger
            })
        try engine.start()
    }

    deinit {
        engine.stop(withinNanoseconds: 1_000_000_000)
        if !keepsFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    /// All records of the journal, as bytes.
    func records() -> [[UInt8]] {
        var found: [[UInt8]] = []
        let reader = engine.journal.reader(after: 0)
        while case .records(let bytes, _, _) = reader.next() {
            var offset = 0
            while offset < bytes.count {
                let length = Int(bytes[offset]) * Int(HUB_LINE)
                found.append(Array(bytes[offset..<(offset + length)]))
                offset += length
            }
        }
        return found
    }

    /// All bars of the journal with their symbols, in order.
    func bars() -> [(symbol: String, bar: hub_bar)] {
        let definitions = engine.definitions.snapshot()
        return records().filter { $0[1] == UInt8(HUB_BAR) }.map { record in
            let bar = record.withUnsafeBytes { $0.loadUnaligned(as: hub_bar.self) }
            return (definitions.stream(bar.head.stream)?.symbol ?? "", bar)
        }
    }
}

/// Records of a batch of backfill.
struct BatchMaker {
    private(set) var batch: BackfillBatch
    private(set) var count = 0

    init(_ symbols: [String], source: String = "import") {
        batch = BackfillBatch(source: source, symbols: symbols, records: [])
    }

    mutating func trade(_ symbol: UInt32, _ time: Int64, _ price: Double, _ size: Double, id: UInt64 = 0) {
        var trade = hub_trade()
        trade.head = head(symbol, time, HUB_TRADE, 1)
        trade.price = price
        trade.size = size
        trade.trade_id = id
        add(trade)
    }

    mutating func bar(
        _ symbol: UInt32, _ time: Int64, _ interval: Interval, _ prices: (Double, Double, Double, Double),
        volume: Double
    ) {
        var bar = hub_bar()
        bar.head = head(symbol, time, HUB_BAR, 2)
        bar.interval = interval.rawValue
        bar.open = prices.0
        bar.high = prices.1
        bar.low = prices.2
        bar.close = prices.3
        bar.volume = volume
        bar.count = 1
        bar.notional = .nan
        bar.open_interest = .nan
        add(bar)
    }

    private func head(_ symbol: UInt32, _ time: Int64, _ kind: Int, _ lines: UInt8) -> hub_record {
        var head = hub_record()
        head.lines = lines
        head.kind = UInt8(kind)
        head.stream = symbol
        head.ts_event = time
        return head
    }

    private mutating func add<Record>(_ record: Record) {
        count += 1
        withUnsafeBytes(of: record) { batch.records.append(contentsOf: $0) }
    }
}
