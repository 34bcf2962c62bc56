import HubModel
import Testing

@testable import HubConfig

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite("Any bytes as input")
struct FuzzTests {
    static let secret = "correct-horse-battery"

    /// Valid and invalid files, without those that run commands: mutations of commands are nothing to run.
    private static let seeds: [[UInt8]] = FixtureTests.cases
        .map { Array(FixtureCase(TestFiles.read("Fixtures/\($0)")).yaml.utf8) }
        .filter { !String(decoding: $0, as: UTF8.self).contains("command") }

    private func mutate(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        let tokens = [
            "\t", "*", "&a", "*a", "${", "}", "{", "[", "]", ": ", "- ", "'", "\"", "|\n", "---\n", "<<: ", "!x ", "#",
            "\r", "\u{feff}", "\u{2028}", "é", "\\", "? ", "%", "@", "`", "~", "99999999999999999999", "${S}", "\n  ",
            "group:a",
        ]
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.insert(contentsOf: (tokens.randomElement(using: &random) ?? "").utf8, at: at)
            case 1: if at < bytes.count { bytes[at] = UInt8.random(in: 0...255, using: &random) }
            case 2:
                let end = min(bytes.count, at + Int.random(in: 0...40, using: &random))
                bytes.removeSubrange(at..<end)
            case 3:
                let end = min(bytes.count, at + Int.random(in: 0...60, using: &random))
                let target = Int.random(in: 0...bytes.count, using: &random)
                bytes.insert(contentsOf: Array(bytes[at..<end]), at: target)
            case 4: bytes.removeSubrange(at...)
            default:
                let other = FuzzTests.seeds.randomElement(using: &random) ?? []
                let start = Int.random(in: 0...other.count, using: &random)
                let end = min(other.count, start + Int.random(in: 0...80, using: &random))
                bytes.insert(contentsOf: other[start..<end], at: min(at, bytes.count))
            }
        }
        return bytes
    }

    private func check(_ bytes: [UInt8], overrides: [String], _ what: String) {
        let loader = ConfigurationLoader(
            environment: ["S": FuzzTests.secret, "JWT_SECRET": FuzzTests.secret, "UPSTOX_API_KEY": FuzzTests.secret],
            plugins: TestCatalogue.shared, overrides: overrides)
        let (configuration, diagnostics) = loader.load(bytes, name: "hub.yaml", folder: TestFiles.folder + "/Fixtures")
        let source = SourceText(name: "hub.yaml", folder: "/", bytes: bytes)
        #expect((configuration == nil) == diagnostics.hasErrors, "\(what)")
        var last = 0
        for diagnostic in diagnostics where diagnostic.place.file == "hub.yaml" {
            #expect(
                diagnostic.place.line >= last && diagnostic.place.line <= source.lineCount, "\(what): \(diagnostic)")
            last = diagnostic.place.line
            #expect(!diagnostic.message.isEmpty && diagnostic.place.column >= 1, "\(what)")
        }
        let text = diagnostics.text() + diagnostics.map(\.json.jsonText).joined()
        #expect(!text.contains(FuzzTests.secret), "\(what) tells a secret: \(text)")
        if let configuration {
            _ = configuration.foldDigestInput + configuration.providers.flatMap(\.settingsDigestInput)
        }
    }

    @Test("random changes to files never crash or hang the loader, and never make it tell what was filled in")
    func mutations() {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the configuration fuzz: \(seed)")
        var random = SplitMix(state: seed)
        let clock = ContinuousClock()
        let start = clock.now
        var rounds = 0
        // A budget rather than a count, so that slow machines are not slower still. HUB_FUZZ_SECONDS gives another one.
        let budget = getenv("HUB_FUZZ_SECONDS").flatMap { Int(String(cString: $0)) } ?? 2
        while rounds < 200 || clock.now - start < .seconds(budget) {
            let bytes = mutate(FuzzTests.seeds.randomElement(using: &random) ?? [], &random)
            let override = String(decoding: mutate(Array("pipelines.p.from[0]=${S}".utf8), &random), as: UTF8.self)
            let before = clock.now
            check(bytes, overrides: [override], "seed \(seed), round \(rounds)")
            #expect(clock.now - before < .seconds(10), "seed \(seed), round \(rounds) took too long")
            rounds += 1
        }
        print("rounds of the configuration fuzz: \(rounds)")
    }

    @Test("large and repetitive files end quickly")
    func large() {
        let clock = ContinuousClock()
        let inputs = [
            String(repeating: "{", count: 200_000), String(repeating: "a: ", count: 50_000),
            String(repeating: "- ", count: 200_000), String(repeating: "\t", count: 500_000),
            String(repeating: "a: \"\tx\"\n", count: 50_000), String(repeating: "'", count: 500_000),
            String(repeating: "&a *a ", count: 80_000), String(repeating: "? ", count: 200_000),
            "a: [" + String(repeating: "@x,", count: 20_000) + "]", String(repeating: "k:v\n", count: 50_000),
            "groups:\n" + (0..<10_000).map { "  g\($0): [group:g\($0 + 1), group:g\($0 + 1)]\n" }.joined(),
            "x: [" + String(repeating: "f(1,", count: 30_000) + "]", String(repeating: "[a, b]: ", count: 60_000),
        ]
        for (index, input) in inputs.enumerated() {
            let elapsed = clock.measure { check(Array(input.utf8), overrides: [], "input \(index)") }
            #expect(elapsed < .seconds(20), "input \(index) took \(elapsed)")
            print("large input \(index): \(elapsed)")
        }
    }

    @Test("two globs meet exactly if some text matches both")
    func globsMeet() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the glob test: \(seed)")
        var random = SplitMix(state: seed)
        // Over the letters A and B, names up to six letters long decide it for patterns of up to three.
        var texts: [String] = []
        for length in 1...6 {
            for bits in 0..<(1 << length) {
                texts.append("A:" + (0..<length).map { bits >> $0 & 1 == 1 ? "A" : "B" }.joined())
            }
        }
        for _ in 0..<2000 {
            let pair = try (0..<2).map { _ in
                let length = Int.random(in: 1...3, using: &random)
                return try SymbolPattern(
                    "A:" + (0..<length).map { _ in ["A", "B", "?", "*"].randomElement(using: &random) ?? "A" }.joined())
            }
            let expected = texts.contains { pair[0].matches($0) && pair[1].matches($0) }
            #expect(pair[0].meets(pair[1]) == expected, "\(pair), seed \(seed)")
        }
    }
}
