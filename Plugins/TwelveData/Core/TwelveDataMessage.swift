import EventFormat
import PluginKit

/// Messages to TwelveData's stream.
enum TwelveDataMessage {
    /// Subscribes or unsubscribes all these at once: a connection may send a hundred messages a minute.
    static func text(_ action: String, _ names: [TwelveDataSymbols.Name]) -> String {
        var buffer = TextBuffer()
        buffer.beginObject()
        buffer.member("action", action)
        buffer.key("params")
        buffer.beginObject()
        buffer.key("symbols")
        buffer.beginArray()
        for name in names {
            buffer.beginObject()
            buffer.member("symbol", name.symbol)
            if !name.exchange.isEmpty {
                buffer.member("exchange", name.exchange)
            } else if !name.mic.isEmpty {
                buffer.member("mic_code", name.mic)
            } else if name.type == .fx {
                buffer.member("type", "Forex")
            } else if name.type == .crypto {
                buffer.member("type", "Digital Currency")
            }
            buffer.endObject()
        }
        buffer.endArray()
        buffer.endObject()
        buffer.endObject()
        return buffer.string
    }
}
