public import EventFormat
public import PluginABI

/// Which kinds of events somebody wants: the `types` of a subscription, the `kinds` of a sink.
///
/// Two selectors that name the same are equal, in whatever order they were written.
public struct EventSelector: Sendable, Hashable {
    private struct ValueName: Hashable, Sendable {
        let name: String
        let interval: UInt32
    }

    /// One bit each kind below 64, whatever bars and values are then chosen by name.
    private var whole: UInt64 = 0
    private var control = false
    private var define = false
    private var barIntervals: [UInt32] = []
    private var valueNames: [ValueName] = []

    /// `*`: every record, `define` and the clocks and positions among `control` included.
    public private(set) var isEverything = false

    /// Whether the view `summary` was named; no event matches it.
    public private(set) var wantsSummary = false

    /// Every event but `control` and `define`: what a subscription without `types` means.
    public static let events: EventSelector = {
        var selector = EventSelector()
        for kind in EventKind.allCases where kind != .control && kind != .define { selector.add(kind) }
        return selector
    }()

    /// Every record.
    public static let everything: EventSelector = {
        var selector = events
        selector.isEverything = true
        selector.control = true
        selector.define = true
        return selector
    }()

    /// Nothing, to be widened.
    public init() {}

    /// Reads a list of `trade`, `bar`, `bar:1m`, `value`, `value:rsi(14)@1m`, `summary`, `*` and so on.
    ///
    /// - Throws: `ValueTextError` for the first that is none of them.
    public init(_ types: [String]) throws(ValueTextError) {
        for type in types { try add(type) }
    }

    /// Takes in what one more type names.
    public mutating func add(_ type: String) throws(ValueTextError) {
        if type == "*" {
            formUnion(.everything)
        } else if type == "summary" {
            wantsSummary = true
        } else if let kind = EventKind(name: type) {
            add(kind)
        } else if type.hasPrefix("bar:") {
            guard let interval = Interval(String(type.dropFirst(4))) else {
                throw unknown(type, "unknown interval")
            }
            insert(interval.rawValue)
        } else if type.hasPrefix("value:") {
            let rest = type.dropFirst(6)
            guard let at = rest.lastIndex(of: "@"), at > rest.startIndex,
                let interval = Interval(String(rest[rest.index(after: at)...]))
            else { throw unknown(type, "a value is named as rsi(14)@1m") }
            insert(ValueName(name: String(rest[..<at]), interval: interval.rawValue))
        } else {
            throw unknown(type, nil)
        }
    }

    /// Takes in a kind as a whole.
    public mutating func add(_ kind: EventKind) {
        switch kind {
        case .control: control = true
        case .define: define = true
        default: whole |= 1 << UInt64(kind.rawValue)
        }
    }

    /// Takes in what another selects.
    public mutating func formUnion(_ other: EventSelector) {
        whole |= other.whole
        control = control || other.control
        define = define || other.define
        isEverything = isEverything || other.isEverything
        wantsSummary = wantsSummary || other.wantsSummary
        for interval in other.barIntervals { insert(interval) }
        for name in other.valueNames { insert(name) }
    }

    /// Whether nothing can match.
    public var isEmpty: Bool {
        whole == 0 && !control && !define && barIntervals.isEmpty && valueNames.isEmpty && !wantsSummary
            && !isEverything
    }

    /// Whether any event of this kind may match; false lets a reader skip without looking further.
    @inlinable public func mayMatch(kind: UInt8) -> Bool {
        switch kind {
        case 128: selectsControl
        case 129: selectsDefine
        default: kind < 64 && kindMask & (1 << UInt64(kind)) != 0
        }
    }

    /// Bits `1 << kind` of data kinds of which something may match.
    public var kindMask: UInt64 {
        whole | (barIntervals.isEmpty ? 0 : 1 << UInt64(EventKind.bar.rawValue))
            | (valueNames.isEmpty ? 0 : 1 << UInt64(EventKind.value.rawValue))
    }

    /// Whether `control` was named.
    public var selectsControl: Bool { control }

    /// Whether `define` was named.
    public var selectsDefine: Bool { define }

    /// Whether an event matches.
    ///
    /// - Parameters:
    ///   - kind: of the record.
    ///   - interval: of a bar or value in seconds; any for the others.
    ///   - definition: name of a value's definition; any for the others.
    public func matches(kind: UInt8, interval: UInt32 = 0, definition: String = "") -> Bool {
        switch kind {
        case EventKind.bar.rawValue: matchesBar(interval)
        case EventKind.value.rawValue: matchesValue(interval, definition)
        default: mayMatch(kind: kind)
        }
    }

    /// Whether a record matches; clocks and positions do only for `*`.
    public func matches(_ record: UnsafePointer<hub_record>, definitions: borrowing DefinitionTable)
        -> Bool
    {
        let kind = record.pointee.kind
        switch kind {
        case EventKind.bar.rawValue:
            return matchesBar(UnsafeRawPointer(record).load(as: hub_bar.self).interval)
        case EventKind.value.rawValue:
            if isWhole(.value) { return true }
            if valueNames.isEmpty { return false }
            let id = UnsafeRawPointer(record).load(as: hub_value.self).definition
            guard let definition = definitions.value(id) else { return false }
            return matchesValue(definition.interval, definition.name)
        case EventKind.control.rawValue:
            if isEverything { return true }
            let what = Int(UnsafeRawPointer(record).load(fromByteOffset: 32, as: UInt8.self))
            return control && what != HUB_CONTROL_CLOCK && what != HUB_CONTROL_POSITION
        default:
            return mayMatch(kind: kind)
        }
    }

    private func isWhole(_ kind: EventKind) -> Bool { whole & (1 << UInt64(kind.rawValue)) != 0 }

    private func matchesBar(_ interval: UInt32) -> Bool {
        isWhole(.bar) || barIntervals.contains(interval)
    }

    private func matchesValue(_ interval: UInt32, _ name: String) -> Bool {
        isWhole(.value) || valueNames.contains { $0.interval == interval && $0.name == name }
    }

    private mutating func insert(_ interval: UInt32) {
        guard !barIntervals.contains(interval) else { return }
        barIntervals.append(interval)
        barIntervals.sort()
    }

    private mutating func insert(_ name: ValueName) {
        guard !valueNames.contains(name) else { return }
        valueNames.append(name)
        valueNames.sort { ($0.name, $0.interval) < ($1.name, $1.interval) }
    }

    private func unknown(_ type: String, _ reason: String?) -> ValueTextError {
        ValueTextError(
            expected: "a type of event: "
                + EventKind.allCases.map(\.name).joined(separator: ", ")
                + ", bar:1m, value:rsi(14)@1m, summary or *",
            found: type, reason: reason)
    }
}
