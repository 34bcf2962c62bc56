import EventFormat

/// Which stretches of which bars were asked for already: what a vendor does not have of them it will not have next time.
struct FetchedRanges: Sendable, Equatable {
    struct Key: Hashable, Sendable {
        var symbol: String
        var interval: Interval
    }

    /// Ascending, apart from each other.
    private(set) var ranges: [Key: [Range<Int64>]] = [:]

    init() {}

    mutating func insert(_ range: Range<Int64>, _ key: Key) {
        guard !range.isEmpty else { return }
        var merged = range
        var kept: [Range<Int64>] = []
        for known in ranges[key] ?? [] {
            if known.upperBound < merged.lowerBound || known.lowerBound > merged.upperBound {
                kept.append(known)
            } else {
                merged = min(known.lowerBound, merged.lowerBound)..<max(known.upperBound, merged.upperBound)
            }
        }
        let place = kept.firstIndex { $0.lowerBound > merged.lowerBound } ?? kept.count
        kept.insert(merged, at: place)
        ranges[key] = kept
    }

    /// What of a range is not there.
    func missing(of range: Range<Int64>, _ key: Key) -> [Range<Int64>] {
        var open: [Range<Int64>] = []
        var start = range.lowerBound
        for known in ranges[key] ?? [] where known.upperBound > start && known.lowerBound < range.upperBound {
            if known.lowerBound > start { open.append(start..<known.lowerBound) }
            start = max(start, known.upperBound)
        }
        if start < range.upperBound { open.append(start..<range.upperBound) }
        return open
    }

    /// Forgets what lies before a time.
    mutating func forget(before time: Int64, _ key: Key) {
        ranges[key] = ranges[key]?.filter { $0.upperBound > time }
    }

    // MARK: Kept

    /// A line for each key: interval, ranges, symbol.
    var text: String {
        ranges.sorted { ($0.key.symbol, $0.key.interval) < ($1.key.symbol, $1.key.interval) }
            .filter { !$0.value.isEmpty }
            .map { key, ranges in
                let list = ranges.map { "\($0.lowerBound):\($0.upperBound)" }.joined(separator: ",")
                return "\(key.interval.text) \(list) \(key.symbol)"
            }
            .joined(separator: "\n")
    }

    /// Lines that cannot be read are passed over: what they said is asked for once more.
    init(text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let interval = Interval(String(parts[0])) else { continue }
            for item in parts[1].split(separator: ",") {
                let ends = item.split(separator: ":").compactMap { Int64($0) }
                guard ends.count == 2, ends[0] < ends[1] else { continue }
                insert(ends[0]..<ends[1], Key(symbol: String(parts[2]), interval: interval))
            }
        }
    }
}
