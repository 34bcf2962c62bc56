import Foundation
import JSONReading
import PluginABI
import PluginKit
import Testing
import VendorKit

@testable import PluginTestSupport
@testable import TwelveDataCore

/// A file beside the tests.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    return Array(try Data(contentsOf: folder.appending(path: name)))
}

/// Reads one message of the stream.
func frame(
    _ text: [UInt8], _ streams: [(symbol: String, venue: String, handle: UInt32)], kinds: KindSet = [.tick, .quote]
)
    throws -> (TwelveDataFrame, [Shown])
{
    let routes = TwelveDataRoutes(
        streams.map { ($0.symbol, $0.venue, StreamTable.Entry(handle: $0.handle, kinds: kinds)) })
    defer { routes.deallocate() }
    let space = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 64)
    defer { space.deallocate() }
    var out = hub_out(
        at: space.assumingMemoryBound(to: UInt8.self), end: (space + (1 << 16)).assumingMemoryBound(to: UInt8.self),
        host: nil, more: { _, _ in 0 })
    let kind = try text.withUnsafeBytes { bytes in
        try withUnsafeMutablePointer(to: &out) {
            try TwelveDataFrames.read(bytes, JSONScratch(), routes, into: Output($0))
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
