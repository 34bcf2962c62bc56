#if canImport(Glibc)
    import Glibc
#endif

/// The running sum of a compound Poisson process with normal jumps, as a pure function of (seed, name, time).
///
/// Like ``BrownianPath`` it is refined from the root interval [0, 2^62) ns by halving. A cell holds n jumps with the sum
/// s. Of n jumps the number in the left half is binomial(n, 1/2): as many of n random bits as are set. Given that
/// number k, the left half's share of s is normal with mean s k / n and variance d^2 k (n - k) / n, where d is the
/// deviation of one jump. Both are exact properties of the process (Cont and Tankov, "Financial Modelling with Jump
/// Processes", 2004, sections 2.5 and 6.1). The number in the root interval is Poisson; above a mean of 500 it is the
/// rounded normal approximation, which shows in nothing but the count over 146 years.
///
/// The sum is constant inside a leaf. One owner; ``deallocate()`` frees it.
struct JumpPath {
    private struct Cell {
        var jumps: UInt64
        var sum: Double
        var before: Double
    }

    private let random: CounterRandom
    private let leafLevel: Int
    private let deviation: Double
    private let cells: UnsafeMutablePointer<Cell>
    private var leaf: UInt64 = 0

    /// `perYear` jumps a year on average, each normal with the given mean and deviation (of the logarithm of price).
    init(seed: UInt64, name: String, leafLevel: Int, perYear: Double, mean: Double, deviation: Double) {
        random = CounterRandom(seed: seed, name: name, purpose: "jump path")
        self.leafLevel = leafLevel
        self.deviation = deviation
        let root = BrownianPath.rootLevel
        cells = .allocate(capacity: root + 1)
        cells.initialize(repeating: Cell(jumps: 0, sum: 0, before: 0), count: root + 1)
        let years = Double(UInt64(1) << UInt64(root)) * 1e-9 / PriceModel.secondsPerYear
        let jumps = Self.poisson(perYear * years, random)
        cells[root] = Cell(
            jumps: jumps, sum: Double(jumps) * mean + Double(jumps).squareRoot() * deviation * random.normal(2),
            before: 0)
        descend(from: root)
    }

    func deallocate() { cells.deallocate() }

    /// Sum of all jumps before the leaf that holds a time.
    @inline(__always)
    mutating func value(at time: Int64) -> Double {
        let wanted = UInt64(bitPattern: time) >> UInt64(leafLevel)
        if wanted != leaf {
            let common = UInt64.bitWidth - (wanted ^ leaf).leadingZeroBitCount
            leaf = wanted
            descend(from: leafLevel + common)
        }
        return cells[leafLevel].before
    }

    /// Number of jumps in the current cell of a level.
    func jumps(level: Int) -> UInt64 { cells[level].jumps }

    private mutating func descend(from top: Int) {
        var level = top
        while level > leafLevel {
            let cell = cells[level]
            let shift = UInt64(level - leafLevel)
            var left = Cell(jumps: 0, sum: 0, before: cell.before)
            if cell.jumps > 0 {
                let node = ((UInt64(1) << UInt64(BrownianPath.rootLevel - level)) | (leaf >> shift)) &+ 8
                left.jumps = halve(cell.jumps, node)
                left.sum = share(of: cell, left.jumps, node)
            }
            if (leaf >> (shift - 1)) & 1 == 0 {
                cells[level - 1] = left
            } else {
                cells[level - 1] = Cell(
                    jumps: cell.jumps - left.jumps, sum: cell.sum - left.sum, before: cell.before + left.sum)
            }
            level -= 1
        }
    }

    private func halve(_ jumps: UInt64, _ node: UInt64) -> UInt64 {
        var set: UInt64 = 0
        var remaining = jumps
        var word: UInt64 = 1
        while remaining > 0 {
            let count = min(remaining, 64)
            let bits = random.bits(node, word) >> (64 - count)
            set += UInt64(bits.nonzeroBitCount)
            remaining -= count
            word += 1
        }
        return set
    }

    private func share(of cell: Cell, _ left: UInt64, _ node: UInt64) -> Double {
        if left == 0 { return 0 }
        if left == cell.jumps { return cell.sum }
        let all = Double(cell.jumps)
        let part = Double(left)
        return cell.sum * part / all + deviation * (part * (all - part) / all).squareRoot() * random.normal(node)
    }

    private static func poisson(_ mean: Double, _ random: CounterRandom) -> UInt64 {
        if mean > 500 { return UInt64(max(0, (mean + mean.squareRoot() * random.normal(1)).rounded())) }
        // Inversion: the smallest k whose cumulative probability reaches a uniform number.
        let uniform = (Double(random.bits(1) >> 11) + 0.5) * 0x1p-53
        var probability = exp(-mean)
        var cumulative = probability
        var count: UInt64 = 0
        while cumulative < uniform, probability > 0 || Double(count) < mean {
            count += 1
            probability *= mean / Double(count)
            cumulative += probability
        }
        return count
    }
}
