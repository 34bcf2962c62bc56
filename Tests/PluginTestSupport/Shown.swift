import PluginABI

/// Records as tests compare them.
enum Shown: Equatable {
    case trade(UInt32, Int64, Double, Double, UInt32, UInt16)
    /// Stream, time, last, volume (-1 = none), flags.
    case tick(UInt32, Int64, Double, Double, UInt16)
    case quote(UInt32, Int64, Double, Double)
    case bar(UInt32, Int64, UInt32, [Double])
    case other(UInt8)
}

/// The records in bytes that a hub took.
func shown(_ bytes: [UInt8]) -> [Shown] {
    let collector = RecordCollector(holding: bytes)
    defer { withExtendedLifetime(collector) {} }
    return collector.records.map { record in
        let head = record.pointee
        let place = UnsafeRawPointer(record)
        switch head.kind {
        case 1:
            let trade = place.load(as: hub_trade.self)
            return .trade(head.stream, head.ts_event, trade.price, trade.size, trade.conditions, head.flags)
        case 2:
            let quote = place.load(as: hub_quote.self)
            return .quote(head.stream, head.ts_event, quote.bid, quote.ask)
        case 3:
            let tick = place.load(as: hub_tick.self)
            return .tick(head.stream, head.ts_event, tick.last, tick.volume.isNaN ? -1 : tick.volume, head.flags)
        case 5:
            let bar = place.load(as: hub_bar.self)
            return .bar(head.stream, head.ts_event, bar.interval, [bar.open, bar.high, bar.low, bar.close, bar.volume])
        default: return .other(head.kind)
        }
    }
}
