// swift-tools-version: 6.2
import PackageDescription

// Lower layers know nothing of higher ones; each layer is a target, so the compiler keeps it so.
// docs/architecture.md draws the picture.

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A plugin exports one symbol; the version script hides everything else that gets linked into it.
let pluginLinkage: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/export.map",
        "-Xlinker", "--gc-sections",
    ])
]

/// A plugin is a core (pure, tested directly) and a thin entry that becomes the shared library.
func plugin(_ name: String, needs: [Target.Dependency] = [], fixtures: [String] = []) -> [Target] {
    [
        .target(
            name: "\(name)Core", dependencies: ["PluginKit"] + needs, path: "Plugins/\(name)/Core",
            swiftSettings: strict),
        .target(
            name: "\(name)Plugin", dependencies: [.target(name: "\(name)Core"), "PluginKit"],
            path: "Plugins/\(name)/Entry", swiftSettings: strict, linkerSettings: pluginLinkage),
        .testTarget(
            name: "\(name)Tests", dependencies: [.target(name: "\(name)Core"), "PluginKit", "PluginTestSupport"],
            path: "Tests/\(name)Tests", exclude: fixtures, swiftSettings: strict),
    ]
}

func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "hub",
    products: [
        .executable(name: "hub", targets: ["Hub"]),
        .library(name: "simulator", type: .dynamic, targets: ["SimulatorPlugin"]),
        .library(name: "replay", type: .dynamic, targets: ["ReplayPlugin"]),
        .library(name: "ta", type: .dynamic, targets: ["TAPlugin"]),
        .library(name: "file", type: .dynamic, targets: ["FilePlugin"]),
        .library(name: "finnhub", type: .dynamic, targets: ["FinnhubPlugin"]),
        .library(name: "twelvedata", type: .dynamic, targets: ["TwelveDataPlugin"]),
        .library(name: "zerodha", type: .dynamic, targets: ["ZerodhaPlugin"]),
        .library(name: "upstox", type: .dynamic, targets: ["UpstoxPlugin"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // The contract with plugins, and what both sides of it share.
        .target(name: "PluginABI"),
        layer("EventFormat", ["PluginABI"]),
        layer("PluginKit", ["PluginABI"]),
        layer("TableFormat", ["EventFormat"]),
        // What the brokers of one country have in common.
        layer("IndianMarkets", ["EventFormat", "JSONReading", "PluginABI", "PluginKit"]),
        layer("JSONReading", []),
        layer("VendorKit", ["JSONReading", "EventFormat", "PluginKit"]),

        // System libraries.
        .target(name: "CHubSystem"),
        // Files that are part of the program, by `#embed`.
        .target(name: "CHubAssets", exclude: ["contract"]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // Talking to vendors; knows nothing of plugins.
        layer(
            "HubNet",
            [
                "CCurl", "CZlib",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),

        // The hub, from the bottom up.
        layer("HubModel", ["PluginABI", "EventFormat"]),
        layer("HubConfig", ["CYAML", "HubModel", "EventFormat"]),
        layer("HubJournal", ["CHubSystem", "PluginABI"]),
        layer("HubChunks", ["CHubSystem", "PluginABI"]),
        // What came from vendors, as files.
        layer("HubCapture", ["CHubSystem", "HubModel"]),
        layer("HubFold", ["HubModel", "PluginABI", "EventFormat"]),
        layer(
            "HubStore",
            ["HubChunks", "HubJournal", "EventFormat", "PluginABI", .product(name: "GRDB", package: "GRDB.swift")]),
        layer(
            "HubRuntime",
            [
                "CHubSystem", "HubModel", "HubConfig", "HubJournal", "HubFold", "HubStore", "HubNet", "EventFormat",
                "HubCapture", "PluginABI", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "HubPage", resources: [.embedInCode("Files")], swiftSettings: strict),
        layer(
            "HubServer",
            [
                "CHubAssets", "HubRuntime", "HubConfig", "HubModel", "HubJournal", "HubStore", "HubChunks", "HubFold",
                "EventFormat", "PluginABI", "TableFormat", "CZlib",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                "HubPage",
            ]),
        .executableTarget(
            name: "Hub",
            dependencies: [
                "HubServer", "HubRuntime", "HubConfig", "HubModel", "HubJournal", "HubStore", "HubFold", "EventFormat",
                "HubCapture", "CZlib",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),

        // `make bench` drives it.
        .executableTarget(
            name: "hub-bench",
            dependencies: [
                "HubRuntime", "HubConfig", "HubJournal", "HubStore", "HubFold", "HubChunks", "HubModel", "EventFormat",
                "PluginABI", "PluginKit", "VendorStages", "CZlib",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Micro", swiftSettings: strict),

        // Tests, a folder each layer.
        .target(
            name: "PluginTestSupport", dependencies: ["PluginKit", "PluginABI"], path: "Tests/PluginTestSupport",
            swiftSettings: strict),
        // The vendors' plugins, streaming, with a program in the vendor's place: for benchmarks and fuzzing.
        .target(
            name: "VendorStages",
            dependencies: [
                "PluginTestSupport", "PluginKit", "ZerodhaCore", "UpstoxCore", "FinnhubCore", "TwelveDataCore",
            ],
            path: "Tests/VendorStages", swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: ["VendorStages", "PluginTestSupport", "PluginKit", "PluginABI", "JSONReading", "HubNet"],
            path: "Tests/FuzzTargets", swiftSettings: strict),
        .executableTarget(
            name: "hub-fuzz",
            dependencies: [
                "FuzzTargets", "PluginTestSupport", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/FuzzRun", swiftSettings: strict),
        tests("FuzzTests", ["FuzzTargets", "PluginTestSupport"]),
        tests("EventFormatTests", ["EventFormat", "PluginABI"]),
        tests("TableFormatTests", ["TableFormat", "EventFormat"]),
        tests(
            "HubNetTests",
            [
                "HubNet", "CZlib", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        tests("IndianMarketsTests", ["IndianMarkets", "EventFormat"]),
        tests("JSONReadingTests", ["JSONReading"]),
        tests("VendorKitTests", ["VendorKit", "JSONReading", "PluginKit"]),
        tests("HubModelTests", ["HubModel", "EventFormat"]),
        tests("HubConfigTests", ["HubConfig", "HubModel", "EventFormat"], exclude: ["Fixtures"]),
        tests("HubJournalTests", ["HubJournal", "PluginABI", "CHubSystem"]),
        tests("HubChunksTests", ["HubChunks", "CHubSystem", "PluginABI"]),
        tests("HubCaptureTests", ["HubCapture", "HubModel"]),
        tests("HubFoldTests", ["HubFold", "HubModel", "PluginABI", "EventFormat"], exclude: ["Fixtures"]),
        tests("HubStoreTests", ["HubStore", "HubJournal", "HubModel", "PluginABI", "EventFormat", "KillScript"]),
        // A process of its own, which the tests of the store have killed at each of its steps.
        .target(name: "FaultyDisk", path: "Tests/FaultyDisk"),
        .target(
            name: "KillScript", dependencies: ["HubStore", "HubJournal", "EventFormat", "PluginABI"],
            path: "Tests/KillScript", swiftSettings: strict),
        .executableTarget(
            name: "hub-kill-script", dependencies: ["KillScript", "FaultyDisk"], path: "Tests/KillRun",
            swiftSettings: strict),
        tests(
            "HubRuntimeTests",
            [
                "HubRuntime", "HubConfig", "HubCapture", "HubFold", "HubJournal", "HubModel", "HubStore", "PluginABI",
                "EventFormat",
            ]),
        tests(
            "HubServerTests",
            [
                "HubServer", "HubRuntime", "HubConfig", "HubJournal", "HubStore", "HubFold", "HubModel", "EventFormat",
                "PluginABI", .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ]
        + plugin("Simulator")
        + plugin("Replay", needs: ["EventFormat", "CZlib"])
        + plugin("TA", fixtures: ["Fixtures"])
        + plugin("File", needs: ["EventFormat", "CZlib"])
        + plugin("Finnhub", needs: ["JSONReading", "VendorKit"], fixtures: ["Fixtures"])
        + plugin("TwelveData", needs: ["JSONReading", "VendorKit", "EventFormat"], fixtures: ["Fixtures"])
        + plugin("Zerodha", needs: ["EventFormat", "IndianMarkets", "JSONReading"], fixtures: ["Fixtures"])
        + plugin("Upstox", needs: ["EventFormat", "IndianMarkets", "JSONReading", "CZlib"], fixtures: ["Fixtures"]),
    cLanguageStandard: .c2x
)

// `scripts/fuzz-guided` builds it, with every target instrumented: libFuzzer brings the main function.
if Context.environment["HUB_FUZZ_GUIDED"] != nil {
    package.targets.append(
        .executableTarget(
            name: "hub-fuzz-guided", dependencies: ["FuzzTargets"], path: "Tests/FuzzGuided",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]))
}
