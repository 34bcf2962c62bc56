import Foundation
import Testing

@testable import HubRuntime

/// A folder of one test, gone with it.
final class PluginFolder {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/hub-plugins.XXXXXX").utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(cString: realpath(template, nil))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    /// Writes a text file.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
        return file(name)
    }

    /// Compiles C into a shared library, against the hub's headers alone.
    @discardableResult
    func compile(_ source: String, to name: String, flags: [String] = ["-shared"]) throws -> String {
        let code = file(name + ".c")
        try source.write(toFile: code, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: code) }
        try PluginFolder.run(
            "cc", ["-std=gnu11", "-Wall", "-fPIC", "-I", Repository.headers, "-o", file(name), code] + flags)
        return file(name)
    }

    static func run(_ command: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [command] + arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command): \(String(decoding: said, as: UTF8.self))")
    }
}

/// Where things are in the repository and beside the test binary.
enum Repository {
    static let folder: String = {
        let file = String(cString: realpath(#filePath, nil))
        return URL(fileURLWithPath: file).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }()
    static let headers = folder + "/Sources/PluginABI/include"
    /// The executable that was built with these tests.
    static let hub =
        URL(fileURLWithPath: String(cString: realpath("/proc/self/exe", nil)))
        .deletingLastPathComponent().path + "/hub"
}

/// C sources of plugins, well made and otherwise.
enum PluginSource {
    /// A library with one provider that does nothing. Everything in it can be made wrong.
    static func quiet(
        id: String = "quiet", magic: String = "HUB_MAGIC", major: String = "HUB_ABI_MAJOR",
        minor: String = "HUB_ABI_MINOR", size: String = "sizeof(hub_entry)", begin: String = "",
        initialize: String = "",
        schema: String = "{}", required: String = "", count: Int = 1, extra: String = ""
    ) -> String {
        """
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        #include "hub/hub.h"
        \(extra)
        \(begin.isEmpty ? "" : "__attribute__((constructor)) static void begin(void) { \(begin) }")
        static hub_status want(const hub_plugin *p, const hub_want *items, uint64_t n, hub_now now, hub_error *e) {
            return HUB_OK;
        }
        static const hub_provider_1 provider = {.want = want};
        static const void *extension(const hub_plugin *p, hub_text id) {
            return hub_text_equal(id, HUB_PROVIDER_EXTENSION) ? &provider : NULL;
        }
        static hub_status check(const hub_plugin *p, hub_error *e) { return HUB_OK; }
        static hub_status start(const hub_plugin *p, hub_now now, hub_error *e) { return HUB_OK; }
        static void nothing(const hub_plugin *p) {}
        static const hub_plugin plugin = {sizeof(hub_plugin), 0, NULL, extension, check, start, nothing, nothing};
        static const hub_text required[] = {HUB_TEXT("\(required)")};
        static const hub_descriptor about = {
            .struct_size = sizeof(hub_descriptor), .kind = HUB_PROVIDER, .id = HUB_TEXT("\(id)"),
            .version = HUB_TEXT("1.2.3"), .traits = HUB_TRAIT_SIMULATED, .kinds = 1 << HUB_TRADE,
            .settings_schema = HUB_TEXT("\(schema)"), .required = required, .required_count = \(required.isEmpty ? 0 : 1),
        };
        static hub_status init(hub_error *error) { \(initialize) return HUB_OK; }
        static uint32_t count(void) { return \(count); }
        static const hub_descriptor *descriptor(uint32_t index) { return &about; }
        static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *e) { return &plugin; }
        static const hub_entry entry = {\(magic), \(size), \(major), \(minor), 0, init, NULL, count, descriptor, create};
        HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
        """
    }
}
