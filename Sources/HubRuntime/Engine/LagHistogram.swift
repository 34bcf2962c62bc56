/// How long records were under way (`received` minus `time`), as powers of two of microseconds over the last minute or so.
///
/// Constant memory; old counts are halved once a minute, so that the percentiles follow the present.
package struct LagHistogram: Sendable {
    // Bucket b holds lags below 2^b microseconds; the last one everything above half an hour.
    private var counts = InlineArray<32, UInt32>(repeating: 0)

    package init() {}

    /// Counts one record. Negative lags (clocks that disagree) count as zero.
    package mutating func add(nanoseconds: Int64) {
        let microseconds = UInt64(max(0, nanoseconds) / 1000)
        let bucket = min(31, UInt64.bitWidth - microseconds.leadingZeroBitCount)
        counts[bucket] &+= 1
    }

    /// The lag, in milliseconds, that this share of the records did not exceed, to the next power of two.
    package func percentileMilliseconds(_ share: Double) -> Int64 {
        var total: UInt64 = 0
        for bucket in 0..<32 { total += UInt64(counts[bucket]) }
        guard total > 0 else { return 0 }
        let wanted = UInt64((Double(total) * share).rounded(.up))
        var sum: UInt64 = 0
        for bucket in 0..<32 {
            sum += UInt64(counts[bucket])
            if sum >= wanted { return (Int64(1) << Int64(bucket)) / 1000 }
        }
        return 0
    }

    /// Makes room for the present.
    package mutating func age() {
        for bucket in 0..<32 { counts[bucket] /= 2 }
    }
}
