/// Words as whole numbers: what they are above the first one, in units of the greatest number that divides all of that
/// (stamps are often whole milliseconds), or what they are above the words of an earlier column, packed as a series.
///
/// Everything is computed modulo 2^64, so it comes back exactly, whatever the numbers are.
struct IntegerColumn {
    private var order = 0
    private var reference = 0
    private var origin: Int64 = 0
    private var divisor: UInt64 = 1
    private(set) var bits = Int.max

    // MARK: Packing

    /// Finds the smallest way of storing the column, and leaves its series in `scratch.series`.
    ///
    /// - Parameter reference: how many columns back another one stands that this may be close to; 0 = none.
    static func plan(
        _ column: UnsafePointer<UInt64>, count: Int, orders: ClosedRange<Int>, findsDivisor: Bool, reference: Int,
        scratch: Scratch, other: UnsafePointer<UInt64>?
    ) -> IntegerColumn {
        let coder = SeriesCoder(scratch: scratch)
        var alone = IntegerColumn()
        alone.fill(column, count, nil, findsDivisor, scratch.series)
        (alone.order, alone.bits) = coder.bestOrder(scratch.series, count: count, orders: orders)
        guard let other else { return alone }
        var related = IntegerColumn()
        related.reference = reference
        related.fill(column, count, other, findsDivisor, scratch.otherSeries)
        (related.order, related.bits) = coder.bestOrder(scratch.otherSeries, count: count, orders: 0...1)
        guard related.bits < alone.bits else { return alone }
        scratch.series.update(from: scratch.otherSeries, count: count)
        return related
    }

    private mutating func fill(
        _ column: UnsafePointer<UInt64>, _ count: Int, _ other: UnsafePointer<UInt64>?, _ findsDivisor: Bool,
        _ series: UnsafeMutablePointer<Int64>
    ) {
        if let other {
            origin = Int64(bitPattern: column[0] &- other[0])
            for index in 0..<count {
                series[index] = Int64(bitPattern: column[index] &- other[index]) &- origin
            }
        } else {
            origin = Int64(bitPattern: column[0])
            for index in 0..<count { series[index] = Int64(bitPattern: column[index]) &- origin }
        }
        guard findsDivisor else { return }
        divisor = CommonDivisor.of(series, count: count)
        if divisor > 1 { ExactDivision(by: divisor).divide(series, count: count) }
    }

    func write(count: Int, scratch: Scratch, into writer: inout ByteWriter) {
        writer.reserve(32)
        writer.put(UInt8(order | reference << 2))
        writer.putVariable(origin)
        writer.putVariable(divisor)
        SeriesCoder(scratch: scratch).write(scratch.series, count: count, order: order, into: &writer)
    }

    // MARK: Unpacking

    /// - Parameter place: of the column in its line; those before it are unpacked already.
    static func read(
        _ reader: inout ByteReader, count: Int, into column: UnsafeMutablePointer<UInt64>, place: Int, scratch: Scratch
    ) throws(ChunkError) {
        let shape = Int(try reader.number(UInt8.self))
        let (order, reference) = (shape & 3, shape >> 2)
        guard order <= SeriesCoder.highestOrder, reference <= place else {
            throw ChunkError("a column is of order 0 to 2 and refers to one of \(place) before it, found \(shape)")
        }
        let origin = UInt64(bitPattern: try reader.signedVariable())
        let divisor = try reader.variable()
        let series = UnsafeMutableRawPointer(column).assumingMemoryBound(to: Int64.self)
        try SeriesCoder(scratch: scratch).read(&reader, count: count, order: order, into: series)
        if reference > 0 {
            let other = UnsafePointer(scratch.column(place - reference))
            for index in 0..<count { column[index] = column[index] &* divisor &+ origin &+ other[index] }
        } else if divisor == 1 {
            for index in 0..<count { column[index] &+= origin }
        } else {
            for index in 0..<count { column[index] = column[index] &* divisor &+ origin }
        }
    }
}

/// Division of multiples of one number, each by a multiplication: an odd number has an inverse modulo 2^64.
struct ExactDivision {
    private let shift: Int64
    private let inverse: Int64
    private let lowBits: Int64
    private let limit: Int64

    init(by divisor: UInt64) {
        let zeros = divisor.trailingZeroBitCount
        let odd = divisor >> UInt64(zeros)
        // Newton's iteration doubles the right bits each time; an odd number is its own inverse in the lowest three.
        var inverse = odd
        for _ in 0..<5 { inverse = inverse &* (2 &- odd &* inverse) }
        shift = Int64(zeros)
        self.inverse = Int64(bitPattern: inverse)
        lowBits = (1 << shift) - 1
        limit = Int64.max / Int64(divisor)
    }

    @inline(__always)
    private func quotient(_ value: Int64) -> Int64 { (value &>> shift) &* inverse }

    @inline(__always)
    func divides(_ value: Int64) -> Bool {
        let quotient = quotient(value)
        return value & lowBits == 0 && quotient <= limit && quotient >= -limit
    }

    func divide(_ values: UnsafeMutablePointer<Int64>, count: Int) {
        for index in 0..<count { values[index] = quotient(values[index]) }
    }
}

/// The greatest number that divides all of a series.
enum CommonDivisor {
    private static let greatest: UInt64 = 1 << 60

    static func of(_ values: UnsafePointer<Int64>, count: Int) -> UInt64 {
        // A few from all over: where there is no divisor they say so at once.
        var divisor: UInt64 = 0
        for index in stride(from: 0, to: count, by: max(1, count / 16)) {
            divisor = common(divisor, values[index].magnitude)
            if divisor == 1 { return 1 }
        }
        var index = 0
        while index < count {
            if divisor == 0 {
                divisor = values[index].magnitude
            } else {
                guard divisor <= greatest else { return 1 }
                let division = ExactDivision(by: divisor)
                while index < count, division.divides(values[index]) { index += 1 }
                guard index < count else { return divisor }
                divisor = common(divisor, values[index].magnitude)
                if divisor == 1 { return 1 }
            }
            index += 1
        }
        return divisor == 0 || divisor > greatest ? 1 : divisor
    }

    private static func common(_ one: UInt64, _ other: UInt64) -> UInt64 {
        var (one, other) = (one, other)
        while other != 0 { (one, other) = (other, one % other) }
        return one
    }
}
