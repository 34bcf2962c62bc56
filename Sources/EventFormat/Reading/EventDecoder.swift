import PluginABI

/// Reads event objects, as `EventEncoder` writes them, back into records: what imports and tests bring.
///
/// Strict: a member that the kind does not have, a missing one, a number out of its range are errors that say where and
/// what. Times are integers in microseconds, texts of nanoseconds (`ts=ns`) or RFC 3339 (`ts=iso`); integers of fewer than
/// 14 digits are refused, since they are seconds or milliseconds. What follows from other members (`end`, `date`, `vwap`)
/// is not looked at, except that a bar without `notional` gets it from `vwap`. Values, signals, status, gaps, controls and
/// definitions are the hub's own and not read.
///
/// One for each thread: it keeps its memory from line to line.
public struct EventDecoder: ~Copyable {
    /// What an event says beside its record.
    public struct Names: Sendable, Hashable {
        public var symbol: String
        /// Empty where the object has none.
        public var source: String
        /// Where it traded, if not the symbol's own venue; else empty.
        public var venue: String
    }

    private var scanner = ObjectScanner()
    private var record: [UInt8] = []

    public init() {}

    /// Reads one object and appends its record, whose `stream` is 0.
    ///
    /// - Throws: what is wrong; nothing was appended then.
    public mutating func decode(
        _ line: UnsafeRawBufferPointer, into records: inout [UInt8]
    ) throws(EventTextError) -> Names {
        try scanner.read(line)
        let (kind, fields) = try kind()
        try checkNames(kind, fields)
        record.removeAll(keepingCapacity: true)
        record.append(contentsOf: repeatElement(0, count: fields.lines * Int(HUB_LINE)))
        record[0] = UInt8(fields.lines)
        record[1] = UInt8(kind)
        var names = Names(symbol: "", source: "", venue: "")
        names.symbol = try requiredText("symbol")
        names.source = try text("source") ?? ""
        try readHead()
        for number in fields.numbers { try read(number, kind) }
        switch kind {
        case HUB_TRADE:
            names.venue = try text("venue") ?? ""
            try readTrade()
        case HUB_QUOTE: names.venue = try text("venue") ?? ""
        case HUB_TICK: if let member = find("last_time") { store(try time(member), at: 120) }
        case HUB_BOOK: try readBook()
        case HUB_BAR: try readBar()
        default: break
        }
        records.append(contentsOf: record)
        return names
    }

    // MARK: Members

    private func find(_ name: String) -> ObjectScanner.Member? {
        scanner.members.first { scanner.equals($0.key, name) }
    }

    private func kind() throws(EventTextError) -> (Int, EventFields) {
        guard let member = find("type") else { throw missing("type") }
        guard let word = try text(member, "type") as String?, let kind = Words.kind(named: word) else {
            throw wrong(member, "type", "expected trade, tick, quote, book, bar or greeks")
        }
        guard let fields = EventFields.of(kind) else {
            throw wrong(member, "type", "the hub makes these itself; trade, tick, quote, book, bar and greeks are read")
        }
        return (kind, fields)
    }

    /// Every member is known and there once.
    private func checkNames(_ kind: Int, _ fields: EventFields) throws(EventTextError) {
        for (index, member) in scanner.members.enumerated() {
            let isKnown =
                EventFields.head.contains { scanner.equals(member.key, $0) }
                || fields.numbers.contains { scanner.equals(member.key, $0.name) }
                || fields.others.contains { scanner.equals(member.key, $0) }
            guard isKnown else {
                let all = fields.numbers.map(\.name) + fields.others
                throw scanner.fault(
                    "a \(Words.kind(kind) ?? "") has no '\(name(member))'; beside the head it has "
                        + all.joined(separator: ", "), at: member.key.lowerBound - 1)
            }
            for other in scanner.members[..<index] where other.key.count == member.key.count {
                if scanner.bytes[other.key].elementsEqual(scanner.bytes[member.key]) {
                    throw scanner.fault("'\(name(member))' is given twice", at: member.key.lowerBound - 1)
                }
            }
        }
    }

    private func name(_ member: ObjectScanner.Member) -> String {
        String(decoding: scanner.bytes[member.key.prefix(40)], as: UTF8.self)
    }

    private func missing(_ name: String) -> EventTextError { EventTextError(column: 1, "'\(name)' is missing") }

    private func wrong(_ member: ObjectScanner.Member, _ name: String, _ message: String) -> EventTextError {
        scanner.fault("\(name): \(message), found \(scanner.shown(member.value, at: member.start))", at: member.start)
    }

    private func requiredText(_ name: String) throws(EventTextError) -> String {
        guard let text = try text(name) else { throw missing(name) }
        return text
    }

    private func text(_ name: String) throws(EventTextError) -> String? {
        guard let member = find(name) else { return nil }
        return try text(member, name)
    }

    private func text(_ member: ObjectScanner.Member, _ name: String) throws(EventTextError) -> String {
        guard case .text(let range, let hasEscapes) = member.value, !range.isEmpty else {
            throw wrong(member, name, "expected a text")
        }
        return try scanner.string(range, hasEscapes: hasEscapes)
    }

    private func whole(_ name: String, through most: UInt64 = 1 << 53) throws(EventTextError) -> UInt64? {
        guard let member = find(name) else { return nil }
        guard case .number(let range) = member.value, let value = scanner.integer(range), value >= 0,
            UInt64(value) <= most
        else { throw wrong(member, name, "expected a whole number") }
        return UInt64(value)
    }

    private func word(_ name: String, _ words: (UInt8) -> String?) throws(EventTextError) -> UInt8? {
        guard let member = find(name) else { return nil }
        var known: [String] = []
        var number: UInt8 = 1
        while let word = words(number) {
            if case .text(let range, _) = member.value, scanner.equals(range, word) { return number }
            known.append(word)
            number += 1
        }
        throw wrong(member, name, "expected \(known.joined(separator: ", "))")
    }

    private mutating func store<Number: BitwiseCopyable>(_ number: Number, at offset: Int) {
        record.withUnsafeMutableBytes { $0.storeBytes(of: number, toByteOffset: offset, as: Number.self) }
    }

    private func number(at offset: Int) -> Double {
        record.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Double.self) }
    }

    // MARK: Parts

    private mutating func readHead() throws(EventTextError) {
        guard let member = find("time") else { throw missing("time") }
        let time = try time(member)
        guard time != 0 else { throw wrong(member, "time", "expected a time after 1970") }
        store(time, at: 8)
        if let received = find("received") { store(try self.time(received), at: 16) }
        store(try whole("seq") ?? 0, at: 24)
        var flags: UInt16 = 0
        if let member = find("simulated") {
            guard case .flag(let isSimulated) = member.value else {
                throw wrong(member, "simulated", "expected true or false")
            }
            if isSimulated { flags |= UInt16(HUB_FLAG_SIMULATED) }
        }
        try forEachWord("flags") { (scanner, range) in
            guard let flag = Words.flags.first(where: { scanner.equals(range, $0.word) }) else { return false }
            flags |= flag.bit
            return true
        }
        store(flags, at: 2)
    }

    private mutating func forEachWord(
        _ name: String, _ take: (borrowing ObjectScanner, Range<Int>) -> Bool
    ) throws(EventTextError) {
        guard let member = find(name) else { return }
        guard case .list(let start) = member.value else { throw wrong(member, name, "expected a list of words") }
        try scanner.forEach(listAt: start) { (scanner, value, place) throws(EventTextError) in
            guard case .text(let range, _) = value, take(scanner, range) else {
                throw scanner.fault("\(name): unknown word \(scanner.shown(value, at: place))", at: place)
            }
        }
    }

    private mutating func read(_ field: EventFields.Number, _ kind: Int) throws(EventTextError) {
        guard let member = find(field.name) else {
            if field.isRequired { throw missing(field.name) }
            return store(Double.nan, at: field.offset)
        }
        if case .null = member.value, field.isNullable || !field.isRequired {
            return store(Double.nan, at: field.offset)
        }
        guard case .number(let range) = member.value, let value = scanner.number(range) else {
            throw wrong(member, field.name, "expected a number\(field.isNullable ? " or null" : "")")
        }
        if field.isSize, value < 0 { throw wrong(member, field.name, "is not negative") }
        store(value, at: field.offset)
    }

    private mutating func readTrade() throws(EventTextError) {
        if let side = try word("side", { $0 == 1 ? "buy" : $0 == 2 ? "sell" : nil }) { store(side, at: 60) }
        if let member = find("trade_id") {
            guard case .text(let range, _) = member.value, !range.isEmpty,
                range.allSatisfy({ scanner.bytes[$0] &- 48 < 10 }),
                let id = UInt64(String(decoding: scanner.bytes[range], as: UTF8.self)), id != 0
            else { throw wrong(member, "trade_id", "expected a decimal number as text, from \"1\" on") }
            store(id, at: 48)
        }
        var conditions: UInt32 = 0
        try forEachWord("conditions") { (scanner, range) in
            guard let bit = Words.conditions.firstIndex(where: { scanner.equals(range, $0) }) else { return false }
            conditions |= 1 << UInt32(bit)
            return true
        }
        store(conditions, at: 56)
    }

    private mutating func readBook() throws(EventTextError) {
        var levels: [hub_level] = []
        var counts = [0, 0]
        for (side, name) in ["bids", "asks"].enumerated() {
            guard let member = find(name) else { throw missing(name) }
            guard case .list(let start) = member.value else {
                throw wrong(member, name, "expected a list of [price, size, orders?]")
            }
            try scanner.forEach(listAt: start) { (scanner, value, place) throws(EventTextError) in
                guard case .list(let inner) = value else {
                    throw scanner.fault("\(name): expected [price, size, orders?]", at: place)
                }
                var level = hub_level()
                var parts = 0
                try scanner.forEach(listAt: inner) { (scanner, value, place) throws(EventTextError) in
                    guard case .number(let range) = value, let number = scanner.number(range),
                        parts == 0 || number >= 0, parts < 2 || number == number.rounded() && number < 4e9, parts < 3
                    else { throw scanner.fault("\(name): expected [price, size, orders?]", at: place) }
                    switch parts {
                    case 0: level.price = number
                    case 1: level.size = number
                    default: level.orders = UInt32(number)
                    }
                    parts += 1
                }
                guard parts >= 2 else { throw scanner.fault("\(name): expected [price, size, orders?]", at: place) }
                levels.append(level)
                counts[side] += 1
            }
        }
        guard levels.count <= Int(HUB_BOOK_MAX_LEVELS) else {
            throw missingRoom(levels.count)
        }
        let bytes = 40 + levels.count * MemoryLayout<hub_level>.size
        let lines = (bytes + Int(HUB_LINE) - 1) / Int(HUB_LINE)
        record.append(contentsOf: repeatElement(0, count: (lines - 1) * Int(HUB_LINE)))
        record[0] = UInt8(lines)
        store(UInt16(counts[0]), at: 32)
        store(UInt16(counts[1]), at: 34)
        for (index, level) in levels.enumerated() { store(level, at: 40 + index * MemoryLayout<hub_level>.size) }
    }

    private func missingRoom(_ count: Int) -> EventTextError {
        EventTextError(column: 1, "a book has at most \(HUB_BOOK_MAX_LEVELS) levels, found \(count)")
    }

    private mutating func readBar() throws(EventTextError) {
        guard let member = find("interval") else { throw missing("interval") }
        guard let interval = Interval(try text(member, "interval")) else {
            throw wrong(member, "interval", "expected \(Interval.allCases.map(\.text).joined(separator: " "))")
        }
        store(interval.rawValue, at: 32)
        let state = try word("state") { Words.barState($0) } ?? UInt8(HUB_BAR_CLOSED)
        if Int(state) == HUB_BAR_FORMING, let member = find("state") {
            throw wrong(member, "state", "a bar that is not over is no event; expected closed or revised")
        }
        store(state, at: 36)
        store(try word("built_from") { Words.builtFrom($0) } ?? UInt8(HUB_BUILT_FROM_PROVIDER), at: 37)
        store(UInt16(try whole("revision", through: 65535) ?? 0), at: 38)
        store(try whole("count") ?? 0, at: 88)
        store(try whole("first_seq") ?? 0, at: 96)
        store(try whole("last_seq") ?? 0, at: 104)
        let (open, high, low, close) = (number(at: 40), number(at: 48), number(at: 56), number(at: 64))
        guard high >= low, max(open, close) <= high, min(open, close) >= low else {
            throw EventTextError(
                column: 1,
                "open \(NumberText.text(open)) and close \(NumberText.text(close)) are not within low "
                    + "\(NumberText.text(low)) and high \(NumberText.text(high))")
        }
        if number(at: 80).isNaN, let member = find("vwap"), case .number(let range) = member.value,
            let average = scanner.number(range)
        {
            store(average * number(at: 72), at: 80)
        }
    }

    // MARK: Times

    private func time(_ member: ObjectScanner.Member) throws(EventTextError) -> Int64 {
        switch member.value {
        case .number(let range):
            guard let value = scanner.integer(range) else { break }
            // Seconds or milliseconds taken for microseconds would end in 1970.
            guard value == 0 || value.magnitude >= 10_000_000_000_000 else {
                throw wrong(member, "time", "expected microseconds since 1970, at least 14 digits")
            }
            let (nanoseconds, overflow) = value.multipliedReportingOverflow(by: 1000)
            guard !overflow else { break }
            return nanoseconds
        case .text(let range, false):
            if let value = scanner.integer(range) { return value }
            if let value = TimeText.nanoseconds(iso: UnsafeRawBufferPointer(rebasing: scanner.bytes[range])) {
                return value
            }
        default: break
        }
        throw wrong(
            member, "time", "expected microseconds since 1970, a text of nanoseconds, or 2025-01-06T14:35:00.123456789Z"
        )
    }
}

extension TimeText {
    /// Reads `2025-01-06T14:35:00.123456789Z`, with up to nine decimals; `nil` for anything else and outside 1678 to 2262.
    public static func nanoseconds(iso text: UnsafeRawBufferPointer) -> Int64? {
        func digits(_ from: Int, _ count: Int) -> Int64? {
            var value: Int64 = 0
            for index in from..<(from + count) {
                let digit = text[index] &- 48
                guard digit < 10 else { return nil }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        guard text.count >= 20, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            text[10] == UInt8(ascii: "T"), text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            text[text.count - 1] == UInt8(ascii: "Z"), let year = digits(0, 4), let month = digits(5, 2),
            let day = digits(8, 2), let hour = digits(11, 2), let minute = digits(14, 2), let second = digits(17, 2),
            (1678...2261).contains(year), hour < 24, minute < 60, second < 60
        else { return nil }
        let date = CivilDate(year: year, month: month, day: day)
        guard CivilDate(day: date.dayNumber) == date else { return nil }
        var fraction: Int64 = 0
        if text.count > 20 {
            let places = text.count - 21
            guard text[19] == UInt8(ascii: "."), (1...9).contains(places), let value = digits(20, places) else {
                return nil
            }
            fraction = value
            for _ in places..<9 { fraction *= 10 }
        }
        return (date.dayNumber * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000_000 + fraction
    }
}
