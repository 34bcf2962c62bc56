import EventFormat
import PluginABI

/// Records that the hub makes itself: decisions, definitions and gaps, as bytes ready to be numbered.
///
/// `ts_recv` and `seq` are left to the sequencer.
enum HubRecord {
    /// `control/source`: a source changed its state. `stream` is the source's own.
    static func source(_ change: SourceHealth.Change, stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        control(
            UInt8(HUB_CONTROL_SOURCE), stream: stream, at: nanoseconds, state: change.state.rawValue,
            previous: change.previous.rawValue, texts: ["", "", "", change.reason])
    }

    /// `control/failover`: from here on `to` serves the pipeline. `stream` is the new source's own.
    static func failover(
        pipeline: String, from: String, to: String, reason: String, stream: UInt32, lastSequence: UInt64,
        skipped: UInt32, at nanoseconds: Int64
    ) -> [UInt8] {
        control(
            UInt8(HUB_CONTROL_FAILOVER), stream: stream, at: nanoseconds, skipped: skipped, lastSequence: lastSequence,
            texts: [pipeline, from, to, reason])
    }

    /// `control/subscription`: what became of one wanted instrument. `stream` is the instrument's.
    static func subscription(state: UInt8, reason: String, stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        control(
            UInt8(HUB_CONTROL_SUBSCRIPTION), stream: stream, at: nanoseconds, state: state,
            texts: ["", "", "", reason])
    }

    /// `control/clock`: the fold's time for live sources.
    static func clock(at nanoseconds: Int64) -> [UInt8] {
        control(UInt8(HUB_CONTROL_CLOCK), stream: 0, at: nanoseconds, texts: [])
    }

    /// `control/end`: a recorded source has ended.
    static func end(stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        control(UInt8(HUB_CONTROL_END), stream: stream, at: nanoseconds, texts: [])
    }

    /// `control/end` behind what was fetched: bars that it changed come out.
    static func fetchedEnd(stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        var record = end(stream: stream, at: nanoseconds)
        record.withUnsafeMutableBytes { space in
            let head = space.baseAddress!.assumingMemoryBound(to: hub_record.self)
            head.pointee.flags |= UInt16(HUB_FLAG_BACKFILLED | HUB_FLAG_FETCHED)
        }
        return record
    }

    /// `control/configuration`: the digest of what the fold (stream 0) or a source (its stream) depends on.
    static func configuration(digest: [UInt8], stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        precondition(digest.count == 32, "a SHA-256 digest has 32 bytes")
        return make(HUB_CONTROL, lines: 2, stream: stream, at: nanoseconds) {
            (body: UnsafeMutablePointer<hub_configuration>) in
            body.pointee.what = UInt8(HUB_CONTROL_CONFIGURATION)
            withUnsafeMutableBytes(of: &body.pointee.digest) { $0.copyBytes(from: digest) }
        }
    }

    /// A hole in a source's data, opened or closed.
    struct Gap {
        var state: UInt8
        var reason: UInt8
        var repair: UInt8
        /// Kinds concerned, bits `1 << kind`.
        var kinds: UInt32
        /// Sequence number of the record that opened it; 0 when this one does.
        var openedBy: UInt64
        var fromNanoseconds: Int64
        /// 0 = not over.
        var toNanoseconds: Int64
        var symbols: [String]
    }

    /// `gap`: `stream` is the source's own.
    static func gap(_ gap: Gap, stream: UInt32, at nanoseconds: Int64) -> [UInt8] {
        let fixed = MemoryLayout<hub_gap>.size
        var symbols = gap.symbols
        // A record holds 16 KiB: a source with more symbols than that names its venues instead.
        if symbols.reduce(0, { $0 + $1.utf8.count + 1 }) > 8000 {
            var venues: [String] = []
            for symbol in symbols {
                let venue = symbol.prefix(while: { $0 != ":" }) + ":*"
                if !venues.contains(String(venue)) { venues.append(String(venue)) }
            }
            symbols = venues
        }
        let text = symbols.joined(separator: "\n")
        let lines = RecordText.linesNeeded(fixedBytes: fixed, texts: [text])
        return make(HUB_GAP, lines: lines, stream: stream, at: nanoseconds) { (body: UnsafeMutablePointer<hub_gap>) in
            body.pointee.state = gap.state
            body.pointee.reason = gap.reason
            body.pointee.repair = gap.repair
            body.pointee.types = gap.kinds
            body.pointee.opened_by = gap.openedBy
            body.pointee.from = gap.fromNanoseconds
            body.pointee.to = gap.toNanoseconds
            RecordText.write([text], after: fixed, in: UnsafeMutableRawPointer(body), lines: lines)
        }
    }

    /// `define`: a stream or a value definition.
    static func define(_ stream: StreamDefinition) -> [UInt8] {
        let lines = DefineRecord.lines(stream)
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { DefineRecord.write(stream, to: $0.baseAddress!) }
        return bytes
    }

    /// `define`: a value definition.
    static func define(_ value: ValueDefinition) -> [UInt8] {
        let lines = DefineRecord.lines(value)
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { DefineRecord.write(value, to: $0.baseAddress!) }
        return bytes
    }

    private static func control(
        _ what: UInt8, stream: UInt32, at nanoseconds: Int64, state: UInt8 = 0, previous: UInt8 = 0,
        skipped: UInt32 = 0, lastSequence: UInt64 = 0, texts: [String]
    ) -> [UInt8] {
        let fixed = MemoryLayout<hub_control>.size
        let lines = RecordText.linesNeeded(fixedBytes: fixed, texts: texts)
        return make(HUB_CONTROL, lines: lines, stream: stream, at: nanoseconds) {
            (body: UnsafeMutablePointer<hub_control>) in
            body.pointee.what = what
            body.pointee.state = state
            body.pointee.previous = previous
            body.pointee.skipped = skipped
            body.pointee.last_seq = lastSequence
            RecordText.write(texts, after: fixed, in: UnsafeMutableRawPointer(body), lines: lines)
        }
    }

    private static func make<Body, Kind: BinaryInteger>(
        _ kind: Kind, lines: Int, stream: UInt32, at nanoseconds: Int64,
        _ fill: (UnsafeMutablePointer<Body>) -> Void
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { space in
            let head = space.baseAddress!.assumingMemoryBound(to: hub_record.self)
            head.pointee.lines = UInt8(lines)
            head.pointee.kind = UInt8(kind)
            head.pointee.stream = stream
            head.pointee.ts_event = nanoseconds
            fill(space.baseAddress!.assumingMemoryBound(to: Body.self))
        }
        return bytes
    }
}
