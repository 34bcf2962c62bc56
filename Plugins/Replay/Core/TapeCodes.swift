import EventFormat
import PluginKit

/// Codes of the US consolidated tape as this kit's words.
enum TapeCodes {
    static func venue(_ code: String) -> String { EventFormat.TapeCodes.venue(code) }

    @inline(__always)
    static func conditions(_ mask: UInt64) -> TradeConditions {
        TradeConditions(rawValue: EventFormat.TapeCodes.conditions(mask))
    }
}
