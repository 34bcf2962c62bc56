/// The newest event time of one kind of record of a stream.
struct Arrival: BitwiseCopyable {
    var newest = Int64.min
    /// How many came behind it in a row.
    var behind: UInt32 = 0

    /// Kinds that are followed: trade, quote, tick and book, which are 1 to 4.
    static let kinds = 4
    /// So many in a row say that it is the newest time which is wrong.
    static let runLimit: UInt32 = 64

    @inline(__always)
    mutating func observe(_ time: Int64) {
        if time >= newest {
            newest = time
            behind = 0
        } else {
            behind &+= 1
            if behind >= Arrival.runLimit {
                newest = time
                behind = 0
            }
        }
    }
}

/// The highest cumulative volume that ticks of a stream had on a date.
struct VolumeMark: BitwiseCopyable {
    var day = DayState.none
    var volume = 0.0
    /// How many came below it in a row.
    var below: UInt32 = 0

    /// So many in a row say that the volume began anew, or that it is the highest which is wrong.
    static let runLimit: UInt32 = 8

    func isFall(_ volume: Double, on day: Int) -> Bool { day == self.day && volume < self.volume }

    mutating func observe(_ volume: Double, on day: Int) {
        if day < self.day || volume.isNaN { return }
        if isFall(volume, on: day) {
            below &+= 1
            if below < VolumeMark.runLimit { return }
        }
        self.day = day
        self.volume = volume
        below = 0
    }
}

/// The price that others are compared with, and the one that differed from it and waits to be confirmed.
///
/// A price out of the band is suspect, but the next one near it is not: a real move costs one flag. Neither holds
/// anything up; last values and bars take both.
struct PriceReference: BitwiseCopyable {
    /// NaN: none yet.
    var last = Double.nan
    /// NaN: nothing waits.
    var doubted = Double.nan

    @inline(__always)
    static func isFar(_ price: Double, from reference: Double, _ band: Double) -> Bool {
        (price - reference).magnitude > band * reference.magnitude
    }

    @inline(__always)
    func isSpike(_ price: Double, _ band: Double) -> Bool {
        guard PriceReference.isFar(price, from: last, band) else { return false }
        return doubted.isNaN || PriceReference.isFar(price, from: doubted, band)
    }

    @inline(__always)
    mutating func observe(_ price: Double, isSuspect: Bool, _ band: Double) {
        if isSuspect {
            // What is suspect for another reason, at an ordinary price, says nothing about prices.
            if price != 0, PriceReference.isFar(price, from: last, band) { doubted = price }
        } else if price.isFinite, price != 0 {
            last = price
            doubted = .nan
        }
    }
}

/// The newest trades of an instrument, each as one number, to find the same one again.
struct Prints: BitwiseCopyable {
    struct Print: BitwiseCopyable {
        var signature: UInt64
        var seq: UInt64
    }

    /// So many are kept.
    static let limit = 128

    private var base: UnsafeMutablePointer<Print>?
    private(set) var count = 0
    private var capacity = 0
    private var next = 0

    init() {}

    /// From the oldest on.
    func print(_ number: Int) -> Print { base.unsafelyUnwrapped[(number + next) % count] }

    @inline(__always)
    mutating func insert(_ print: Print) {
        if count == Prints.limit {
            base.unsafelyUnwrapped[next] = print
            next = next + 1 == Prints.limit ? 0 : next + 1
            return
        }
        if count == capacity { grow() }
        base.unsafelyUnwrapped[count] = print
        count += 1
    }

    /// Whether the trade is among them, and not only from that `seq` on.
    @inline(never)
    func contains(_ signature: UInt64, before seq: UInt64) -> Bool {
        guard let base else { return false }
        for index in 0..<count where base[index].signature == signature && base[index].seq < seq { return true }
        return false
    }

    mutating func free() {
        base?.deallocate()
        self = Prints()
    }

    @inline(never)
    private mutating func grow() {
        capacity = min(Prints.limit, max(16, capacity * 2))
        let larger = UnsafeMutablePointer<Print>.allocate(capacity: capacity)
        if let base {
            larger.moveInitialize(from: base, count: count)
            base.deallocate()
        }
        base = larger
    }
}
