import EventFormat
import HubModel
import HubRuntime
import HummingbirdCore
import TableFormat

/// `/v1/market/status` and `/v1/market/calendar`: when venues trade.
extension Routes {
    /// Venues whose hours the hub knows.
    private static let venues = [
        "NASDAQ", "NYSE", "ARCA", "AMEX", "NSE", "BSE", "NFO", "BFO", "CDS", "MCX", "FX", "CRYPTO",
    ]
    private static let statusColumns: [TableColumn] = [
        .init("venue", .text), .init("phase", .text), .init("open", .flag), .init("time", .time),
        .init("timezone", .text), .init("date", .date), .init("next_open", .time), .init("next_close", .time),
        .init("holiday", .text), .init("source", .text),
    ]
    private static let calendarColumns: [TableColumn] = [
        .init("venue", .text), .init("date", .date), .init("open", .flag), .init("sessions", .text),
        .init("holiday", .text), .init("special", .flag), .init("source", .text),
    ]
    private static let day: Int64 = 86_400_000_000_000
    private static let mostDays = 10_000

    func addMarket(to table: inout RouteTable) {
        table.get("/v1/market/status") { call in try marketStatus(call) }
        table.get("/v1/market/calendar") { call in try await marketCalendar(call) }
    }

    private func calendar(of venue: String) -> TradingCalendar {
        engine.marketCalendars.calendar(of: venue)
    }

    /// Those with a calendar, and those that a pipeline or an instrument of the hub names.
    private var knownVenues: [String] {
        var venues = Self.venues + engine.configuration.calendars.map(\.venue)
        for symbol in directories.current().symbols { venues.append(symbol.venue) }
        var seen = Set<String>()
        return venues.filter { seen.insert($0).inserted }
    }

    private func venues(_ reader: inout ParameterReader) -> [String]? {
        guard let names = reader.list("venue"), !names.isEmpty else { return nil }
        let known = knownVenues
        for name in names where !known.contains(name) {
            reader.fault(.badParameter, "venue", "expected one of \(known.joined(separator: ", ")), found '\(name)'")
        }
        return names
    }

    // MARK: Status

    private func marketStatus(_ call: Call) throws -> Response {
        var reader = parameters(call)
        let named = venues(&reader)
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        try reader.finish()
        let now = engine.wallNanoseconds
        if let named, named.count == 1, shape == .json {
            var text = TextBuffer(capacity: 512)
            writeStatus(named[0], now, style, to: &text)
            return Reply.json(text)
        }
        let reply = ListReply(call: call, shape: shape, columns: Self.statusColumns, style: style)
        let venues = named ?? knownVenues
        var text = TextBuffer(capacity: 4096)
        for venue in venues {
            writeStatus(venue, now, style, to: &text)
            endRow(shape, &text)
        }
        var meta = listMeta()
        meta.count = venues.count
        return reply.make(rows: text, meta)
    }

    private func endRow(_ shape: TableShape, _ text: inout TextBuffer) {
        guard shape != .json else { return }
        text.append(byte: 10)
        text.truncate(to: text.count)
    }

    private func writeStatus(_ venue: String, _ now: Int64, _ style: TimeStyle, to text: inout TextBuffer) {
        let calendar = calendar(of: venue)
        let phase = calendar.phase(at: now).phase
        let today = calendar.day(containing: now)
        let session = calendar.regularSession(on: today.number)
        text.beginObject()
        text.member("venue", venue)
        text.member("phase", phase.name)
        text.member("open", phase == .open)
        text.member("time", time: now, style: style)
        text.member("timezone", calendar.zone)
        text.member("date", today.date.text)
        if let session {
            text.key("session")
            text.beginObject()
            text.member("open", time: session.from, style: style)
            text.member("close", time: session.to, style: style)
            text.endObject()
        }
        let next = Self.changes(calendar, after: now)
        if let open = next.open { text.member("next_open", time: open, style: style) }
        if let close = next.close { text.member("next_close", time: close, style: style) }
        text.member("holiday", ifPresent: calendar.occasion(on: today.number))
        text.member("source", engine.marketCalendars.origin(of: today.number, venue: venue))
        text.endObject()
    }

    /// When the market opens and closes next; `nil` where it never does. A market that is open over midnight does not close
    /// there.
    static func changes(_ calendar: TradingCalendar, after now: Int64) -> (open: Int64?, close: Int64?) {
        var open: Int64?
        var close: Int64?
        var end: Int64?
        let today = calendar.day(containing: now).number
        walk: for number in (today - 1)..<(today + 21) {
            for session in calendar.sessions(on: number) where session.phase == .open {
                if let before = end, before < session.from {
                    if close == nil, before > now { close = before }
                    end = nil
                }
                if end == nil, open == nil, session.from > now { open = session.from }
                end = session.to
                if open != nil, close != nil { break walk }
            }
        }
        if close == nil, let end, end > now, end < now + 20 * day { close = end }
        return (open, close)
    }

    // MARK: Calendar

    private func marketCalendar(_ call: Call) async throws -> Response {
        var reader = parameters(call)
        let named = venues(&reader)
        if named == nil { reader.fault(.badParameter, "venue", "is missing: a venue such as NSE") }
        let (from, to) = reader.range()
        let shape = try reader.shape(call)
        let style = shape.style(reader.timeStyle())
        let limit = Self.limit(&reader, most: Self.mostDays)
        try reader.finish()
        for venue in named ?? [] { await engine.refreshHolidays(of: venue) }
        let reply = ListReply(call: call, shape: shape, columns: Self.calendarColumns, style: style)
        var text = TextBuffer(capacity: 4096)
        var count = 0
        for venue in named ?? [] {
            let calendar = calendar(of: venue)
            let today = calendar.day(containing: engine.wallNanoseconds).number
            // Dates are meant as dates: 00:00 UTC of them, wherever the venue is.
            let first = from.map { Int(CivilDate.day(ofNanoseconds: $0)) } ?? today
            let last = to.map { Int(CivilDate.day(ofNanoseconds: $0 + Self.day - 1)) } ?? first + 31
            guard last - first <= Self.mostDays else {
                throw Problem(
                    .badRange, "to: the range has \(last - first) days, at most \(Self.mostDays) are answered",
                    faults: [.init("to", "is more than \(Self.mostDays) days after from")])
            }
            for number in first..<max(first, last) where count < limit {
                write(venue, calendar, number, style, to: &text)
                endRow(shape, &text)
                count += 1
            }
        }
        var meta = listMeta()
        meta.count = count
        return reply.make(rows: text, meta)
    }

    private func write(
        _ venue: String, _ calendar: TradingCalendar, _ number: Int, _ style: TimeStyle, to text: inout TextBuffer
    ) {
        let sessions = calendar.sessions(on: number)
        let occasion = calendar.occasion(on: number)
        text.beginObject()
        text.member("venue", venue)
        text.member("date", CivilDate(dayNumber: number).text)
        text.member("open", sessions.contains { $0.phase == .open })
        text.key("sessions")
        text.beginArray()
        for session in sessions {
            text.beginObject()
            text.member("phase", session.phase.name)
            text.member("from", time: session.from, style: style)
            text.member("to", time: session.to, style: style)
            text.endObject()
        }
        text.endArray()
        text.member("holiday", ifPresent: occasion)
        text.member("special", occasion != nil && !sessions.isEmpty)
        text.member("source", engine.marketCalendars.origin(of: number, venue: venue))
        text.endObject()
    }
}
