import Testing

@testable import TACore

struct RevisionTests {
    @Test(
        "after revisions and late bars the values are those of a history that was right at once",
        arguments: everyDefinition)
    func revisionsLeaveNoTrace(definition: String) throws {
        for seed in UInt64(1)...20 {
            var random = Seeded(seed)
            var final = walk(200, using: &random)
            let series = Series(try Definition(parsing: definition), Conventions())
            defer { series.deallocate() }
            // Newest value of each bar, as a client would keep it.
            var kept: [Int64: SeriesValue] = [:]
            func take(_ bar: BarInput) throws -> [SeriesValue] {
                let values = try series.feed(bar)
                for value in values { kept[value.time] = value }
                return values
            }
            var late: [(due: Int, bar: BarInput)] = []
            for index in final.indices {
                for (_, bar) in late.filter({ $0.due == index }) { _ = try take(bar) }
                late.removeAll { $0.due == index }
                if index > 30 && index < 190 && Int.random(in: 0..<10, using: &random) == 0 {
                    late.append((index + Int.random(in: 1...8, using: &random), final[index]))
                    continue
                }
                _ = try take(final[index])
                if Int.random(in: 0..<4, using: &random) == 0 {
                    let old = max(0, index - Int.random(in: 0..<8, using: &random))
                    guard kept[final[old].time] != nil else { continue }
                    final[old].revision += 1
                    final[old].cause = 1000 + UInt64(index)
                    final[old].close += 0.25
                    final[old].high += 0.5
                    final[old].volume += 10
                    let values = try take(final[old])
                    #expect(values.map(\.time) == values.map(\.time).sorted(), "seed \(seed)")
                    #expect(values.first?.time == final[old].time && values.last?.time == final[index].time)
                    #expect(values.allSatisfy { $0.cause == final[old].cause }, "seed \(seed)")
                    #expect(values.first?.revision == UInt16(final[old].revision))
                }
            }
            #expect(late.isEmpty, "seed \(seed)")
            let expected = try run(definition, final)
            #expect(kept.count == expected.count, "seed \(seed)")
            for value in expected {
                #expect(
                    kept[value.time]?.content == value.content, "seed \(seed), bar \(value.time / minute)")
            }
        }
    }

    @Test("a bar older than the ones kept is refused and changes nothing", arguments: everyDefinition)
    func tooOld(definition: String) throws {
        var random = Seeded(7)
        let bars = walk(100, using: &random)
        let series = Series(try Definition(parsing: definition), Conventions())
        defer { series.deallocate() }
        for bar in bars[..<60] { _ = try series.feed(bar) }
        for age in 0..<16 { #expect(try series.feed(bars[59 - age]).count == age + 1) }
        #expect(throws: TimelineError.tooOld) { try series.feed(bars[43]) }
        var between = bars[43]
        between.time += 1
        #expect(throws: TimelineError.tooOld) { try series.feed(between) }
        let expected = try run(definition, bars)
        for (bar, value) in zip(bars[60...], expected[60...]) {
            #expect(try series.feed(bar).map(\.content) == [value.content])
        }
    }

    @Test("the first bars can be revised, and bars before the first can still come")
    func start() throws {
        var random = Seeded(3)
        let bars = walk(12, using: &random)
        for definition in everyDefinition {
            let series = Series(try Definition(parsing: definition), Conventions())
            defer { series.deallocate() }
            var last: [SeriesValue] = []
            for bar in bars.reversed() { last = try series.feed(bar) }
            #expect(last.map(\.content) == (try run(definition, bars)).map(\.content), "\(definition)")
        }
    }

    @Test("a peek has the value the bar would have, and changes nothing", arguments: everyDefinition)
    func peek(definition: String) throws {
        var random = Seeded(11)
        let bars = walk(120, using: &random)
        let expected = try run(definition, bars)
        let series = Series(try Definition(parsing: definition), Conventions())
        defer { series.deallocate() }
        for (bar, value) in zip(bars, expected) {
            var forming = bar
            forming.close += 1
            _ = series.peek(forming)
            #expect(series.peek(bar)?.content == value.content)
            #expect(try series.feed(bar).map(\.content) == [value.content])
            #expect(series.peek(bar)?.content == value.content)
        }
        #expect(series.peek(bars[118]) == nil)
    }

    @Test("a state saved at any bar goes on as if nothing had happened", arguments: everyDefinition)
    func savedState(definition: String) throws {
        var random = Seeded(5)
        let bars = walk(150, using: &random)
        let parsed = try Definition(parsing: definition)
        let conventions = Conventions()
        let expected = try run(definition, bars)
        let first = Series(parsed, conventions)
        defer { first.deallocate() }
        for k in bars.indices {
            _ = try first.feed(bars[k])
            let bytes = SavedState.write(first, parsed, conventions)
            let second = Series(parsed, conventions)
            defer { second.deallocate() }
            try bytes.withUnsafeBytes { try SavedState.read($0, into: second, parsed, conventions) }
            #expect(SavedState.write(second, parsed, conventions) == bytes)
            if k >= 1 {
                #expect(try second.feed(bars[k - 1]).map(\.content) == expected[(k - 1)...k].map(\.content))
            }
            for j in (k + 1)..<min(k + 4, bars.count) where j > k {
                #expect(try second.feed(bars[j]).map(\.content) == [expected[j].content])
            }
        }
    }

    @Test("a saved state of another version, definition, preset or length is refused")
    func foreignState() throws {
        var random = Seeded(9)
        let bars = walk(40, using: &random)
        let definition = try Definition(parsing: "sma(5)")
        let series = Series(definition, Conventions())
        defer { series.deallocate() }
        for bar in bars { _ = try series.feed(bar) }
        let bytes = SavedState.write(series, definition, Conventions())
        func refused(
            _ bytes: [UInt8], as text: String = "sma(5)", _ conventions: Conventions = Conventions()
        ) -> String {
            do {
                let definition = try Definition(parsing: text)
                let other = Series(definition, conventions)
                defer { other.deallocate() }
                try bytes.withUnsafeBytes { try SavedState.read($0, into: other, definition, conventions) }
                return "taken"
            } catch { return "\(error)" }
        }
        #expect(refused(bytes) == "taken")
        #expect(
            refused(bytes, as: "sma(6)").contains(
                "is of sma(5) talib 0, the series computes sma(6) talib 0"))
        #expect(
            refused(bytes, Conventions(preset: .wilder)).contains("the series computes sma(5) wilder"))
        #expect(refused([]).contains("not one of this plugin"))
        var newer = bytes
        newer[2] = 9
        #expect(refused(newer).contains("has version 9, this plugin reads 1"))
        for length in 5..<bytes.count { #expect(refused(Array(bytes[..<length])) != "taken") }
        // The time of the sixth of the 16 bars, which stand before the 21 closes.
        var disordered = bytes
        let time = bytes.count - 21 * 8 - 11 * 64
        disordered.replaceSubrange(time..<(time + 8), with: repeatElement(0xFF, count: 8))
        #expect(refused(disordered).contains("is damaged: its bars are not in the order of time"))
    }
}
