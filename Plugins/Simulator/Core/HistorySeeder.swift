import PluginKit

/// Bars for the time before the simulator first ran, made in small portions between live events.
///
/// The bars follow the very paths the live prices follow, so the last one connects with the first live price. Minutes
/// go forward, all instruments of a minute together; a portion is a whole number of minutes, fixed by where it begins,
/// so that a source that goes on repeats it exactly.
struct HistorySeeder {
    static let minute: Int64 = 60_000_000_000
    private static let barsInPortion = 64

    private let first: Int64
    private let minutes: UInt32
    private let calendar: SessionCalendar
    private let tradesPerMinute: Double
    private let instruments: UnsafeMutablePointer<SimulatedInstrument>
    private let count: Int
    private let common: UnsafeMutablePointer<BrownianPath>

    private(set) var minutesDone: UInt32
    private var portionEnd: UInt32
    private var nextInstrument = 0
    private var session: (open: Int64, close: Int64)

    /// Takes over `instruments` and `common`, and frees them in ``deallocate()``.
    init(
        first: Int64, minutes: UInt32, done: UInt32, calendar: SessionCalendar, tradesPerMinute: Double,
        instruments: UnsafeMutablePointer<SimulatedInstrument>, count: Int, common: UnsafeMutablePointer<BrownianPath>
    ) {
        self.first = first
        self.minutes = minutes
        self.calendar = calendar
        self.tradesPerMinute = tradesPerMinute
        self.instruments = instruments
        self.count = count
        self.common = common
        minutesDone = done
        portionEnd = done
        session = calendar.session(atOrAfter: first)
    }

    func deallocate() {
        for index in 0..<count { instruments[index].deallocate() }
        instruments.deinitialize(count: count)
        instruments.deallocate()
        common.pointee.deallocate()
        common.deallocate()
    }

    var isDone: Bool { minutesDone >= minutes }

    /// Goes on with the portion; true = it is finished. At most `budget` bars, which is lowered by what was made.
    mutating func portion(_ budget: inout Int, _ output: Output) -> Bool {
        if minutesDone == portionEnd {
            let length = UInt32(max(1, Self.barsInPortion / max(1, count)))
            portionEnd = min(minutes, minutesDone + length)
        }
        while minutesDone < portionEnd {
            let time = first + Int64(minutesDone) * Self.minute
            if time >= session.close { session = calendar.session(atOrAfter: time) }
            if time >= session.open {
                while nextInstrument < count {
                    guard budget > 0 else { return false }
                    let minute = UInt64(bitPattern: time / Self.minute)
                    guard
                        instruments[nextInstrument].bar(
                            open: time, minute: minute, tradesPerMinute: tradesPerMinute, output)
                    else {
                        budget = 0
                        return false
                    }
                    budget -= 1
                    nextInstrument += 1
                }
            }
            nextInstrument = 0
            minutesDone += 1
        }
        return true
    }
}
