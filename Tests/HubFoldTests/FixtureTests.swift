import Foundation
import Testing

@Suite struct FixtureTests {
    static var folder: URL { URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures") }

    static var names: [String] {
        let found = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (found ?? []).filter { $0.hasSuffix(".txt") }.sorted()
    }

    @Test("there are cases in text files")
    func present() { #expect(!FixtureTests.names.isEmpty) }

    @Test("what follows from the records of a file is what it says", arguments: FixtureTests.names)
    func follows(name: String) throws {
        let text = try String(contentsOf: FixtureTests.folder.appending(path: name), encoding: .utf8)
        let rendered = try Fixture.render(text)
        // For whoever adds a case: write the inputs, run once with this variable, and read what it says before
        // believing it.
        if rendered != text, ProcessInfo.processInfo.environment["HUB_WRITE_FIXTURES"] == "1" {
            try rendered.write(to: FixtureTests.folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        #expect(rendered == text)
    }
}
