public import JSONReading

/// The reply that both brokers' histories have: `data.candles`, rows of time, open, high, low, close, volume and perhaps open
/// interest.
public enum CandleReply {
    /// The sound candles of a reply, oldest first, each time once.
    public static func read(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> [Candle] {
        var candles: [Candle] = []
        var reader = JSONReader(bytes, scratch: JSONScratch())
        try reader.enterObject()
        while let key = try reader.nextKey() {
            guard key == "data", try reader.kind() == .object else {
                try reader.skip()
                continue
            }
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "candles", try reader.kind() == .array else {
                    try reader.skip()
                    continue
                }
                try reader.enterArray()
                while try reader.nextElement() {
                    if let candle = try row(&reader), candle.isSound { candles.append(candle) }
                }
            }
        }
        candles.sort { $0.time < $1.time }
        var last: Int64 = .min
        candles.removeAll { candle in
            defer { last = candle.time }
            return candle.time == last
        }
        return candles
    }

    private static func row(_ reader: inout JSONReader) throws(JSONError) -> Candle? {
        guard try reader.enterArrayIfAny() else { return nil }
        var time: Int64?
        var numbers: (Double, Double, Double, Double, Double, Double) = (.nan, .nan, .nan, .nan, 0, .nan)
        var column = 0
        while try reader.nextElement() {
            switch column {
            case 0: time = try reader.textIfAny().flatMap { IndianTime.nanoseconds($0.bytes) }
            case 1: numbers.0 = try reader.numberOrNaN()
            case 2: numbers.1 = try reader.numberOrNaN()
            case 3: numbers.2 = try reader.numberOrNaN()
            case 4: numbers.3 = try reader.numberOrNaN()
            case 5: numbers.4 = try reader.numberOrNaN()
            case 6: numbers.5 = try reader.numberOrNaN()
            default: try reader.skip()
            }
            column += 1
        }
        guard let time else { return nil }
        return Candle(
            time: time, open: numbers.0, high: numbers.1, low: numbers.2, close: numbers.3, volume: numbers.4,
            openInterest: numbers.5)
    }
}
