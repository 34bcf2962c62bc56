import HubModel
import Testing

@testable import HubConfig

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A case of `Fixtures/*.case`: what goes in, and the diagnostics that come out.
///
/// Sections begin with a line `=== NAME`: `environment` (NAME=value lines), `set` (one `--set` a line), `file NAME` (files beside
/// hub.yaml), `hub.yaml`, and `diagnostics`, the text `hub check` prints. What stands before the first section is a comment.
/// With HUB_RECORD_FIXTURES=1 in the environment the diagnostics are written anew; read what changed before keeping it.
struct FixtureCase {
    var head = ""
    var environment: [String: String] = [:]
    var overrides: [String] = []
    var files: [(name: String, text: String)] = []
    var yaml = ""
    var diagnostics = ""
    /// Everything up to the expected diagnostics.
    var beforeDiagnostics = ""

    init(_ text: String) {
        var section = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(text.hasSuffix("\n") ? 1 : 0)
        {
            if section != "diagnostics" { beforeDiagnostics += line + "\n" }
            if line.hasPrefix("=== ") {
                section = String(line.dropFirst(4))
                if section.hasPrefix("file ") { files.append((String(section.dropFirst(5)), "")) }
                continue
            }
            switch section {
            case "environment":
                if let equals = line.firstIndex(of: "=") {
                    environment[String(line[..<equals])] = String(line[line.index(after: equals)...])
                }
            case "set": overrides.append(String(line))
            case "hub.yaml": yaml += line + "\n"
            case "diagnostics": diagnostics += line + "\n"
            case _ where section.hasPrefix("file "): files[files.count - 1].text += line + "\n"
            default: head += line + "\n"
            }
        }
    }

    func run() -> (configuration: Configuration?, diagnostics: [Diagnostic]) {
        TestFiles.withFolder { folder in
            for file in files { TestFiles.write(file.text, to: "\(folder)/\(file.name)") }
            let loader = ConfigurationLoader(
                environment: environment, plugins: TestCatalogue.shared, overrides: overrides)
            return loader.load(Array(yaml.utf8), name: "hub.yaml", folder: folder)
        }
    }
}

@Suite("hub.yaml, as in the fixtures")
struct FixtureTests {
    static let cases = TestFiles.list("Fixtures").filter { $0.hasSuffix(".case") }

    @Test("each fixture gives exactly the diagnostics it names", arguments: cases)
    func fixture(_ name: String) {
        let fixture = FixtureCase(TestFiles.read("Fixtures/\(name)"))
        let (configuration, diagnostics) = fixture.run()
        if getenv("HUB_RECORD_FIXTURES") != nil {
            let before =
                fixture.beforeDiagnostics
                + (fixture.beforeDiagnostics.contains("=== diagnostics\n") ? "" : "=== diagnostics\n")
            TestFiles.write(before + diagnostics.text(), to: "\(TestFiles.folder)/Fixtures/\(name)")
        } else {
            #expect(diagnostics.text() == fixture.diagnostics)
        }
        #expect((configuration == nil) == diagnostics.hasErrors)
    }

    @Test("there are fixtures")
    func thereAreFixtures() { #expect(FixtureTests.cases.count > 10) }
}
