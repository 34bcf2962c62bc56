import CZlib
import Foundation
import PluginKit

@testable import FileCore

/// A folder of its own for a test, removed with it.
final class TestFolder {
    let path: String
    private let isOwner: Bool

    /// A folder that another process made and removes.
    init(existing path: String) {
        self.path = path
        isOwner = false
    }

    init() throws {
        isOwner = true
        path = NSTemporaryDirectory() + "hub-file-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { if isOwner { try? FileManager.default.removeItem(atPath: path) } }

    /// Names in the folder `archive`, sorted.
    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: archive)) ?? []).sorted()
    }

    var archive: String { path + "/archive" }

    /// A file, unpacked if it is packed.
    func contents(_ name: String) throws -> String {
        let bytes = try Data(contentsOf: URL(filePath: archive + "/" + name))
        return String(decoding: name.hasSuffix(".gz") ? try unpack(archive + "/" + name) : Array(bytes), as: UTF8.self)
    }

    /// All files one after the other, by name.
    func everything() throws -> String { try names.map(contents).joined() }

    /// All whole files and the one being written, before a sink has repaired anything.
    func unrepaired() throws -> String {
        let all = names
        return try all.filter { name in
            !name.hasSuffix(".gz.part") && !(name.hasSuffix(".ndjson") && all.contains(name + ".gz"))
        }.map(contents).joined()
    }

    func overwrite(_ name: String, _ text: some StringProtocol) throws {
        try Data(text.utf8).write(to: URL(filePath: archive + "/" + name))
    }

    private func unpack(_ path: String) throws -> [UInt8] {
        guard let file = gzopen(path, "rb") else { throw CocoaError(.fileReadUnknown) }
        defer { gzclose_r(file) }
        var all: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = gzread(file, &block, UInt32(block.count))
            guard count >= 0 else { throw CocoaError(.fileReadCorruptFile) }
            if count == 0 { return all }
            all += block[..<Int(count)]
        }
    }
}

/// A sink and its host.
final class TestSink {
    let host: TestHost
    let sink: FileSink

    init(_ folder: TestFolder, _ settings: [String: TestHost.Setting] = [:]) throws {
        host = TestHost(settings.merging(["/path": .text(folder.archive)]) { given, _ in given })
        sink = try FileSink(host: Host(host.raw))
        try sink.start(now: Now(wallNanoseconds: 0, monotonicNanoseconds: 0))
    }

    deinit { sink.stop() }
}
