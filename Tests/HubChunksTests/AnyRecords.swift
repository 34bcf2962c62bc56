import PluginABI

/// Records that no feed would send: each word of a kind behaves in one of many ways, most of them unfriendly.
struct AnyRecords {
    private enum Way: CaseIterable {
        case zero, constant, noise, decimals, decimalsWithOddities, fewWords, manyWords, steps, backwards, extremes,
            oddities, steadyClock, milliseconds, tinyNoise, rareJumps
    }

    private static let odd: [UInt64] = [
        Double.nan.bitPattern, Double.signalingNaN.bitPattern, 0x7ff8_0000_dead_beef, 0xfff0_0000_0000_0001,
        (-0.0).bitPattern, Double.infinity.bitPattern, (-Double.infinity).bitPattern,
        Double.leastNonzeroMagnitude.bitPattern,
        Double.greatestFiniteMagnitude.bitPattern, 1e300.bitPattern, 1e-300.bitPattern, 0.1.bitPattern,
        (0.1 + 0.2).bitPattern, 9_007_199_254_740_993.0.bitPattern, 2_251_799_813_685_248.0.bitPattern,
        (-2_251_799_813_685_247.0).bitPattern, (1.0 / 3).bitPattern, 0, 1, .max, UInt64(Int64.max),
        UInt64(bitPattern: .min), 1 << 56, 1 << 57,
    ]

    /// Lines of the fixed kinds; 0 = as it comes.
    private static let kinds: [(kind: Int, lines: Int)] = [
        (HUB_TRADE, 1), (HUB_QUOTE, 1), (HUB_TICK, 2), (HUB_BOOK, 0), (HUB_BAR, 2), (HUB_VALUE, 0), (HUB_GREEKS, 2),
        (HUB_SIGNAL, 0), (HUB_STATUS, 0), (HUB_GAP, 0), (HUB_CONTROL, 0), (HUB_DEFINE, 0), (77, 1), (255, 3),
    ]

    static func make(_ random: inout SeededGenerator) -> TestRecords {
        var records = TestRecords()
        let (kind, fixed) = kinds[random.below(kinds.count)]
        let counts = [1, 2, 3, 1 + random.below(40), 100 + random.below(100), 1 + random.below(3000)]
        let count = counts[random.below(counts.count)]
        let most = fixed > 0 ? fixed : 1 + random.below(random.oneIn(20) ? 255 : 6)
        let limit = random.oneIn(30) ? 8192 : max(1, min(count, 12_000 / most))
        let isVarying = fixed == 0 && !random.oneIn(3)
        let words = most * 8
        let isTame = random.oneIn(4)
        var ways = (0..<words).map { word in
            isTame && word == 0 ? .constant : Way.allCases[random.below(Way.allCases.count)]
        }
        if random.oneIn(3) { ways[0] = .constant }
        if random.oneIn(3) { ways[3] = .steps }
        var state = (0..<words).map { _ in random.next() >> UInt64(random.below(64)) }
        var place = [Int](repeating: 0, count: words)
        for index in 0..<min(count, limit) {
            let lines = isVarying ? 1 + random.below(most) : most
            records.append(lines: lines, kind: kind) { target in
                for word in 0..<lines * 8 {
                    target[word] = next(ways[word], &state[word], &place[word], index, &random)
                }
            }
        }
        return records
    }

    private static func next(
        _ way: Way, _ state: inout UInt64, _ place: inout Int, _ index: Int, _ random: inout SeededGenerator
    ) -> UInt64 {
        switch way {
        case .zero: return 0
        case .constant: return state
        case .noise: return random.next()
        case .decimals, .decimalsWithOddities:
            if way == .decimalsWithOddities, random.oneIn(10) { return odd[random.below(odd.count)] }
            place += random.below(11) - 5
            let power = [1.0, 100, 10_000, 1e9][Int(state & 3)]
            return (Double(Int(state & 0xffff) + place) / power).bitPattern
        case .fewWords: return (state &* UInt64(random.below(5))) ^ state
        case .manyWords: return (state &* UInt64(random.below(1500))) ^ state
        case .steps:
            state &+= UInt64(random.below(3))
            return state
        case .backwards:
            state &-= UInt64(random.below(1_000_000)) &* 1000
            return state
        case .extremes: return UInt64(bitPattern: [Int64.min, .max, 0, -1, 1][random.below(5)])
        case .oddities: return odd[random.below(odd.count)]
        case .steadyClock:
            state &+= 1_000_000_007
            return state &+ (random.oneIn(50) ? 1 : 0)
        case .milliseconds: return UInt64(1_700_000_000_000 + index * 7 + random.below(20)) * 1_000_000
        case .tinyNoise: return (state & ~0xff) | UInt64(random.below(256))
        case .rareJumps:
            state = random.oneIn(200) ? random.next() : state &+ 1
            return state
        }
    }
}
