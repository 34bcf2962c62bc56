import EventFormat
import HubModel

/// Hours of trading as TradingView writes them: `0930-1600:23456`, `24x7`.
enum UDFSession {
    /// Everything from the first phase to the last of an ordinary date, since bars are built from all trades; days 1 (Sunday)
    /// to 7.
    static func text(of calendar: TradingCalendar) -> String {
        // Some date in an ordinary week: the first of the last ten that has sessions.
        let sessions = (ordinaryDate - 10..<ordinaryDate).lazy
            .map { (number: $0, sessions: calendar.sessions(on: $0)) }.first { !$0.sessions.isEmpty }
        guard let (number, list) = sessions, let first = list.first, let last = list.last else { return "24x7" }
        let day = calendar.day(number)
        let length = last.to - first.from
        if length >= day.end - day.start {
            let weekend = (ordinaryDate..<ordinaryDate + 7).contains { calendar.sessions(on: $0).isEmpty }
            return weekend ? "0000-0000:23456" : "24x7"
        }
        return "\(clock(first.from - day.start))-\(clock(last.to - day.start)):23456"
    }

    /// 2024-06-12, a Wednesday without a holiday in either country.
    private static let ordinaryDate = 19886

    private static func clock(_ nanoseconds: Int64) -> String {
        let minutes = Int(nanoseconds / 60_000_000_000)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return two(minutes / 60 % 24) + two(minutes % 60)
    }
}

/// The smallest step of a price as a fraction: `minmov / pricescale`.
struct UDFPriceScale {
    var minimalMovement: Int
    var scale: Int

    /// - Parameter tickSize: NaN or 0 = not known: hundredths.
    init(tickSize: Double) {
        guard tickSize.isFinite, tickSize > 0 else {
            minimalMovement = 1
            scale = 100
            return
        }
        var power = 1
        while power < 1_000_000_000, (tickSize * Double(power)).rounded() / Double(power) != tickSize { power *= 10 }
        minimalMovement = max(1, Int((tickSize * Double(power)).rounded()))
        scale = power
    }
}
