public import EventFormat

extension CivilDate {
    /// The date so many days after 1970-01-01.
    public init(dayNumber: Int) { self.init(day: Int64(dayNumber)) }

    /// Reads `2025-01-06`; `nil` for anything else, also for days that do not exist.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Digits.read(bytes[0..<4]), let month = Digits.read(bytes[5..<7]),
            let day = Digits.read(bytes[8..<10])
        else { return nil }
        self.init(year: Int64(year), month: Int64(month), day: Int64(day))
        guard year >= 1, isValid else { return nil }
    }

    /// 0 is Monday, 6 is Sunday.
    public var weekday: Int {
        // Day 0 was a Thursday.
        Int((dayNumber + 3).flooredRemainder(7))
    }

    /// The date so many months later (earlier if negative); a day the month has not becomes its last.
    public func adding(months: Int) -> CivilDate {
        let total = year * 12 + (month - 1) + Int64(months)
        let first = CivilDate(
            year: total.flooredQuotient(12), month: total.flooredRemainder(12) + 1, day: 1)
        let next = first.month == 12 ? (first.year + 1, Int64(1)) : (first.year, first.month + 1)
        let length = CivilDate(year: next.0, month: next.1, day: 1).dayNumber - first.dayNumber
        return CivilDate(year: first.year, month: first.month, day: Swift.min(day, length))
    }

    /// `2025-01-06`.
    public var text: String {
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}

/// Unsigned decimal digits and nothing else.
enum Digits {
    static func read(_ bytes: some Collection<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var value = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}

extension BinaryInteger {
    /// Division towards negative infinity, by a positive number.
    func flooredQuotient(_ divisor: Self) -> Self {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// What remains of it, never negative.
    func flooredRemainder(_ divisor: Self) -> Self {
        let remainder = self % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
