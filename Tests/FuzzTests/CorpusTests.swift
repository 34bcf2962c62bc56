import Foundation
import FuzzTargets
import PluginTestSupport
import Testing

@Suite("the corpus of the fuzzer")
struct CorpusTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Corpus")

    @Test(
        "every kept message is read or refused as it must be, by the decoder it was kept for",
        arguments: FuzzTarget.all.map(\.name))
    func kept(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let folder = Self.folder.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!files.isEmpty)
        let subject = try target.make()
        let guarded = GuardedBytes(capacity: 1 << 20)
        for file in files {
            let bytes = Array(try Data(contentsOf: folder.appending(path: file)))
            #expect(throws: Never.self, "\(name)/\(file)") { try subject.take(guarded.holding(bytes)) }
        }
    }

    @Test("every folder of the corpus is a target's")
    func folders() throws {
        let names = Set(FuzzTarget.all.map(\.name))
        for vendor in try FileManager.default.contentsOfDirectory(atPath: Self.folder.path) where vendor != "README.md"
        {
            for folder in try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: vendor).path)
            {
                #expect(names.contains("\(vendor)/\(folder)"))
            }
        }
    }
}
