/// One value of a series, as it goes into a record.
struct SeriesValue: BitwiseCopyable, Sendable {
    /// Open of the bar the value belongs to.
    var time: Int64
    /// `seq` of the bar that made the value: its own, or that of the revised bar before it.
    var cause: UInt64
    /// Of the bar the value belongs to.
    var revision: UInt16
    var computed: Computed
}

/// Why a bar or a saved state was not taken.
enum TimelineError: Error, Equatable {
    /// The bar is older than the ones whose states are kept; values after it stand as they are.
    case tooOld
    /// Of a saved state: which part of it is impossible.
    case unreadable(String)
}

/// The newest bars of one series and, for each, the state of the indicator before it.
///
/// A new bar takes one step. A revised one (or one that comes in between) goes back to the state before it and steps
/// through it and all bars after it, so the values are those that would have come had it been right at once. That
/// reaches back `depth` bars; only closes are kept for longer, as many as the indicator's window needs.
///
/// A handle to memory outside Swift's reference counting: copies share it, `deallocate()` ends it. Not thread-safe.
struct Timeline<Formula: Recurrence>: BitwiseCopyable {
    /// Bars that can still be revised.
    static var depth: Int { 16 }
    /// Most values one bar can lead to.
    static var maximumValues: Int { depth }

    private static var stateSlots: Int { 32 }
    private static var stateMask: Int { stateSlots - 1 }
    private static var barMask: Int { depth - 1 }

    /// Bars taken so far.
    private let countCell: UnsafeMutablePointer<Int>
    /// Before bar i: slot i of a ring that holds `depth` + 1 of them, and has room for a power of two.
    private let states: UnsafeMutablePointer<Formula>
    private let bars: UnsafeMutablePointer<BarInput>
    private let closes: UnsafeMutablePointer<Double>
    private let closeMask: Int
    private let lookback: Int
    private let parameters: Formula.Parameters

    var count: Int { countCell.pointee }

    init(_ parameters: Formula.Parameters) {
        self.parameters = parameters
        lookback = Formula.lookback(parameters)
        let closeSlots = lookback == 0 ? 1 : (lookback + Self.depth + 1).roundedUpToPowerOfTwo
        closeMask = closeSlots - 1
        countCell = .allocate(capacity: 1)
        countCell.initialize(to: 0)
        states = .allocate(capacity: Self.stateSlots)
        states.initialize(repeating: Formula(), count: Self.stateSlots)
        bars = .allocate(capacity: Self.depth)
        let none = BarInput(
            time: 0, cause: 0, revision: 0, high: 0, low: 0, close: 0, volume: 0, notional: 0)
        bars.initialize(repeating: none, count: Self.depth)
        closes = .allocate(capacity: closeSlots)
        closes.initialize(repeating: .nan, count: closeSlots)
    }

    func deallocate() {
        countCell.deallocate()
        states.deallocate()
        bars.deallocate()
        closes.deallocate()
    }

    /// Takes a closed or revised bar and writes the values that follow from it, oldest first.
    ///
    /// - Parameter values: room for `maximumValues`.
    /// - Returns: how many were written.
    @inline(__always)
    func update(_ bar: BarInput, into values: UnsafeMutablePointer<SeriesValue>) throws(TimelineError)
        -> Int
    {
        let count = countCell.pointee
        if count > 0 && bar.time <= bars[(count - 1) & Self.barMask].time {
            return try revise(bar, into: values)
        }
        keep(bar, at: count)
        countCell.pointee = count + 1
        values[0] = step(count, cause: bar.cause)
        return 1
    }

    /// The value a forming bar would have now; nil for one that is older than the newest closed bar.
    @inline(__always)
    func peek(_ bar: BarInput) -> SeriesValue? {
        var index = countCell.pointee
        if index > 0 {
            let newest = bars[(index - 1) & Self.barMask].time
            if bar.time < newest { return nil }
            if bar.time == newest { index -= 1 }
        }
        var state = states[index & Self.stateMask]
        let leaving = closes[(index - lookback) & closeMask]
        let computed = state.step(bar, index: index, leaving: leaving, parameters)
        return SeriesValue(
            time: bar.time, cause: bar.cause, revision: UInt16(truncatingIfNeeded: bar.revision),
            computed: computed)
    }

    @inline(never)
    private func revise(_ bar: BarInput, into values: UnsafeMutablePointer<SeriesValue>)
        throws(TimelineError) -> Int
    {
        var count = countCell.pointee
        let oldest = max(0, count - Self.depth)
        var position = count - 1
        while position > oldest && bars[position & Self.barMask].time > bar.time { position -= 1 }
        let found = bars[position & Self.barMask].time
        if found != bar.time {
            if found < bar.time { position += 1 }
            // One more bar: the oldest of a full ring falls out, so the new one must not be that.
            guard position > count - Self.depth else { throw .tooOld }
            makeRoom(at: position, count: count)
            count += 1
            countCell.pointee = count
        }
        keep(bar, at: position)
        for index in position..<count {
            values[index - position] = step(index, cause: bar.cause)
        }
        return count - position
    }

    /// Steps from the state before bar `index` through it.
    @inline(__always)
    private func step(_ index: Int, cause: UInt64) -> SeriesValue {
        var state = states[index & Self.stateMask]
        let bar = bars[index & Self.barMask]
        let leaving = closes[(index - lookback) & closeMask]
        let computed = state.step(bar, index: index, leaving: leaving, parameters)
        states[(index + 1) & Self.stateMask] = state
        return SeriesValue(
            time: bar.time, cause: cause, revision: UInt16(truncatingIfNeeded: bar.revision),
            computed: computed)
    }

    @inline(__always)
    private func keep(_ bar: BarInput, at index: Int) {
        bars[index & Self.barMask] = bar
        closes[index & closeMask] = bar.close
    }

    private func makeRoom(at position: Int, count: Int) {
        var index = count
        while index > position {
            bars[index & Self.barMask] = bars[(index - 1) & Self.barMask]
            closes[index & closeMask] = closes[(index - 1) & closeMask]
            index -= 1
        }
    }
}

// MARK: - Saved state

extension Timeline {
    /// Appends everything a later run needs to go on as if it had never stopped: the count, then the states, bars and
    /// closes still of use, oldest first, as they lie in memory (little-endian, no padding).
    func save(to bytes: inout [UInt8]) {
        let count = countCell.pointee
        bytes.append(raw: UInt64(count))
        for index in (count - keptBars(count))...count {
            bytes.append(raw: states[index & Self.stateMask])
        }
        for index in (count - keptBars(count))..<count { bytes.append(raw: bars[index & Self.barMask]) }
        for index in (count - keptCloses(count))..<count {
            bytes.append(raw: closes[index & closeMask])
        }
    }

    /// Replaces the state by a saved one; on an error it is as it was.
    func load(_ bytes: UnsafeRawBufferPointer) throws(TimelineError) {
        guard bytes.count >= 8 else { throw .unreadable("it ends within its count of bars") }
        guard let count = Int(exactly: bytes.loadUnaligned(as: UInt64.self)), count < 1 << 48 else {
            throw .unreadable("its count of bars is impossible")
        }
        let expected =
            8 + (keptBars(count) + 1) * MemoryLayout<Formula>.size
            + keptBars(count) * MemoryLayout<BarInput>.size + keptCloses(count)
            * MemoryLayout<Double>.size
        guard bytes.count == expected else {
            throw .unreadable("for \(count) bars it should have \(expected) bytes and has \(bytes.count)")
        }
        let barsOffset = 8 + (keptBars(count) + 1) * MemoryLayout<Formula>.size
        var previous = Int64.min
        for index in 0..<keptBars(count) {
            let time = bytes.loadUnaligned(
                fromByteOffset: barsOffset + index * MemoryLayout<BarInput>.size, as: BarInput.self
            ).time
            guard time > previous else { throw .unreadable("its bars are not in the order of time") }
            previous = time
        }
        var offset = 8
        func next<Value: BitwiseCopyable>(_ type: Value.Type) -> Value {
            defer { offset += MemoryLayout<Value>.size }
            return bytes.loadUnaligned(fromByteOffset: offset, as: type)
        }
        for index in (count - keptBars(count))...count {
            states[index & Self.stateMask] = next(Formula.self)
        }
        for index in (count - keptBars(count))..<count {
            bars[index & Self.barMask] = next(BarInput.self)
        }
        for index in (count - keptCloses(count))..<count {
            closes[index & closeMask] = next(Double.self)
        }
        countCell.pointee = count
    }

    private func keptBars(_ count: Int) -> Int { min(count, Self.depth) }

    private func keptCloses(_ count: Int) -> Int {
        lookback == 0 ? 0 : min(count, lookback + Self.depth)
    }
}

extension Int {
    fileprivate var roundedUpToPowerOfTwo: Int {
        self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}

extension [UInt8] {
    mutating func append<Value: BitwiseCopyable>(raw value: Value) {
        Swift.withUnsafeBytes(of: value) { append(contentsOf: $0) }
    }
}
