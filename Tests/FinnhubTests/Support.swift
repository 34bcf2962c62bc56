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

/// The seed of random tests: `HUB_SEED`, or one of its own.
let seed = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)

/// Splitmix64.
struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// A few bytes changed, taken out, put in or cut off.
    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        let spice = Array("{}[]\",:\\u0d89.eE+-tfn \n\u{1}".utf8)
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(spice.randomElement(using: &self) ?? 0, at: place)
            case 2: bytes[place] = spice.randomElement(using: &self) ?? 0
            case 3: bytes.removeSubrange(place...)
            default: bytes[place] = UInt8.random(in: 0...255, using: &self)
            }
        }
        return bytes
    }
}

/// Records as tests compare them.
enum Shown: Equatable {
    case trade(UInt32, Int64, Double, Double, UInt32, UInt16)
    case tick(UInt32, Int64, Double, UInt16)
    case quote(UInt32, Int64, Double, Double)
    case bar(UInt32, Int64, UInt32, [Double])
    case other(UInt8)
}

/// The records in bytes that a hub took.
func shown(_ bytes: [UInt8]) -> [Shown] {
    let space = UnsafeMutableRawPointer.allocate(byteCount: max(64, bytes.count), alignment: 64)
    defer { space.deallocate() }
    space.copyMemory(from: bytes, byteCount: bytes.count)
    var result: [Shown] = []
    var at = 0
    while at < bytes.count {
        let place = space + at
        let head = place.load(as: hub_record.self)
        switch head.kind {
        case 1:
            let trade = place.load(as: hub_trade.self)
            result.append(.trade(head.stream, head.ts_event, trade.price, trade.size, trade.conditions, head.flags))
        case 2:
            let quote = place.load(as: hub_quote.self)
            result.append(.quote(head.stream, head.ts_event, quote.bid, quote.ask))
        case 3: result.append(.tick(head.stream, head.ts_event, place.load(as: hub_tick.self).last, head.flags))
        case 5:
            let bar = place.load(as: hub_bar.self)
            result.append(
                .bar(head.stream, head.ts_event, bar.interval, [bar.open, bar.high, bar.low, bar.close, bar.volume]))
        default: result.append(.other(head.kind))
        }
        at += Int(head.lines) * 64
    }
    return result
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
