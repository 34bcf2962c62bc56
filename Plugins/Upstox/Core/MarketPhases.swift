import PluginABI
import PluginKit

/// Market states of the feed, by segment, as states of venues.
enum MarketPhases {
    /// What a segment's state says of a venue; indices have no state of their own.
    static func venue(ofSegment segment: String) -> String? {
        switch segment {
        case "NSE_EQ": "NSE"
        case "BSE_EQ": "BSE"
        case "NSE_FO": "NFO"
        case "BSE_FO": "BFO"
        case "NCD_FO": "CDS"
        case "BCD_FO": "BCD"
        case "MCX_FO": "MCX"
        case "NSE_COM": "NCO"
        default: nil
        }
    }

    /// Word and phase of the vendor's states, by their number.
    static let states: [(word: String, phase: Output.Phase)] = [
        ("PRE_OPEN_START", .preOpen), ("PRE_OPEN_END", .preOpen), ("NORMAL_OPEN", .open), ("NORMAL_CLOSE", .closed),
        ("CLOSING_START", .closing), ("CLOSING_END", .closed),
    ]

    /// Emits one record for each segment of a `MarketInfo` message.
    static func emit(
        _ info: UnsafeRawBufferPointer, _ time: Int64, _ out: UnsafeMutablePointer<hub_out>, _ frame: inout FeedFrame,
        _ last: inout UnsafeMutablePointer<hub_record>?
    ) {
        var fields = WireReader(info)
        while let tag = fields.next() {
            guard tag.field == 1, tag.type == WireReader.Tag.bytes else {
                fields.skip(tag)
                continue
            }
            var entry = WireReader(fields.bytes())
            var segment = ""
            // The state of number 0 is left out by some encoders.
            var state: UInt64 = 0
            while let tag = entry.next() {
                switch (tag.field, tag.type) {
                case (1, WireReader.Tag.bytes): segment = String(decoding: entry.bytes(), as: UTF8.self)
                case (2, WireReader.Tag.varint): state = entry.varint()
                default: entry.skip(tag)
                }
            }
            guard !entry.isMalformed, state < UInt64(states.count) else {
                frame.malformed += 1
                continue
            }
            guard let venue = venue(ofSegment: segment) else { continue }
            let known = states[Int(state)]
            guard
                Output(out).tradingStatus(
                    0, timeNanoseconds: time, venue: venue, phase: known.phase, reason: known.word),
                let end = out.pointee.at
            else {
                frame.isOverfull = true
                return
            }
            let bytes = MemoryLayout<hub_trading_status>.size + 2 + venue.utf8.count + 2 + known.word.utf8.count
            last = (UnsafeMutableRawPointer(end) - (bytes + 63) / 64 * 64).assumingMemoryBound(to: hub_record.self)
        }
        if fields.isMalformed { frame.malformed += 1 }
    }
}

extension MarketPhases {
    /// The word of answers.
    static func word(_ phase: Output.Phase) -> String {
        switch phase {
        case .unknown: ""
        case .closed: "closed"
        case .pre: "pre"
        case .preOpen: "pre_open"
        case .open: "open"
        case .pause: "break"
        case .closing: "closing"
        case .post: "post"
        }
    }
}
