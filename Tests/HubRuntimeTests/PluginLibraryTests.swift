import Foundation
import HubConfig
import Testing

@testable import HubRuntime

@Suite("Loading one library")
struct PluginLibraryTests {
    private let folder: PluginFolder

    init() throws { folder = try PluginFolder() }

    private func refusal(_ path: String) throws -> String {
        try #require(throws: PluginRefusal.self) { _ = try PluginLibrary.open(path) }.description
    }

    @Test("a provider in plain C, built by its own Makefile against the headers alone, is loaded and described")
    func example() throws {
        try PluginFolder.run(
            "make",
            [
                "-s", "-C", Repository.folder + "/Examples/c-provider", "HUB_INCLUDE=\(Repository.headers)",
                "BUILD=\(folder.path)",
            ])
        let library = try PluginLibrary.open(folder.file("sine.so"))
        let sine = try #require(library.descriptors.first)
        #expect(library.descriptors.count == 1)
        #expect(sine.id == "sine")
        #expect(sine.kind == .provider)
        #expect(sine.traits.contains(.simulated))
        #expect(sine.schema["properties"]?["amplitude"] != nil)
        #expect(sine.maximumLines == 16_384)
        #expect(sine.finalizeAfterNanoseconds == 2_000_000_000)
    }

    @Test("the example provider is less than 150 lines long")
    func exampleLength() throws {
        let text = try String(contentsOfFile: Repository.folder + "/Examples/c-provider/sine.c", encoding: .utf8)
        #expect(text.count { $0 == "\n" } < 150)
    }

    @Test("the same bytes are loaded once")
    func once() throws {
        let path = try folder.compile(PluginSource.quiet(), to: "quiet.so")
        try FileManager.default.copyItem(atPath: path, toPath: folder.file("again.so"))
        let first = try PluginLibrary.open(path)
        let second = try PluginLibrary.open(folder.file("again.so"))
        #expect(first === second)
    }

    @Test("a file that was exchanged since it was examined is refused")
    func exchanged() throws {
        let path = try folder.compile(PluginSource.quiet(id: "one"), to: "x.so")
        let sha256 = try FileBytes.read(path).sha256
        try folder.compile(PluginSource.quiet(id: "two"), to: "x.so")
        let error = #expect(throws: PluginRefusal.self) { _ = try PluginLibrary.open(path, expecting: sha256) }
        #expect(error?.reason.contains("has changed since it was examined") == true)
        #expect(try PluginLibrary.open(path).descriptors.first?.id == "two")
    }

    @Test("files that are no shared libraries are refused by what they begin with")
    func notALibrary() throws {
        let text = try folder.write("hello, world\nmore", to: "text.so")
        #expect(try refusal(text) == "\(text): is not a shared library: it begins with the text \"hello, world\"")
        let empty = try folder.write("", to: "empty.so")
        #expect(try refusal(empty).contains("is empty"))
        let short = try folder.write("\u{7f}ELF", to: "short.so")
        #expect(try refusal(short).contains("ends after 4 bytes"))
        let object = try folder.compile("int x;", to: "object.so", flags: ["-c"])
        #expect(try refusal(object).contains("an object file: link it with -shared"))
        #expect(try refusal(folder.path).contains("not a regular file"))
        #expect(try refusal(folder.file("nowhere.so")).contains("cannot be opened: No such file"))
    }

    @Test("a library of another machine is refused with the machine it should be for")
    func otherMachine() throws {
        let path = try folder.compile(PluginSource.quiet(), to: "arm.so")
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        bytes[18] = 2
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try refusal(path).contains("is built for another machine (ELF machine 2); build it for "))
    }

    @Test("a library that lacks a symbol is refused with the loader's reason under its own name")
    func unresolved() throws {
        let source = PluginSource.quiet(
            initialize: "nobody_has_this();", extra: "extern void nobody_has_this(void);")
        let path = try folder.compile(source, to: "unresolved.so")
        #expect(try refusal(path).contains("cannot be loaded: unresolved.so: undefined symbol: nobody_has_this"))
    }

    @Test("a shared library without an entry is no plugin")
    func noEntry() throws {
        let path = try folder.compile("int answer(void) { return 42; }", to: "other.so")
        #expect(try refusal(path).contains("it does not export hub_plugin_entry"))
    }

    // Were `init` called, it would end this process.
    private let deadly = "abort();"

    @Test("a wrong magic number is refused before anything is called")
    func wrongMagic() throws {
        let path = try folder.compile(PluginSource.quiet(magic: "0x1234", initialize: deadly), to: "magic.so")
        #expect(try refusal(path).contains("its entry begins with 1234, expected 3042554855484231"))
    }

    @Test(
        "another version of the ABI is refused before anything is called, with both versions and the remedy",
        arguments: [("0", "2", "0.2"), ("0", "99", "0.99"), ("7", "1", "7.1")])
    func wrongVersion(major: String, minor: String, text: String) throws {
        let path = try folder.compile(
            PluginSource.quiet(major: major, minor: minor, size: "8", initialize: deadly), to: "version.so")
        let refusal = try refusal(path)
        #expect(refusal.hasPrefix("\(path): is built for plugin ABI \(text), this hub speaks 0.1; build it again"))
    }

    @Test("an entry that is too short is refused before anything is called")
    func shortEntry() throws {
        let path = try folder.compile(PluginSource.quiet(size: "16", initialize: deadly), to: "short.so")
        #expect(try refusal(path).contains("has an entry of 16 bytes, expected \(MemoryLayout<Int>.size * 8)"))
    }

    @Test("a failing init refuses with the plugin's own words")
    func failingInit() throws {
        let source = PluginSource.quiet(initialize: #"return hub_fail(error, HUB_CONFIG, "no licence found");"#)
        #expect(try refusal(folder.compile(source, to: "init.so")).contains("cannot be used: no licence found"))
    }

    @Test(
        "descriptors that make no sense are refused with what is wrong in them",
        arguments: [
            ("Not An Id", "{}", 1, "", "has the id 'Not An Id'"),
            ("a", "{", 1, "", "has a settings schema that is not JSON at byte 1"),
            ("a", "[]", 1, "", "a list; expected a JSON object"),
            ("a", "{}", 0, "", "holds 0 plugins"),
            ("a", "{}", 2, "", "holds the plugin 'a' twice"),
            ("a", "{}", 1, "hub.host.time_machine/1", "needs the host extension 'hub.host.time_machine/1'"),
        ])
    func descriptors(id: String, schema: String, count: Int, required: String, words: String) throws {
        let source = PluginSource.quiet(id: id, schema: schema, required: required, count: count)
        let refusal = try refusal(folder.compile(source, to: "descriptor.so"))
        #expect(refusal.contains(words), "\(refusal)")
    }
}
