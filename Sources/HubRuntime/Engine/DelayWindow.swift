import PluginABI

/// How late the newest records of a source were (`received` minus `time`): what `late_after` is compared with.
///
/// Constant memory. One record in 50 ms is enough; those without a time of their own, and a vendor's first state after
/// connecting, say nothing.
struct DelayWindow: Sendable {
    private struct Sample {
        var receivedNanoseconds: Int64 = 0
        var delayNanoseconds: Int64 = 0
    }

    static let spanNanoseconds: Int64 = 5_000_000_000
    static let everyNanoseconds: Int64 = 50_000_000
    /// A slow source is judged by so many, however old they are.
    static let atLeast = 5
    /// Fewer say nothing.
    static let needed = 3
    private static let limit = 128

    private var samples: [Sample] = []
    private var next = 0

    mutating func add(_ record: UnsafePointer<hub_record>) {
        let silent = UInt16(HUB_FLAG_UNTIMED | HUB_FLAG_SNAPSHOT | HUB_FLAG_BACKFILLED)
        guard record.pointee.flags & silent == 0, record.pointee.ts_event != 0 else { return }
        add(receivedNanoseconds: record.pointee.ts_recv, eventNanoseconds: record.pointee.ts_event)
    }

    mutating func add(receivedNanoseconds: Int64, eventNanoseconds: Int64) {
        if let newest = samples.isEmpty ? nil : samples[(next + samples.count - 1) % samples.count],
            receivedNanoseconds >= newest.receivedNanoseconds,
            receivedNanoseconds - newest.receivedNanoseconds < Self.everyNanoseconds
        {
            return
        }
        let (delay, overflow) = receivedNanoseconds.subtractingReportingOverflow(eventNanoseconds)
        guard !overflow else { return }
        let sample = Sample(receivedNanoseconds: receivedNanoseconds, delayNanoseconds: max(0, delay))
        guard samples.count == Self.limit else { return samples.append(sample) }
        samples[next] = sample
        next = (next + 1) % Self.limit
    }

    /// The delay that half of the newest records did not exceed; `nil` where there are too few to say.
    func medianNanoseconds(now: Int64) -> Int64? {
        guard samples.count >= Self.needed else { return nil }
        var delays: [Int64] = []
        for back in 1...samples.count {
            let sample = samples[(next + samples.count - back) % samples.count]
            if back > Self.atLeast, now - sample.receivedNanoseconds > Self.spanNanoseconds { break }
            delays.append(sample.delayNanoseconds)
        }
        delays.sort()
        return delays[(delays.count - 1) / 2]
    }

    /// What was is no longer: another connection may be faster.
    mutating func forget() { self = DelayWindow() }
}
