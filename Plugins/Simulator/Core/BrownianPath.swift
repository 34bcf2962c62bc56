/// Standard Brownian motion as a pure function of (seed, name, time).
///
/// The whole path exists at once: over the root interval [0, 2^62) ns its end is one normal deviate, and every cell of
/// 2^l ns is halved by Lévy's midpoint construction,
///
///     W(middle) = (W(start) + W(end)) / 2 + z(l, cell) * sqrt(2^l ns) / 2,
///
/// where z is the counter-based deviate of that node (Lévy 1948; Glasserman, "Monte Carlo Methods in Financial
/// Engineering", 2004, section 3.1.3, "Brownian bridge construction"). So W at any time costs at most one deviate a level
/// without anything before it being generated: this is what lets a source go on from any position. Read in order
/// of time, a step costs about one deviate, because the nodes above the current cell are kept.
///
/// W is in square roots of seconds and constant inside a leaf of 2^`leafLevel` ns; values at leaf boundaries do not
/// depend on the leaf level. One owner; ``deallocate()`` frees it.
struct BrownianPath {
    static let rootLevel = 62

    private let random: CounterRandom
    let leafLevel: Int
    // W at the start and the end of the current cell, by level.
    private let start: UnsafeMutablePointer<Double>
    private let end: UnsafeMutablePointer<Double>
    private var leaf: UInt64

    init(seed: UInt64, name: String, leafLevel: Int) {
        random = CounterRandom(seed: seed, name: name, purpose: "brownian path")
        self.leafLevel = leafLevel
        start = .allocate(capacity: Self.rootLevel + 1)
        end = .allocate(capacity: Self.rootLevel + 1)
        start.initialize(repeating: 0, count: Self.rootLevel + 1)
        end.initialize(repeating: 0, count: Self.rootLevel + 1)
        end[Self.rootLevel] = random.normal(0) * Self.deviation(Self.rootLevel) * 2
        leaf = 0
        descend(from: Self.rootLevel, reuse: false)
    }

    func deallocate() {
        start.deallocate()
        end.deallocate()
    }

    /// Half the standard deviation of an increment over a cell of 2^level ns.
    @inline(__always)
    private static func deviation(_ level: Int) -> Double {
        // sqrt(2^level * 1e-9) / 2, exactly the same product on every path.
        let half = level >> 1
        let scale = Double(UInt64(1) << UInt64(half)) * 1.5811388300841897e-05
        return level & 1 == 0 ? scale : scale * 1.4142135623730951
    }

    /// W at the start of the leaf that holds a time in ns, from 0 to 2^62 - 1.
    @inline(__always)
    mutating func value(at time: Int64) -> Double {
        let wanted = UInt64(bitPattern: time) >> UInt64(leafLevel)
        if wanted != leaf { move(to: wanted) }
        return start[leafLevel]
    }

    /// W(end) - W(start) of the current cell of a level above the leaves.
    @inline(__always)
    func increment(level: Int) -> Double { end[level] - start[level] }

    /// W at the start of the current cell of a level.
    @inline(__always)
    func cellStart(level: Int) -> Double { start[level] }

    private mutating func move(to wanted: UInt64) {
        let common = UInt64.bitWidth - (wanted ^ leaf).leadingZeroBitCount
        // Below the common ancestor the old and the new leaf lie in different halves. From left to right the middle is
        // known already: it is the end of the left half.
        let forward = wanted > leaf
        leaf = wanted
        descend(from: leafLevel + common, reuse: forward)
    }

    private mutating func descend(from top: Int, reuse: Bool) {
        var level = top
        var known = reuse
        while level > leafLevel {
            let shift = UInt64(level - leafLevel)
            let cell = leaf >> shift
            let middle: Double
            if known {
                middle = end[level - 1]
                known = false
            } else {
                let node = (UInt64(1) << UInt64(Self.rootLevel - level)) | cell
                middle = (start[level] + end[level]) * 0.5 + random.normal(node) * Self.deviation(level)
            }
            let isRight = (leaf >> (shift - 1)) & 1 == 1
            start[level - 1] = isRight ? middle : start[level]
            end[level - 1] = isRight ? end[level] : middle
            level -= 1
        }
    }
}
