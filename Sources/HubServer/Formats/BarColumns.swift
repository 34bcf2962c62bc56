import EventFormat
import NIOCore
import TableFormat

/// Rows of `/v1/bars` as an Arrow stream: column by column, but one row after the other is looked at, once.
struct BarColumns: Sendable {
    private let table: BarTable
    private let arrow: ArrowStream

    init(_ table: BarTable) {
        self.table = table
        arrow = ArrowStream(table.columns, timeStyle: table.style)
    }

    /// Rows of a batch: with what is made of them they fit into a core's cache.
    static let batchRows = 8192

    /// Bytes of all batches with what stands around them, before they are made: no batch has more or less for what its rows say.
    var byteCount: Int {
        var text = TextBuffer(capacity: 4096)
        arrow.begin(&text)
        let (full, rest) = table.rows.count.quotientAndRemainder(dividingBy: Self.batchRows)
        var count = text.count + full * byteCount(rows: Self.batchRows) + ArrowStream.endBytes
        if rest > 0 { count += byteCount(rows: rest) }
        return count
    }

    private func byteCount(rows: Int) -> Int {
        let batch = arrow.batch(rows: rows, needs: Nulls(dates: 0).needs)
        return batch.header.count + batch.bodyBytes
    }

    /// The batch of a range of rows, the schema in front of the first and the end behind the last.
    func batch(_ range: Range<Int>) -> ByteBuffer {
        var front = TextBuffer(capacity: 4096)
        if range.lowerBound == 0 { arrow.begin(&front) }
        var nulls = Nulls(dates: table.interval.isDateBased ? 0 : range.count)
        let batch = arrow.batch(rows: range.count, needs: nulls.needs)
        var buffer = ByteBufferAllocator().buffer(
            capacity: front.count + batch.header.count + batch.bodyBytes + ArrowStream.endBytes)
        buffer.writeBytes(front.bytes)
        if !range.isEmpty {
            let place = buffer.writerIndex
            buffer.writeBytes(batch.header)
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: batch.bodyBytes) { room in
                let body = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
                fill(range, batch.rooms(in: body, isCleared: false), &nulls)
                return batch.bodyBytes
            }
            // Now that it is known how many values are missing.
            buffer.setBytes(arrow.batch(rows: range.count, needs: nulls.needs).header, at: place)
        }
        if range.upperBound == table.rows.count {
            var end = TextBuffer(capacity: ArrowStream.endBytes)
            arrow.end(&end)
            buffer.writeBytes(end.bytes)
        }
        return buffer
    }

    /// How many rows lack a value.
    private struct Nulls {
        var dates: Int
        var averages = 0
        var interests = 0
        var flags = 0

        init(dates: Int) { self.dates = dates }

        /// In the order of `BarTable.columns`.
        var needs: [ArrowStream.Need] {
            var needs = [ArrowStream.Need](repeating: .init(), count: 14)
            needs[2] = .init(nulls: dates, hasValidity: true)
            needs[9] = .init(nulls: averages, hasValidity: true)
            needs[10] = .init(nulls: interests, hasValidity: true)
            needs[13] = .init(nulls: flags, hasValidity: true)
            return needs
        }
    }

    private func fill(_ range: Range<Int>, _ rooms: [ArrowStream.Room], _ nulls: inout Nulls) {
        func values<Value>(_ column: Int, _: Value.Type) -> UnsafeMutablePointer<Value> {
            rooms[column].values.assumingMemoryBound(to: Value.self)
        }
        let symbols = values(0, Int32.self)
        let times = values(1, Int64.self)
        let dates = values(2, Int32.self)
        let opens = values(3, Double.self)
        let highs = values(4, Double.self)
        let lows = values(5, Double.self)
        let closes = values(6, Double.self)
        let volumes = values(7, Double.self)
        let counts = values(8, Int64.self)
        let averages = values(9, Double.self)
        let interests = values(10, Double.self)
        let states = values(11, Int32.self)
        let revisions = values(12, Int64.self)
        let flags = values(13, UInt8.self)
        guard let hasDate = rooms[2].validity, let hasAverage = rooms[9].validity,
            let hasInterest = rooms[10].validity, let hasFlag = rooms[13].validity
        else { return }
        let unit = table.style.nanosecondsInArrow
        let isDateBased = table.interval.isDateBased
        nulls.flags = range.count
        table.rows.withUnsafeBufferPointer { rows in
            var group = table.group(of: range.lowerBound)
            for index in range {
                while table.groups[group].end <= index { group += 1 }
                let row = rows.baseAddress! + index
                let at = index - range.lowerBound
                let byte = at >> 3
                let bit = UInt8(1) << UInt8(at & 7)
                let time = row.pointee.time
                symbols[at] = Int32(truncatingIfNeeded: group)
                times[at] = unit == 1 ? time : TimeText.cut(time, by: unit)
                dates[at] = isDateBased ? Int32(CivilDate.day(ofNanoseconds: time)) : 0
                if isDateBased { hasDate[byte] |= bit }
                opens[at] = row.pointee.open
                highs[at] = row.pointee.high
                lows[at] = row.pointee.low
                closes[at] = row.pointee.close
                volumes[at] = row.pointee.volume
                counts[at] = Int64(truncatingIfNeeded: row.pointee.count)
                let average = row.pointee.vwap
                if average.isFinite {
                    averages[at] = average
                    hasAverage[byte] |= bit
                } else {
                    averages[at] = 0
                    nulls.averages += 1
                }
                let interest = row.pointee.openInterest
                if interest.isFinite {
                    interests[at] = interest
                    hasInterest[byte] |= bit
                } else {
                    interests[at] = 0
                    nulls.interests += 1
                }
                states[at] = row.pointee.state.number
                revisions[at] = Int64(row.pointee.revision)
                if row.pointee.isSimulated {
                    flags[byte] |= bit
                    hasFlag[byte] |= bit
                    nulls.flags -= 1
                }
            }
        }
    }
}

extension BarRow.State {
    /// Its place among all states, as the dictionary has them.
    fileprivate var number: Int32 {
        switch self {
        case .closed: 0
        case .revised: 1
        case .forming: 2
        case .filled: 3
        }
    }
}

extension TimeStyle {
    /// Nanoseconds in the unit of Arrow's times.
    fileprivate var nanosecondsInArrow: Int64 {
        switch self {
        case .microseconds: 1000
        case .milliseconds: 1_000_000
        case .seconds: 1_000_000_000
        case .nanoseconds, .iso: 1
        }
    }
}
