internal import EventFormat
internal import HubModel
internal import PluginABI

/// A filter laid out by stream, so that a record is judged by a few array reads.
///
/// Globs are matched once for each new stream, in `update`, never for an event. Not for several threads at once.
struct CompiledFilter: Sendable {
    let filter: SubscriptionFilter
    let isEverything: Bool
    let excludedFlags: UInt16
    /// By stream id.
    private var masks: [UInt64] = []
    /// Rows of bits by value definition; a mask names its row.
    private var valueRows: [UInt64] = []
    private var wordsPerRow = 0
    private var definitionsKnown: UInt32 = 0
    /// Streams that entries of the same types speak of have the same mask.
    private var maskOfKey: [[Int]: UInt64] = [:]
    private var lookup: EntryLookup

    /// Bits of a mask: kinds 0 to 15, then these, bar intervals from 20, the number of the value row from 40.
    private static let controlBit: UInt64 = 1 << 16
    private static let allBit: UInt64 = 1 << 17
    private static let barShift: UInt64 = 20
    private static let rowShift: UInt64 = 40

    /// Compiles a filter for all streams and values defined so far.
    init(_ filter: SubscriptionFilter, definitions: borrowing DefinitionTable) {
        self.filter = filter
        isEverything = filter.isEverything
        excludedFlags = filter.excludedFlags
        lookup = EntryLookup(filter)
        update(definitions)
    }

    /// Takes in streams and values that were defined since. Call it after the table learnt a `define` and before
    /// later records are judged. Cheap if there is nothing new.
    mutating func update(_ definitions: borrowing DefinitionTable) {
        guard !isEverything else { return }
        if definitions.nextDefinitionID != definitionsKnown {
            definitionsKnown = definitions.nextDefinitionID
            // Every row has a place for every definition.
            wordsPerRow = (Int(definitionsKnown) + 63) / 64
            valueRows.removeAll(keepingCapacity: true)
            maskOfKey.removeAll(keepingCapacity: true)
            masks.removeAll(keepingCapacity: true)
        }
        while masks.count < Int(definitions.nextStreamID) {
            let stream = definitions.stream(UInt32(masks.count))
            masks.append(mask(symbol: stream?.symbol ?? "", definitions))
        }
    }

    /// Whether the record is to be delivered. The record must be well-formed and its stream known to `update`.
    func matches(_ record: UnsafePointer<hub_record>) -> Bool {
        if record.pointee.flags & excludedFlags != 0 { return false }
        if isEverything { return true }
        let stream = Int(record.pointee.stream)
        guard stream < masks.count else { return matchesRare(record, 0) }
        let mask = masks[stream]
        let kind = Int(record.pointee.kind)
        switch kind {
        case HUB_TRADE, HUB_QUOTE, HUB_TICK, HUB_BOOK, HUB_GREEKS, HUB_SIGNAL:
            return mask >> UInt64(kind) & 1 != 0
        case HUB_BAR:
            guard mask >> UInt64(HUB_BAR) & 1 != 0 else { return false }
            let interval = RecordPointer(record).asBar.pointee.interval
            return mask >> (Self.barShift + Self.place(ofInterval: interval)) & 1 != 0
        case HUB_VALUE:
            guard mask >> UInt64(HUB_VALUE) & 1 != 0 else { return false }
            let definition = RecordPointer(record).asValue.pointee.definition
            guard definition < definitionsKnown else { return mask & Self.allBit != 0 }
            let word = Int(mask >> Self.rowShift) * wordsPerRow + Int(definition >> 6)
            return valueRows[word] >> UInt64(definition & 63) & 1 != 0
        default:
            return matchesRare(record, mask)
        }
    }

    /// Whether any trade, quote, tick, book, bar, value, greeks or signal of a stream may be delivered, as far as `update` knows.
    func mayMatchData(ofStream stream: UInt32) -> Bool {
        isEverything || stream >= masks.count || masks[Int(stream)] & Self.dataBits != 0
    }

    /// Whether a record tells how far a source or the hub's clock has come.
    @inline(__always)
    static func isClock(_ record: UnsafePointer<hub_record>) -> Bool {
        guard Int(record.pointee.kind) == HUB_CONTROL else { return false }
        let what = RecordPointer(record).what
        return what == HUB_CONTROL_CLOCK || what == HUB_CONTROL_POSITION
    }

    /// Whether such records may be delivered.
    var wantsClocks: Bool { isEverything || lookup.wantsAllControls }

    /// Streams that it knows.
    var streams: Int { masks.count }

    /// A bit for each kind that may be delivered of a stream; of the plain ones it is.
    func dataKinds(ofStream stream: UInt32) -> UInt16 {
        isEverything ? .max : stream < masks.count ? UInt16(truncatingIfNeeded: masks[Int(stream)]) : 0
    }

    /// Whether stream, kind and flags alone decide over a record of that kind.
    @inline(__always)
    static func isPlain(_ kind: UInt8) -> Bool { kind < 16 && plainKinds >> UInt16(kind) & 1 != 0 }

    private static let plainKinds: UInt16 =
        1 << UInt16(HUB_TRADE) | 1 << UInt16(HUB_QUOTE) | 1 << UInt16(HUB_TICK) | 1 << UInt16(HUB_BOOK)
        | 1 << UInt16(HUB_GREEKS) | 1 << UInt16(HUB_SIGNAL)

    private static let dataBits: UInt64 =
        [HUB_TRADE, HUB_QUOTE, HUB_TICK, HUB_BOOK, HUB_BAR, HUB_VALUE, HUB_GREEKS, HUB_SIGNAL]
        .reduce(0) { $0 | 1 << UInt64($1) }

    // MARK: Kinds with rules of their own

    @inline(never)
    private func matchesRare(_ record: UnsafePointer<hub_record>, _ mask: UInt64) -> Bool {
        let pointer = RecordPointer(record)
        switch pointer.kind {
        case HUB_STATUS:
            if lookup.hasSymbol(ofStream: pointer.stream, mask) { return mask >> UInt64(HUB_STATUS) & 1 != 0 }
            // Of a venue: for everybody with a symbol of it.
            return lookup.wantsStatus(ofVenue: RecordText.read(record, after: 64, count: 1)[0])
        case HUB_GAP:
            return lookup.isTouched(by: GapText.symbols(record))
        case HUB_CONTROL:
            if Self.isClock(record) { return lookup.wantsAllControls }
            return mask & Self.controlBit != 0
        case HUB_DEFINE:
            return lookup.wantsDefinition(ofSymbol: StreamDefinition(record)?.symbol ?? "")
        default:
            return mask & Self.allBit != 0
        }
    }

    // MARK: Compiling

    private mutating func mask(symbol: String, _ definitions: borrowing DefinitionTable) -> UInt64 {
        let entries = lookup.entries(matching: symbol)
        let key = lookup.key(entries, ofSymbol: symbol)
        if let known = maskOfKey[key] { return known }
        var mask: UInt64 = symbol.isEmpty ? 0 : EntryLookup.symbolBit
        for kind in 0..<16 where kind != HUB_BAR && kind != HUB_VALUE {
            if lookup.wants(entries, kind: kind) { mask |= 1 << UInt64(kind) }
        }
        if lookup.wants(entries, kind: HUB_CONTROL) { mask |= Self.controlBit }
        if lookup.wantsAll(entries) { mask |= Self.allBit }
        for interval in Interval.allCases where lookup.wants(entries, kind: HUB_BAR, interval: interval.rawValue) {
            mask |= 1 << UInt64(HUB_BAR) | 1 << (Self.barShift + Self.place(ofInterval: interval.rawValue))
        }
        // An interval of none of these is only in `bar` as a whole.
        if lookup.wants(entries, kind: HUB_BAR, interval: 0) {
            mask |= 1 << UInt64(HUB_BAR) | 1 << (Self.barShift + Self.place(ofInterval: 0))
        }
        var row = [UInt64](repeating: 0, count: wordsPerRow)
        for value in definitions.values
        where lookup.wants(entries, kind: HUB_VALUE, interval: value.interval, definition: value.name) {
            mask |= 1 << UInt64(HUB_VALUE)
            row[Int(value.id >> 6)] |= 1 << UInt64(value.id & 63)
        }
        if mask >> UInt64(HUB_VALUE) & 1 != 0 {
            mask |= UInt64(valueRows.count / wordsPerRow) << Self.rowShift
            valueRows += row
        }
        maskOfKey[key] = mask
        return mask
    }

    /// The place of an interval among the bits of a mask: 0 to 14, and 15 for all that are not in the list.
    @inline(__always)
    private static func place(ofInterval seconds: UInt32) -> UInt64 {
        switch seconds {
        case 1: 0
        case 5: 1
        case 15: 2
        case 30: 3
        case 60: 4
        case 180: 5
        case 300: 6
        case 900: 7
        case 1800: 8
        case 3600: 9
        case 7200: 10
        case 14400: 11
        case 86400: 12
        case 604_800: 13
        case 2_592_000: 14
        default: 15
        }
    }
}
