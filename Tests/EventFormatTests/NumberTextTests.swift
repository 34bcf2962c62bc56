import EventFormat
import Testing

@Suite("Numbers as text")
struct NumberTextTests {
    /// SplitMix64: the seed alone makes the run.
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// The digits of a decimal without sign, point, leading and trailing zeros, and its exponent.
    private func significant(_ text: String) -> (digits: String, exponent: Int) {
        let unsigned = text.hasPrefix("-") ? String(text.dropFirst()) : text
        let parts = unsigned.split(separator: "e")
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let whole = String(mantissa[0])
        let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
        var digits = Array(whole + fraction)
        var exponent = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.first == "0" && digits.count > 1 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.last == "0" && digits.count > 1 { digits.removeLast() }
        return (String(digits), digits == ["0"] ? 0 : exponent)
    }

    private func check(_ value: Double) {
        let text = NumberText.text(value)
        #expect(Double(text) == value, "\(value.description) became \(text)")
        let ours = significant(text)
        let swifts = significant(value.description)
        #expect(ours == swifts, "\(value.description) became \(text)")
        let magnitude = value.magnitude
        if magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21) {
            #expect(!text.contains("e"), "\(text) needs no exponent")
        }
        #expect(!text.hasSuffix(".0"), "\(text) has a point without need")
    }

    @Test("known numbers are written as ECMAScript writes them")
    func known() {
        let expected: [(Double, String)] = [
            (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (1251.4, "1251.4"), (0.1, "0.1"), (0.0011, "0.0011"),
            (-11.2, "-11.2"), (0.000001, "0.000001"), (0.0000015, "0.0000015"), (1e-7, "1e-7"), (1.5e-7, "1.5e-7"),
            (1e15, "1000000000000000"), (123_456_789_012_345_680, "123456789012345680"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_683_968, "123456789012345680000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0 / 3, "0.3333333333333333"), (100, "100"), (99_999_999, "99999999"), (100_000_000, "100000000"),
            (1_234_567_890_123_456, "1234567890123456"), (0x1p53, "9007199254740992"),
            (12345678.90625, "12345678.90625"),
            (0.00000123, "0.00000123"), (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
        ]
        for (value, text) in expected { #expect(NumberText.text(value) == text) }
    }

    @Test("random doubles read back and have no digit too many")
    func randomDoubles() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of random doubles: \(seed)")
        var random = Random(state: seed)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            if value.isFinite { check(value) }
        }
        for _ in 0..<20_000 { check(Double.random(in: -1e6...1e6, using: &random)) }
    }

    @Test("random decimals of up to 15 digits are written as they were")
    func randomDecimals() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of random decimals: \(seed)")
        var random = Random(state: seed)
        for _ in 0..<40_000 {
            let digits = Int.random(in: 1...15, using: &random)
            var limit: UInt64 = 1
            for _ in 0..<digits { limit *= 10 }
            let number = UInt64.random(in: 0..<limit, using: &random)
            let places = Int.random(in: 0...9, using: &random)
            var text = String(number)
            if places > 0 {
                text = String(repeating: "0", count: max(0, places + 1 - text.count)) + text
                text.insert(".", at: text.index(text.endIndex, offsetBy: -places))
                while text.hasSuffix("0") { text.removeLast() }
                if text.hasSuffix(".") { text.removeLast() }
            }
            guard let value = Double(text) else {
                Issue.record("\(text) is no number")
                continue
            }
            check(value)
            if value == 0 || value >= 1e-6 { #expect(NumberText.text(value) == text) }
        }
    }

    @Test("integers of every length, and the ends of their ranges")
    func integers() {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of integers: \(seed)")
        var random = Random(state: seed)
        var numbers: [Int64] = [0, .min, .max, -1]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            numbers += [power - 1, power, power + 1, -power]
            for _ in 0..<200 { numbers.append(Int64.random(in: 0..<power, using: &random)) }
        }
        var buffer = TextBuffer()
        for number in numbers {
            buffer.clear()
            buffer.append(number)
            #expect(buffer.string == String(number))
        }
        buffer.clear()
        buffer.append(UInt64.max)
        #expect(buffer.string == "18446744073709551615")
    }

    @Test("derived numbers are rounded to their places")
    func rounding() {
        #expect(NumberText.rounded(22_806_511.5 / 18230, places: 6) == 1251.042869)
        #expect(NumberText.rounded(0.28049, places: 4) == 0.2805)
        #expect(NumberText.rounded(-2.5, places: 0) == -3)
        #expect(NumberText.rounded(1e300, places: 6) == 1e300)
        #expect(BarText.volumeWeightedAverage(notional: 10, volume: 0).isNaN)
        #expect(BarText.volumeWeightedAverage(notional: .nan, volume: 5).isNaN)
    }
}
