internal import PluginABI

/// What the 8-byte words at one place of a kind's records are. It only says which codings are tried: what does not behave
/// like its class is still stored exactly, just in more bytes.
enum ColumnClass {
    /// Nanoseconds.
    case time
    /// Numbers that mostly go up by a little: `seq`, ids.
    case counter
    /// Doubles that were decimals once: prices, sizes.
    case decimal
    /// Small fields side by side, texts, anything.
    case word

    /// - Parameter word: place in the record, in words of 8 bytes.
    static func of(kind: UInt8, word: Int) -> ColumnClass {
        switch word {
        case 0: return .word
        case 1, 2: return .time
        case 3: return .counter
        default: break
        }
        switch Int(kind) {
        case HUB_TRADE: return word < 6 ? .decimal : word == 6 ? .counter : .word
        case HUB_QUOTE: return .decimal
        case HUB_TICK: return word == 15 ? .time : .decimal
        case HUB_BOOK: return word == 4 || (word - 5) % 3 == 2 ? .word : .decimal
        case HUB_BAR:
            switch word {
            case 4, 15: return .word
            case 11...13: return .counter
            default: return .decimal
            }
        case HUB_VALUE:
            switch word {
            case 4: return .word
            case 5: return .time
            case 6: return .counter
            default: return .decimal
            }
        case HUB_GREEKS: return word < 10 ? .decimal : .word
        case HUB_GAP:
            switch word {
            case 5: return .counter
            case 6, 7: return .time
            default: return .word
            }
        default: return .word
        }
    }

    /// How many words back, in the same line, something stands that this word may be close to: the event time before the
    /// receive time, the bid before the ask, the open before high and low. 0 = nothing.
    static func reference(kind: UInt8, word: Int) -> Int {
        switch (Int(kind), word) {
        case (_, 2): 1
        case (HUB_QUOTE, 6): 2
        case (HUB_BAR, 6): 1
        case (HUB_BAR, 7): 2
        default: 0
        }
    }
}
