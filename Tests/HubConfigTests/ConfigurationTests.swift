import EventFormat
import HubModel
import Testing

@testable import HubConfig

@Suite("What a good hub.yaml becomes")
struct ConfigurationTests {
    private func load(
        _ yaml: String, environment: [String: String] = [:], overrides: [String] = [], folder: String = "/etc/hub"
    ) -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        ConfigurationLoader(environment: environment, plugins: TestCatalogue.shared, overrides: overrides)
            .load(Array(yaml.utf8), name: "hub.yaml", folder: folder)
    }

    private func good(
        _ yaml: String, environment: [String: String] = [:], overrides: [String] = [], folder: String = "/etc/hub"
    ) throws -> Configuration {
        let (configuration, diagnostics) = load(
            yaml, environment: environment, overrides: overrides, folder: folder)
        return try #require(configuration, "\(diagnostics.text())")
    }

    static let demonstration = FixtureCase(TestFiles.read("Fixtures/demonstration.case")).yaml
    static let small = """
        providers: { sim: { plugin: simulator } }
        pipelines: { p: { from: sim, instruments: "SIM:A", bars: 1m } }

        """

    @Test("what comes from a vendor is recorded where the file says so: with limits, or with those of 'true'")
    func record() throws {
        func settings(_ record: String) throws -> RecordSettings? {
            try good(
                "providers: { sim: { plugin: simulator\(record) } }\n"
                    + "pipelines: { p: { from: sim, instruments: \"SIM:A\" } }\n"
            ).provider("sim")?.network.record
        }
        #expect(try settings("") == nil)
        #expect(try settings(", record: false") == nil)
        let usual = try #require(try settings(", record: true"))
        #expect(usual.keepNanoseconds == 7_200_000_000_000 && usual.maximumBytes == 1 << 30)
        #expect(try settings(", record: {}") == usual)
        let other = try #require(try settings(", record: { keep: 4h, max_size: 2GiB }"))
        #expect(other.keepNanoseconds == 14_400_000_000_000 && other.maximumBytes == 2 << 30)
        let endless = try #require(try settings(", record: { keep: forever, max_size: none }"))
        #expect(endless.keepNanoseconds == .max && endless.maximumBytes == .max)
    }

    @Test("the demonstration of the reference")
    func demonstrationFile() throws {
        let configuration = try good(ConfigurationTests.demonstration)
        #expect(configuration.hub.listen == [.host("127.0.0.1", port: 8080)])
        #expect(configuration.hub.data == "/etc/hub/data")
        #expect(configuration.providers.map(\.name) == ["simulator", "tape"])
        let simulator = try #require(configuration.provider("simulator"))
        #expect(simulator.settings.integer("/seed") == 42)
        #expect(simulator.settings.tree["rate"] == 200)
        #expect(simulator.settings.text("/history") == "5d")
        #expect(simulator.settings.integer("/history") == Int64(432_000_000_000_000))
        #expect(simulator.settings.tree[pointer: "/instruments/SIM:ALPHA/volatility"] == 0.25)
        // Defaults reach into what the operator began.
        #expect(simulator.settings.tree[pointer: "/instruments/SIM:ALPHA/tick_size"] == 0.01)
        #expect(simulator.settings.tree["levels"] == 5)
        let tape = try #require(configuration.provider("tape"))
        #expect(tape.settings.text("/files/0/path") == "/etc/hub/Examples/data/spy-trades.csv.gz")
        #expect(tape.plugin.traits.contains(.recorded))
        #expect(configuration.indicator("momentum")?.intervals == [.m1])
        let archive = try #require(configuration.sink("archive"))
        #expect(archive.settings.text("/path") == "/etc/hub/archive")
        #expect(archive.settings.integer("/rotate/size") == 256 << 20)
        #expect(archive.kinds.matches(kind: EventKind.bar.rawValue, interval: 60))
        #expect(!archive.kinds.matches(kind: EventKind.bar.rawValue, interval: 300))
        #expect(!archive.kinds.matches(kind: EventKind.trade.rawValue))
        #expect((archive.batchEvents, archive.batchEveryNanoseconds) == (1000, 1_000_000_000))
        #expect(archive.holdNanoseconds == 7 * 86_400_000_000_000)
        let demo = try #require(configuration.pipeline("demo"))
        #expect(demo.instruments.map(\.text) == ["SIM:ALPHA", "SIM:BETA", "SIM:GAMMA"])
        #expect(demo.bars == [.s1, .m1, .m5, .h1, .d1])
        #expect(demo.kinds == EventKind.trade.bit | EventKind.quote.bit | EventKind.book.bit)
        #expect(
            demo.sources == [
                .init(
                    provider: "simulator",
                    kinds: EventKind.trade.bit | EventKind.quote.bit | EventKind.book.bit | EventKind.bar.bit
                        | EventKind.gap.bit)
            ])
        #expect((demo.indicators, demo.sinks) == (["momentum"], ["archive"]))
        #expect(demo.stoppedBecause == nil)
        #expect(demo.failoverAfterNanoseconds == 15_000_000_000)
        // Without `kinds`, all that the provider streams but books.
        #expect(
            configuration.pipeline("tape")?.sources.first?.kinds
                == EventKind.trade.bit | EventKind.quote.bit | EventKind.bar.bit | EventKind.gap.bit)
    }

    @Test("what is not written has the defaults of the reference")
    func defaults() throws {
        let hub = try good(ConfigurationTests.small).hub
        #expect(hub.listen == [.host("127.0.0.1", port: 8080)])
        #expect((hub.clock, hub.durability, hub.allowsSimulated) == (.real, .process, true))
        #expect((hub.heartbeatNanoseconds, hub.shutdownNanoseconds) == (5_000_000_000, 10_000_000_000))
        #expect(hub.retention.journalNanoseconds == 86_400_000_000_000)
        #expect((hub.retention.journalBytes, hub.retention.minimumFreeBytes) == (8 << 30, 1 << 30))
        #expect(hub.retention.barsNanoseconds == .max)
        let day: Int64 = 86_400_000_000_000
        #expect((hub.retention.ticksNanoseconds, hub.retention.booksNanoseconds) == (90 * day, 7 * day))
        #expect(hub.retention.mostBytes == .max)
        #expect(try good(ConfigurationTests.small).pipelines[0].retention == .init())
        #expect(hub.corsOrigins == [])
        #expect((hub.limits.connections, hub.limits.symbols) == (10_000, 10_000))
        #expect((hub.limits.operationsPerSecond, hub.limits.messageBytes) == (50, 65_536))
        #expect((hub.limits.urlBytes, hub.limits.headerBytes) == (65_536, 32_768))
        #expect((hub.limits.bodyBytes, hub.limits.requestNanoseconds) == (1 << 20, 30_000_000_000))
        #expect((hub.log.level, hub.log.format, hub.log.levels.count) == (.info, .auto, 0))
        #expect(!hub.metricsPerInstrument)
        let plugins = try good(ConfigurationTests.small).plugins
        #expect(plugins.path == ["/etc/hub/plugins"])
        #expect((plugins.pins.count, plugins.scanTimeoutNanoseconds) == (0, 5_000_000_000))
        let provider = try good(ConfigurationTests.small).providers[0]
        #expect(
            (provider.staleAfterNanoseconds, provider.finalizeAfterNanoseconds) == (30_000_000_000, 2_000_000_000))
    }

    @Test("references are filled in, with the type of the schema")
    func expansion() throws {
        let yaml = """
            hub: { listen: "127.0.0.1:${PORT:-8080}", allow_simulated: "${ALLOW}", limits: { connections: "${MANY}" } }
            providers: { sim: { plugin: simulator, settings: { seed: "${command:echo 7}", history: "${HISTORY}" } } }
            pipelines: { p: { from: sim, instruments: "SIM:${NAME:-A$$B}" } }

            """
        let configuration = try good(
            yaml, environment: ["PORT": "9", "ALLOW": "false", "MANY": "12", "HISTORY": "2h"],
            overrides: ["hub.allow_simulated=true"])
        #expect(configuration.hub.listen == [.host("127.0.0.1", port: 9)])
        #expect(configuration.hub.allowsSimulated)
        #expect(configuration.hub.limits.connections == 12)
        #expect(configuration.providers[0].settings.integer("/seed") == 7)
        #expect(configuration.providers[0].settings.integer("/history") == 7_200_000_000_000)
        #expect(configuration.pipelines[0].instruments.map(\.text) == ["SIM:A$B"])
    }

    @Test("what is disabled is in no list, and a pipeline left with nothing says why")
    func disabled() throws {
        let fixture = FixtureCase(TestFiles.read("Fixtures/disabled.case"))
        let yaml = fixture.yaml.replacing("hold: 7 ", with: "hold: 7d ")
        let (found, diagnostics) = load(yaml)
        let configuration = try #require(found, "\(diagnostics.text())")
        #expect(configuration.providers.map(\.name) == ["sim"])
        #expect(configuration.indicators.isEmpty && configuration.sinks.isEmpty)
        #expect(configuration.pipelines.map(\.name) == ["us", "gone"])
        let us = try #require(configuration.pipeline("us"))
        #expect(us.sources.map(\.provider) == ["sim"])
        #expect(us.indicators.isEmpty && us.sinks.isEmpty)
        #expect(configuration.pipeline("gone")?.stoppedBecause == "no provider is left: acme (it is disabled)")
    }

    @Test("groups and exclusions give exact symbols, each once, in the order of the file")
    func instruments() throws {
        let yaml = """
            providers: { tape: { plugin: replay, settings: { files: { path: a.csv, symbol: "ARCA:SPY", kind: trade } } } }
            groups:
              inner: ["SIM:C", "SIM:A"]
              outer: [group:inner, "SIM:D"]
            pipelines:
              p: { from: tape, instruments: ["SIM:B", group:outer, "SIM:B", "ARCA:*"], exclude: ["SIM:D", "ARCA:X*"] }

            """
        let pipeline = try good(yaml).pipelines[0]
        #expect(pipeline.instruments.map(\.text) == ["SIM:B", "SIM:C", "SIM:A"])
        #expect(pipeline.globs.map(\.text) == ["ARCA:*"])
        #expect(pipeline.takes(try Symbol("ARCA:SPY")))
        #expect(!pipeline.takes(try Symbol("ARCA:XLF")))
        #expect(!pipeline.takes(try Symbol("SIM:D")))
    }

    @Test("the digest of the fold covers what the fold depends on, and nothing else")
    func digest() throws {
        let base = try good(ConfigurationTests.demonstration).foldDigestInput
        #expect(try good(ConfigurationTests.demonstration, folder: "/elsewhere").foldDigestInput == base)
        for same in [
            "hub.listen=127.0.0.1:0", "hub.data=/tmp/x", "hub.log.level=debug", "hub.clock=virtual",
            "sinks.archive.settings.path=./other", "hub.retention.journal=1h",
            "providers.simulator.settings.history=120h", "providers.tape.settings.files[0].path=/x/spy-trades.csv.gz",
            "pipelines.demo.failover.after=15000ms",
        ] {
            #expect(try good(ConfigurationTests.demonstration, overrides: [same]).foldDigestInput == base, "\(same)")
        }
        for other in [
            "providers.simulator.settings.seed=43", "pipelines.demo.bars=[1s, 1m]", "pipelines.demo.kinds=[trade]",
            "pipelines.demo.exclude=SIM:BETA", "pipelines.demo.failover.after=16s",
            "providers.tape.settings.files[0].path=other.csv", "indicators.momentum.settings.outputs=[ema(9)]",
            "providers.tape.finalize_after=5s", "calendars.SIM.like=nse", "pipelines.tape.enabled=false",
        ] {
            #expect(try good(ConfigurationTests.demonstration, overrides: [other]).foldDigestInput != base, "\(other)")
        }
    }

    @Test("a source resumes with the same settings, whatever its secrets")
    func settingsDigest() throws {
        let yaml = """
            providers: { acme: { plugin: acme, settings: { api_key: "${KEY}", window: "${WINDOW:-60s}" } } }
            pipelines: { p: { from: acme, instruments: "NASDAQ:AAPL" } }

            """
        let first = try good(yaml, environment: ["KEY": "first-secret"]).providers[0]
        let second = try good(yaml, environment: ["KEY": "other-secret", "WINDOW": "1m"]).providers[0]
        let third = try good(yaml, environment: ["KEY": "first-secret", "WINDOW": "2m"]).providers[0]
        #expect(first.settingsDigestInput == second.settingsDigestInput)
        #expect(first.settingsDigestInput != third.settingsDigestInput)
        #expect(!String(decoding: first.settingsDigestInput, as: UTF8.self).contains("secret"))
        #expect(first.settings.secrets == ["/api_key"])
        #expect(first.settings.text("/api_key") == "first-secret")
    }

    @Test("what a plugin finds wrong points at the value, or at what holds it")
    func pluginProblem() throws {
        let configuration = try good(ConfigurationTests.demonstration)
        let settings = try #require(configuration.provider("tape")).settings
        let path = settings.diagnostic(pointer: "/files/0/path", message: "no such file")
        #expect((path.place.line, path.place.column) == (17, 43))
        #expect(path.path == "providers.tape.settings.files[0].path")
        let loop = settings.diagnostic(.warning, pointer: "/loop", message: "is slow")
        #expect((loop.place.line, loop.place.column) == (17, 15))
        #expect(loop.description.hasPrefix("hub.yaml:17:15: warning: providers.tape.settings.loop: is slow\n"))
        let symbol = try #require(configuration.provider("simulator")).settings
            .diagnostic(pointer: "/instruments/SIM:BETA/currency", message: "unknown")
        #expect(symbol.path == "providers.simulator.settings.instruments[\"SIM:BETA\"].currency")
        #expect(symbol.place.line == 14)
    }

    @Test("plugins are looked for where the configuration says, once")
    func scan() {
        final class Seen: @unchecked Sendable { var path: [[String]] = [] }
        let seen = Seen()
        let loader = ConfigurationLoader(environment: [:], overrides: ["plugins.path=[./a, /b]"]) { plugins in
            seen.path.append(plugins.path)
            return TestCatalogue.shared
        }
        let (configuration, _) = loader.load(Array(ConfigurationTests.small.utf8), name: "hub.yaml", folder: "/etc/hub")
        #expect(configuration != nil)
        #expect(seen.path == [["/etc/hub/a", "/b"]])
    }

    @Test("a file that cannot be read is said so")
    func missingFile() {
        let (configuration, diagnostics) = ConfigurationLoader(environment: [:], plugins: TestCatalogue.shared)
            .load("/no/such/hub.yaml")
        #expect(configuration == nil)
        #expect(diagnostics.text() == "/no/such/hub.yaml: error: cannot be read: No such file or directory\n")
    }

    @Test("addresses know whether others can reach them")
    func addresses() {
        let loopback = ["127.0.0.1:1", "127.9.9.9:0", "localhost:1", "[::1]:80", "unix:hub.sock"]
        let open = ["0.0.0.0:1", "127.0.0.1.nip.io:1", "[::]:80", "example.com:1", "128.0.0.1:1"]
        for text in loopback { #expect(FormatText.listenAddress(text, folder: "/d")?.isLoopback == true, "\(text)") }
        for text in open { #expect(FormatText.listenAddress(text, folder: "/d")?.isLoopback == false, "\(text)") }
        #expect(FormatText.listenAddress("unix:a/../hub.sock", folder: "/d") == .unix(path: "/d/hub.sock"))
        #expect(FormatText.listenAddress("[::1]:8080", folder: "/")?.description == "[::1]:8080")
    }
}
