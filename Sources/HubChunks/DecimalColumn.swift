/// Doubles that are decimals with few places, as whole numbers of the last place.
///
/// A double is taken so only if that number, divided by the power of ten, gives the same 64 bits again: division is
/// rounded correctly, so the double nearest to a decimal always comes back. (The idea of storing doubles by the decimals
/// they came from is in Afroozeh, Kuffo, Boncz, "ALP: adaptive lossless floating-point compression", SIGMOD 2023; that one
/// multiplies where this one divides.) What is none (NaN with its payload, -0, infinities, full mantissas) is an exception
/// with its own 64 bits.
struct DecimalColumn {
    private var places = 0
    private var order = 0
    private var reference = 0
    private var origin: Int64 = 0
    private var exceptions = 0
    private(set) var bits = Int.max

    static let mostPlaces = 9
    private static let sampled = 64
    /// Of exceptions: each has a place of two bytes; one bit a number tells; all have the same value.
    private static let (listed, mapped, same): (UInt8, UInt8, UInt8) = (1, 2, 4)

    // MARK: Packing

    /// Finds the smallest way of storing the column, and leaves its series in `scratch.series` and the exceptions in
    /// `scratch.places`; nil = too few of its words are decimals.
    static func plan(
        _ column: UnsafePointer<UInt64>, count: Int, reference: Int, scratch: Scratch, other: UnsafePointer<UInt64>?
    ) -> DecimalColumn? {
        guard let places = places(column, count) else { return nil }
        var alone = DecimalColumn()
        alone.places = places
        alone.scale(column, count, scratch)
        // A place of two bytes and a word of eight.
        let extra = alone.exceptions * 80
        let coder = SeriesCoder(scratch: scratch)
        (alone.order, alone.bits) = coder.bestOrder(scratch.series, count: count, orders: 0...1)
        alone.bits += extra
        guard let other else { return alone }
        let scale = DecimalScale(places: places)
        for index in 0..<count {
            scratch.otherSeries[index] =
                scratch.series[index] &+ alone.origin &- scale.wholeOrZero(other[index])
        }
        var related = alone
        related.reference = reference
        related.origin = scratch.otherSeries[0]
        for index in 0..<count { scratch.otherSeries[index] &-= related.origin }
        (related.order, related.bits) = coder.bestOrder(scratch.otherSeries, count: count, orders: 0...1)
        related.bits += extra
        guard related.bits < alone.bits else { return alone }
        scratch.series.update(from: scratch.otherSeries, count: count)
        return related
    }

    /// How many places a sample of the column is stored with in the fewest bits.
    private static func places(_ column: UnsafePointer<UInt64>, _ count: Int) -> Int? {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: mostPlaces + 2) { needing in
            needing.initialize(repeating: 0)
            let step = max(1, count / sampled)
            var looked = 0
            for index in stride(from: 0, to: count, by: step) {
                var places = 0
                while places <= mostPlaces, !DecimalScale(places: places).represents(column[index]) { places += 1 }
                needing[places] += 1
                looked += 1
            }
            var best: (places: Int, bits: Double)?
            var left = looked
            for places in 0...mostPlaces {
                left -= needing[places]
                guard left < looked else { continue }
                // A place more is 3.3 bits in each number; an exception is its own word and place.
                let bits = Double(left) * 80 + Double(looked - left) * Double(places) * 3.33
                if bits < best?.bits ?? .infinity { best = (places, bits) }
            }
            guard let best, best.bits < Double(looked) * 60 else { return nil }
            return best.places
        }
    }

    private mutating func scale(_ column: UnsafePointer<UInt64>, _ count: Int, _ scratch: Scratch) {
        let scale = DecimalScale(places: places)
        let series = scratch.series
        var start = 0
        // An exception repeats the number before it; the first ones that of the first decimal.
        var last: Int64?
        while start < count {
            let size = min(BlockPlan.most, count - start)
            var failures = 0
            for index in start..<start + size {
                let number = scale.whole(column[index])
                series[index] = number
                failures &+= scale.isExact(number, column[index]) ? 0 : 1
            }
            if failures > 0 {
                for index in start..<start + size {
                    if scale.isExact(series[index], column[index]) {
                        if last == nil {
                            for earlier in 0..<index { series[earlier] = series[index] }
                        }
                        last = series[index]
                    } else {
                        series[index] = last ?? 0
                        scratch.places[exceptions] = UInt16(index)
                        exceptions += 1
                    }
                }
            }
            last = failures < size ? series[start + size - 1] : last
            start += size
        }
        origin = series[0]
        for index in 0..<count { series[index] &-= origin }
    }

    func write(_ column: UnsafePointer<UInt64>, count: Int, scratch: Scratch, into writer: inout ByteWriter) {
        writer.reserve(32)
        writer.put(UInt8(places))
        writer.put(UInt8(order | reference << 2))
        writer.putVariable(origin)
        SeriesCoder(scratch: scratch).write(scratch.series, count: count, order: order, into: &writer)
        writer.reserve(16 + count / 8 + exceptions * 10)
        writeExceptions(column, count, scratch.places, &writer)
    }

    private func writeExceptions(
        _ column: UnsafePointer<UInt64>, _ count: Int, _ places: UnsafePointer<UInt16>, _ writer: inout ByteWriter
    ) {
        guard exceptions > 0 else { return writer.put(UInt8(0)) }
        let isMapped = exceptions * 2 > (count + 7) / 8
        let first = column[Int(places[0])]
        let areSame = (0..<exceptions).allSatisfy { column[Int(places[$0])] == first }
        writer.put((isMapped ? Self.mapped : Self.listed) | (areSame ? Self.same : 0))
        writer.putVariable(UInt64(exceptions))
        if isMapped {
            let map = writer.memory + writer.count
            writer.putZeros((count + 7) / 8)
            for index in 0..<exceptions {
                let place = Int(places[index])
                let byte = map.load(fromByteOffset: place >> 3, as: UInt8.self)
                map.storeBytes(of: byte | 1 << UInt8(place & 7), toByteOffset: place >> 3, as: UInt8.self)
            }
        } else {
            for index in 0..<exceptions { writer.put(places[index]) }
        }
        for index in 0..<(areSame ? 1 : exceptions) { writer.put(column[Int(places[index])]) }
    }

    // MARK: Unpacking

    /// - Parameter place: of the column in its line; those before it are unpacked already.
    static func read(
        _ reader: inout ByteReader, count: Int, into column: UnsafeMutablePointer<UInt64>, place: Int, scratch: Scratch
    ) throws(ChunkError) {
        let places = Int(try reader.number(UInt8.self))
        let shape = Int(try reader.number(UInt8.self))
        let (order, reference) = (shape & 3, shape >> 2)
        guard places <= mostPlaces, order <= 1, reference <= place else {
            throw ChunkError(
                "decimals have 0 to 9 places, are of order 0 or 1 and refer to one of \(place) columns before, found "
                    + "\(places) and \(shape)")
        }
        let scale = DecimalScale(places: places)
        let origin = try reader.signedVariable()
        let series = UnsafeMutableRawPointer(column).assumingMemoryBound(to: Int64.self)
        try SeriesCoder(scratch: scratch).read(&reader, count: count, order: order, into: series)
        if reference > 0 {
            let other = UnsafePointer(scratch.column(place - reference))
            for index in 0..<count {
                column[index] = scale.double(series[index] &+ origin &+ scale.wholeOrZero(other[index]))
            }
        } else {
            for index in 0..<count { column[index] = scale.double(series[index] &+ origin) }
        }
        try readExceptions(&reader, count, column)
    }

    private static func readExceptions(
        _ reader: inout ByteReader, _ count: Int, _ column: UnsafeMutablePointer<UInt64>
    ) throws(ChunkError) {
        let form = try reader.number(UInt8.self)
        guard form != 0 else { return }
        let exceptions = Int(truncatingIfNeeded: try reader.variable())
        guard form & ~same == listed || form & ~same == mapped, 1...count ~= exceptions else {
            throw ChunkError("\(count) decimals have \(exceptions) exceptions in form \(form)")
        }
        let isMapped = form & mapped != 0
        let places = try reader.take(isMapped ? (count + 7) / 8 : exceptions * 2)
        let step = form & same != 0 ? 0 : 8
        let values = try reader.take(step == 0 ? 8 : exceptions * 8)
        var index = 0
        func value() -> UInt64 {
            UInt64(littleEndian: values.loadUnaligned(fromByteOffset: index * step, as: UInt64.self))
        }
        if isMapped {
            for byte in 0..<(count + 7) / 8 {
                var map = places.load(fromByteOffset: byte, as: UInt8.self)
                while map != 0 {
                    let place = byte * 8 + map.trailingZeroBitCount
                    map &= map &- 1
                    guard place < count, index < exceptions else { throw misplaced(place, count) }
                    column[place] = value()
                    index += 1
                }
            }
            guard index == exceptions else { throw misplaced(index, count) }
            return
        }
        while index < exceptions {
            let place = Int(UInt16(littleEndian: places.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)))
            guard place < count else { throw misplaced(place, count) }
            column[place] = value()
            index += 1
        }
    }

    @inline(never)
    private static func misplaced(_ place: Int, _ count: Int) -> ChunkError {
        ChunkError("a column of \(count) decimals has an exception too many or too few, or at place \(place)")
    }
}

/// Doubles as whole numbers of a power of ten, and back.
///
/// Rounding adds 1.5 x 2^52 and takes it off again: there doubles are whole numbers, and their low bits are the number. That
/// is two additions, which the compiler does for several doubles at once. It holds below 2^51, beyond which nothing is taken
/// for a decimal.
struct DecimalScale {
    private let power: Double

    private static let shift = 6_755_399_441_055_744.0
    private static let limit = 2_251_799_813_685_248.0

    init(places: Int) {
        var power = 1.0
        for _ in 0..<places { power *= 10 }
        self.power = power
    }

    /// The nearest whole number; of what is too large or no number, anything.
    @inline(__always)
    func whole(_ word: UInt64) -> Int64 {
        let shifted = Double(bitPattern: word) * power + Self.shift
        return Int64(bitPattern: shifted.bitPattern &- Self.shift.bitPattern)
    }

    @inline(__always)
    func double(_ number: Int64) -> UInt64 {
        let shifted = Double(bitPattern: UInt64(bitPattern: number) &+ Self.shift.bitPattern)
        return ((shifted - Self.shift) / power).bitPattern
    }

    /// Whether this number stands for exactly this double.
    @inline(__always)
    func isExact(_ number: Int64, _ word: UInt64) -> Bool {
        (Double(bitPattern: word) * power).magnitude < Self.limit && double(number) == word
    }

    @inline(__always)
    func represents(_ word: UInt64) -> Bool { isExact(whole(word), word) }

    /// As ``whole(_:)``, but 0 for what is too large or no number: the same on every machine.
    @inline(__always)
    func wholeOrZero(_ word: UInt64) -> Int64 {
        (Double(bitPattern: word) * power).magnitude < Self.limit ? whole(word) : 0
    }
}
