import Foundation
import HubConfig
import Testing

@testable import HubRuntime

@Suite("Examining plugin folders", .serialized)
struct PluginScannerTests {
    private let folder: PluginFolder
    private let bundled: PluginFolder
    private let data: PluginFolder

    init() throws {
        folder = try PluginFolder()
        bundled = try PluginFolder()
        data = try PluginFolder()
        try #require(
            FileManager.default.isExecutableFile(atPath: Repository.hub), "build the product hub before the tests")
    }

    private func scanner(
        executable: String = Repository.hub, pins: [(file: String, sha256: String)] = [],
        timeoutNanoseconds: Int64 = 20_000_000_000
    ) -> PluginScanner {
        PluginScanner(
            executable: executable, bundledFolders: [bundled.path], folders: [folder.path], pins: pins,
            timeoutNanoseconds: timeoutNanoseconds, cacheFile: data.file("plugins.json"))
    }

    private func touch(_ path: String) throws {
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
    }

    @Test("everything a library says of itself arrives as values, and it can be loaded")
    func found() throws {
        let path = try folder.compile(PluginSource.quiet(schema: #"{\"type\":\"object\"}"#), to: "libquiet.so")
        let registry = scanner().scan()
        #expect(registry.problems == [])
        #expect(registry.ids == ["quiet"])
        let description = try #require(registry.descriptor("quiet"))
        #expect(description.kind == .provider)
        #expect(description.version == "1.2.3")
        #expect(description.traits == .simulated)
        #expect(description.kinds == 2)
        #expect(description.file == path)
        #expect(!description.isBundled)
        #expect(description.schema == .map([("type", "object")]))
        let (library, descriptor) = try registry.open("quiet")
        #expect(library.descriptors == [descriptor])
        #expect(registry.entry("quiet")?.library.sha256 == library.sha256)
    }

    @Test("a library that crashes, hangs or leaves does not keep the others from being found")
    func misbehaviour() throws {
        try folder.compile(PluginSource.quiet(id: "early"), to: "a.so")
        try folder.compile(PluginSource.quiet(id: "crash", initialize: "*(volatile int *)8 = 1;"), to: "b.so")
        try folder.compile(
            PluginSource.quiet(id: "abort", initialize: #"fputs("out of luck\n", stderr); abort();"#), to: "c.so")
        try folder.compile(PluginSource.quiet(id: "hang", begin: "for (;;) pause();"), to: "d.so")
        try folder.compile(PluginSource.quiet(id: "leave", initialize: "_exit(3);"), to: "e.so")
        let noise = #"puts("{\"file\":1}"); fflush(stdout);"#
        try folder.compile(PluginSource.quiet(id: "noisy", begin: noise), to: "f.so")
        try folder.compile(PluginSource.quiet(id: "late"), to: "g.so")
        let registry = scanner(timeoutNanoseconds: 2_000_000_000).scan()
        #expect(registry.ids == ["early", "noisy", "late"])
        #expect(
            registry.problems == [
                "\(folder.file("b.so")): crashed while it was examined: SIGSEGV, access to memory that is not its own",
                "\(folder.file("c.so")): crashed while it was examined: SIGABRT, it gave up, it said: out of luck",
                "\(folder.file("d.so")): did not answer within 2s while it was examined; see plugins.scan_timeout",
                "\(folder.file("e.so")): crashed while it was examined: it ended the process with code 3",
            ])
        #expect(registry.refusal("b") == registry.problems.first)
        #expect(registry.descriptor("b") == nil)
    }

    @Test("with nothing changed no child is started and the start costs a few milliseconds")
    func warm() throws {
        for number in 1...4 { try folder.compile(PluginSource.quiet(id: "p\(number)"), to: "p\(number).so") }
        try folder.compile(PluginSource.quiet(id: "crash", initialize: "abort();"), to: "p5.so")
        let cold = scanner().scan()
        #expect(cold.ids.count == 4)
        // A child could not be started.
        let idle = scanner(executable: folder.file("no-such-executable"))
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<5 {
            times.append(
                clock.measure {
                    let warm = idle.scan()
                    #expect(warm.libraries == cold.libraries)
                    #expect(warm.problems == cold.problems)
                })
        }
        let best = try #require(times.min())
        #expect(best < .milliseconds(50), "warm start of five plugins: \(best)")
        // The same bytes written again are hashed, not run.
        try touch(folder.file("p1.so"))
        #expect(idle.scan().libraries == cold.libraries)
    }

    @Test("a changed library is examined again, a removed one is forgotten, a hang is tried again")
    func changed() throws {
        try folder.compile(PluginSource.quiet(id: "one"), to: "x.so")
        let wait = #"if (access("\#(folder.file("go"))", F_OK)) pause();"#
        try folder.compile(PluginSource.quiet(id: "hang", begin: wait), to: "y.so")
        #expect(scanner(timeoutNanoseconds: 1_000_000_000).scan().ids == ["one"])
        try folder.write("", to: "go")
        #expect(scanner().scan().ids == ["one", "hang"])
        try folder.compile(PluginSource.quiet(id: "two"), to: "x.so")
        try FileManager.default.removeItem(atPath: folder.file("y.so"))
        let registry = scanner().scan()
        #expect(registry.ids == ["two"])
        #expect(registry.problems == [])
    }

    @Test("a broken cache costs a scan, nothing else")
    func brokenCache() throws {
        try folder.compile(PluginSource.quiet(), to: "x.so")
        let first = scanner().scan()
        for content in ["", "{", "[]", #"{"format":1}"#, #"{"format":99,"libraries":[]}"#] {
            try data.write(content, to: "plugins.json")
            #expect(scanner().scan().libraries == first.libraries)
        }
    }

    @Test("an id in two files can be used from neither, and both are named")
    func duplicate() throws {
        let first = try bundled.compile(PluginSource.quiet(id: "twin"), to: "libtwin.so")
        let second = try folder.compile(PluginSource.quiet(id: "twin", schema: #"{\"x\":1}"#), to: "other.so")
        let registry = scanner().scan()
        let words = "the plugin 'twin' is in \(first) and in \(second); remove all but one of them"
        #expect(registry.problems == [words])
        #expect(registry.refusal("twin") == words)
        #expect(registry.descriptor("twin") == nil)
        #expect(throws: PluginRefusal.self) { _ = try registry.open("twin") }
    }

    @Test("other libraries are passed over beside the hub and reported in the operator's folders")
    func foreign() throws {
        try bundled.compile("int x;", to: "libz.so")
        let path = try folder.compile("int x;", to: "libother.so")
        try folder.write("not a library", to: "notes.so")
        try folder.write("not looked at", to: "README.md")
        let registry = scanner().scan()
        #expect(registry.libraries.map(\.fileName) == ["libother.so", "notes.so"])
        #expect(registry.problems.count == 2)
        #expect(registry.problems[0].hasPrefix("\(path): is a shared library but no plugin"))
        #expect(registry.problems[1].contains("it begins with the text \"not a library\""))
        #expect(registry.refusal("notes")?.contains("is not a shared library") == true)
    }

    @Test("a pinned file with other content is refused with both digests")
    func pins() throws {
        let path = try folder.compile(PluginSource.quiet(), to: "x.so")
        let sha256 = try FileBytes.read(path).sha256
        #expect(scanner(pins: [("x.so", sha256)]).scan().ids == ["quiet"])
        let other = String(repeating: "0", count: 64)
        let registry = scanner(pins: [("x.so", other)]).scan()
        #expect(registry.ids == [])
        #expect(registry.problems.first?.contains("expected sha256:\(other), found sha256:\(sha256)") == true)
    }

    @Test("folders that are not there are empty, an executable that is not there is named")
    func nothingThere() throws {
        try folder.compile(PluginSource.quiet(), to: "x.so")
        let broken = PluginScanner(
            executable: "/no/such/hub", bundledFolders: ["/no/such/folder"], folders: [folder.path])
        let registry = broken.scan()
        #expect(registry.ids == [])
        let reason = "could not be examined: /no/such/hub: No such file or directory"
        #expect(registry.problems == ["\(folder.file("x.so")): \(reason)"])
    }
}
