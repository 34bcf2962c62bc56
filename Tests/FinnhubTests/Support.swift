import Foundation
import JSONReading
import PluginABI
import PluginKit
import Testing
import VendorKit

@testable import FinnhubCore
@testable import PluginTestSupport

/// A file beside the tests.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return Array(try Data(contentsOf: folder.appending(path: name)))
}

/// Reads one frame of the stream.
func frame(_ text: [UInt8], _ streams: [(String, UInt32)], kinds: KindSet = [.trade, .tick]) throws
    -> (FinnhubFrame, [Shown])
{
    let table = StreamTable(streams.map { ($0.0, StreamTable.Entry(handle: $0.1, kinds: kinds)) })
    defer { table.deallocate() }
    let space = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 64)
    defer { space.deallocate() }
    var out = hub_out(
        at: space.assumingMemoryBound(to: UInt8.self), end: (space + (1 << 16)).assumingMemoryBound(to: UInt8.self),
        host: nil, more: { _, _ in 0 })
    let kind = try text.withUnsafeBytes { bytes in
        try withUnsafeMutablePointer(to: &out) {
            try FinnhubFrames.read(bytes, JSONScratch(), table, into: Output($0))
        }
    }
    let count = UnsafeRawPointer(out.at!) - UnsafeRawPointer(space)
    return (kind, shown(Array(UnsafeRawBufferPointer(start: space, count: count))))
}

/// Reads an answer.
func reply<Result>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer, JSONScratch) throws -> Result
) rethrows -> Result {
    try bytes.withUnsafeBytes { try body($0, JSONScratch()) }
}
