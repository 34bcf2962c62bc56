import EventFormat
import HubModel
import Testing

@Suite struct TextTests {
    @Test(
        "durations read to nanoseconds",
        arguments: [
            ("250ms", Int64(250_000_000)), ("10s", 10_000_000_000), ("5m", 300_000_000_000),
            ("24h", 86_400_000_000_000),
            ("90d", 7_776_000_000_000_000), ("2w", 1_209_600_000_000_000), ("1y", 31_536_000_000_000_000),
            ("0", 0),
        ])
    func durations(text: String, nanoseconds: Int64) throws {
        #expect(try ConfiguredDuration(text).nanoseconds == nanoseconds)
        #expect(try ConfiguredDuration(ConfiguredDuration(text).description).nanoseconds == nanoseconds)
    }

    @Test(
        "a duration without a unit, with an unknown one or too long is refused",
        arguments: [
            "10", "", "s", "10 s", "-1s", "1.5h", "10mo", "293y", "99999999999999999999s",
        ])
    func badDurations(text: String) {
        #expect(throws: ValueTextError.self) { try ConfiguredDuration(text) }
    }

    @Test("forever has no length")
    func forever() throws {
        #expect(try ConfiguredDuration("forever").nanoseconds == nil)
        #expect(try ConfiguredDuration("forever").nanosecondsOrMaximum == .max)
    }

    @Test(
        "sizes read to bytes",
        arguments: [
            ("64KiB", Int64(65536)), ("10MB", 10_000_000), ("2GiB", 2_147_483_648),
            ("8GiB", 8_589_934_592), ("512B", 512),
        ])
    func sizes(text: String, bytes: Int64) throws {
        #expect(try ConfiguredSize(text).byteCount == bytes)
        #expect(try ConfiguredSize(ConfiguredSize(text).description).byteCount == bytes)
    }

    @Test(
        "a size without a unit or with an unknown one is refused",
        arguments: ["64", "64K", "GiB", "1.5GiB", "1 GiB", ""])
    func badSizes(text: String) {
        #expect(throws: ValueTextError.self) { try ConfiguredSize(text) }
    }

    @Test("lists split at commas outside parentheses")
    func lists() {
        #expect(
            ListText.split("rsi(14),macd(12,26,9),sma(20)") == ["rsi(14)", "macd(12,26,9)", "sma(20)"])
        #expect(ListText.split("") == [])
        #expect(ListText.split("NSE:A,,NSE:B,") == ["NSE:A", "NSE:B"])
        #expect(ListText.split("a),b(c,d") == ["a)", "b(c,d"])
    }

    // 2025-03-31T12:34:56.789012345Z
    private let now: Int64 = 1_743_424_496_789_012_345

    @Test(
        "time parameters read to nanoseconds",
        arguments: [
            ("1736174100123456", Int64(1_736_174_100_123_456_000)),
            ("10000000000000", 10_000_000_000_000_000),
            ("2025-01-06T14:35:00Z", 1_736_174_100_000_000_000),
            ("2025-01-06T20:05:00.5+05:30", 1_736_174_100_500_000_000),
            ("2025-01-06t14:35:00.1234567899z", 1_736_174_100_123_456_789),
            ("2025-01-06", 1_736_121_600_000_000_000),
            ("1969-12-31T23:59:59Z", -1_000_000_000), ("now", 1_743_424_496_789_012_345),
            ("-30s", 1_743_424_466_789_012_345),
            ("-5m", 1_743_424_196_789_012_345), ("-2h", 1_743_417_296_789_012_345),
            ("-5d", 1_742_992_496_789_012_345),
            ("-2w", 1_742_214_896_789_012_345),
            // 2025-02-28 and 2024-03-31, at the same time of day.
            ("-1mo", 1_740_746_096_789_012_345), ("-1y", 1_711_888_496_789_012_345),
        ])
    func times(text: String, nanoseconds: Int64) throws {
        #expect(try TimeParameter.parse(text, now: now) == nanoseconds)
    }

    @Test(
        "what is not a time is refused",
        arguments: [
            "", "1736174100", "1736174100123", "yesterday", "2025-02-30", "2025-1-6", "2025-01-06T14:35Z",
            "2025-01-06T14:35:00",
            "2025-01-06T25:00:00Z", "2025-01-06T14:35:00+0530", "-5", "-5x", "+5d", "-1000000y",
            "9999999999999999999999",
            "99999999999999999", "2025-01-06T14:35:00.Z", "9999-01-01",
        ])
    func badTimes(text: String) {
        #expect(throws: ValueTextError.self) { try TimeParameter.parse(text, now: now) }
    }

    @Test("integers of fewer than 14 digits are named as what they are")
    func shortIntegers() {
        do {
            _ = try TimeParameter.parse("1736174100123", now: now)
        } catch {
            #expect("\(error)".contains("14 digits"))
        }
    }

    @Test("dates count days both ways and know months and weekdays")
    func dates() throws {
        for number in stride(from: -800_000, through: 800_000, by: 997) {
            #expect(CivilDate(dayNumber: number).dayNumber == Int64(number))
        }
        let date = try #require(CivilDate("2025-01-31"))
        #expect(date.weekday == 4)
        #expect(date.adding(months: 1).text == "2025-02-28")
        #expect(date.adding(months: -11).text == "2024-02-29")
        #expect(date.adding(months: 12).text == "2026-01-31")
        #expect(CivilDate("2025-02-29") == nil)
    }
}
