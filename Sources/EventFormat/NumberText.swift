/// Doubles as the shortest decimal that reads back to the same double.
///
/// Whole numbers have no point. For 1e-6 ≤ |v| < 1e21 the decimal is written out (`0.000001`,
/// `123456789012345680000`), beyond that with an exponent (`1e-7`, `1.5e+300`), as ECMAScript's `Number::toString`
/// does and RFC 8785 prescribes for canonical JSON. −0 is 0. NaN and infinities have no JSON number: `null` is
/// written for them; callers that leave a field out look first.
public enum NumberText {
    /// No number takes more: sign, 17 digits, 6 leading zeros, point, or 21 digits before it.
    public static let maximumBytes = 32

    /// Writes at most `maximumBytes` at `out` and answers how many.
    @inline(__always)
    public static func write(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = value.magnitude
        // Whole numbers first: sizes and volumes mostly are.
        if magnitude < 1e15, magnitude.rounded(.towardZero) == magnitude {
            let negative = value < 0
            if negative { out[0] = UInt8(ascii: "-") }
            let sign = negative ? 1 : 0
            return sign &+ IntegerText.write(UInt64(magnitude), to: out + sign)
        }
        return writeFraction(value, to: out)
    }

    /// The text of a number, for places where speed does not matter.
    public static func text(_ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: maximumBytes) { room in
            guard let base = room.baseAddress else { return "" }
            let length = write(value, to: base)
            return String(decoding: UnsafeBufferPointer(start: base, count: length), as: UTF8.self)
        }
    }

    /// Rounds to a number of decimal places, 0 to 9, halves away from zero: for derived numbers, so that no binary
    /// dust shows.
    public static func rounded(_ value: Double, places: Int) -> Double {
        let scale = NumberText.powerOfTen(places)
        let scaled = value * scale
        // From 2^53 on a double has no fraction to cut, and the product could overflow.
        guard scaled.magnitude < 0x1p53 else { return value }
        // Half away from zero, without a call: what is cut off is exact.
        let whole = Double(Int64(scaled))
        let cut = scaled - whole
        let rounded = cut >= 0.5 ? whole + 1 : cut <= -0.5 ? whole - 1 : whole
        return (rounded == 0 ? Double(signOf: scaled, magnitudeOf: 0) : rounded) / scale
    }

    @inline(__always)
    static func powerOfTen(_ exponent: Int) -> Double {
        switch exponent {
        case 0: 1
        case 1: 1e1
        case 2: 1e2
        case 3: 1e3
        case 4: 1e4
        case 5: 1e5
        case 6: 1e6
        case 7: 1e7
        case 8: 1e8
        default: 1e9
        }
    }

    private static func writeFraction(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int {
        // A decimal n / 10^k with n below 10^15 that divides back to the value is the only such decimal for that
        // double, and so the shortest: decimals of at most 15 digits never share a double. The product's error is
        // below one half for these n.
        let magnitude = value.magnitude
        if magnitude >= 1e-6 {
            if let length = writeScaled(value, magnitude, scale: 1e2, places: 2, to: out) { return length }
            if let length = writeScaled(value, magnitude, scale: 1e4, places: 4, to: out) { return length }
            if let length = writeScaled(value, magnitude, scale: 1e6, places: 6, to: out) { return length }
            if let length = writeScaled(value, magnitude, scale: 1e9, places: 9, to: out) { return length }
        }
        return writeShortest(value, to: out)
    }

    @inline(__always)
    private static func writeScaled(
        _ value: Double, _ magnitude: Double, scale: Double, places: Int, to out: UnsafeMutablePointer<UInt8>
    ) -> Int? {
        let scaled = (magnitude * scale).rounded(.toNearestOrEven)
        guard scaled < 1e15, scaled / scale == magnitude else { return nil }
        var number = UInt64(scaled)
        var places = places
        while places > 0 {
            let tenth = number / 10
            guard tenth &* 10 == number else { break }
            number = tenth
            places &-= 1
        }
        var at = 0
        if value < 0 {
            out[0] = UInt8(ascii: "-")
            at = 1
        }
        let divisor = integerPowerOfTen(places)
        let whole = number / divisor
        var fraction = number &- whole &* divisor
        at &+= IntegerText.write(whole, to: out + at)
        out[at] = UInt8(ascii: ".")
        var digit = at &+ places
        while digit > at {
            let tenth = fraction / 10
            out[digit] = UInt8(truncatingIfNeeded: fraction &- tenth &* 10) &+ UInt8(ascii: "0")
            fraction = tenth
            digit &-= 1
        }
        return at &+ 1 &+ places
    }

    @inline(__always)
    private static func integerPowerOfTen(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 1
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        default: 1_000_000_000
        }
    }

    /// The general case: Swift's `description` has the shortest digits (SE-0248's successor algorithm); only their
    /// form differs.
    @inline(never)
    private static func writeShortest(_ value: Double, to out: UnsafeMutablePointer<UInt8>) -> Int {
        guard value.isFinite else {
            out[0] = UInt8(ascii: "n")
            out[1] = UInt8(ascii: "u")
            out[2] = UInt8(ascii: "l")
            out[3] = UInt8(ascii: "l")
            return 4
        }
        var decimal = ShortestDecimal()
        var text = value.magnitude.description
        text.withUTF8 { decimal.read($0) }
        var at = 0
        if value < 0 {
            out[0] = UInt8(ascii: "-")
            at = 1
        }
        return at + decimal.write(to: out + at)
    }
}

/// Digits d1 d2 … dn standing for 0.d1d2…dn × 10^point.
private struct ShortestDecimal {
    private var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var count = 0
    private var point = 0

    /// Reads `123.45`, `0.0001`, `5e-324`, `1.7976931348623157e+308`.
    mutating func read(_ text: UnsafeBufferPointer<UInt8>) {
        var seenPoint = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                seenPoint = true
            } else if byte == UInt8(ascii: "e") {
                point += exponent(text, from: index + 1)
                break
            } else {
                if count > 0 || byte != UInt8(ascii: "0") {
                    if count < 24 {
                        withUnsafeMutableBytes(of: &digits) { $0[count] = byte }
                        count += 1
                    }
                    if !seenPoint { point += 1 }
                } else if seenPoint {
                    point -= 1
                }
            }
            index += 1
        }
        withUnsafeBytes(of: &digits) {
            while count > 1 && $0[count - 1] == UInt8(ascii: "0") { count -= 1 }
        }
    }

    private func exponent(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var value = 0
        var negative = false
        for index in start..<text.count {
            switch text[index] {
            case UInt8(ascii: "-"): negative = true
            case UInt8(ascii: "+"): break
            default: value = value * 10 + Int(text[index]) - 48
            }
        }
        return negative ? -value : value
    }

    mutating func write(to out: UnsafeMutablePointer<UInt8>) -> Int {
        let count = self.count
        let point = self.point
        return withUnsafeBytes(of: &digits) { digits -> Int in
            var at = 0
            func put(_ byte: UInt8) {
                out[at] = byte
                at += 1
            }
            if point > 21 || point < -5 {
                put(digits[0])
                if count > 1 {
                    put(UInt8(ascii: "."))
                    for index in 1..<count { put(digits[index]) }
                }
                put(UInt8(ascii: "e"))
                let exponent = point - 1
                put(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
                return at + IntegerText.write(UInt64(exponent.magnitude), to: out + at)
            }
            if point <= 0 {
                put(UInt8(ascii: "0"))
                put(UInt8(ascii: "."))
                for _ in 0..<(-point) { put(UInt8(ascii: "0")) }
                for index in 0..<count { put(digits[index]) }
                return at
            }
            for index in 0..<max(count, point) {
                if index == point { put(UInt8(ascii: ".")) }
                put(index < count ? digits[index] : UInt8(ascii: "0"))
            }
            return at
        }
    }
}
