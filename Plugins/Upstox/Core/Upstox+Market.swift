import IndianMarkets
import JSONReading
import PluginKit

extension Upstox {
    // MARK: Market status

    func askStatus(_ query: Query) throws {
        guard headers != nil else {
            throw PluginError(.authentication, "Upstox needs a login: hub auth, or access_token")
        }
        guard let venue = IndianVenue(rawValue: query.text), venue != .nco else {
            throw PluginError(.unsupported, "Upstox does not know the state of \(query.text)")
        }
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/v2/market/status/\(venue.rawValue)", headers: headers ?? [],
                rateClass: Rate.second), .status(query: query.identifier, venue: venue.rawValue))
    }

    func takeStatus(_ body: UnsafeRawBufferPointer, _ query: UInt64, _ venue: String, _ now: Now) throws {
        var status = ""
        var updated: Int64 = 0
        try read(body) { (reader) throws(JSONError) in
            guard try reader.enterObjectIfAny() else { return }
            while let key = try reader.nextKey() {
                switch key {
                case "status": status = try reader.textIfAny()?.string ?? ""
                case "last_updated": updated = UpstoxFeed.nanoseconds(try reader.integerIfAny() ?? 0)
                default: try reader.skip()
                }
            }
        }
        guard let phase = MarketPhases.states.first(where: { $0.word == status })?.phase else {
            throw PluginError(
                .protocolViolation, "Upstox says that \(venue) is '\(status.prefix(40))', which is no state")
        }
        let time = (updated > 0 ? updated : now.wallNanoseconds) / 1000
        try host.answer(
            query,
            json: #"[{"venue":"\#(venue)","phase":"\#(MarketPhases.word(phase))","open":\#(phase == .open),"#
                + #""time":\#(time),"timezone":"Asia/Kolkata"}]"#)
        host.answered(query)
    }

    // MARK: Holidays

    func askHolidays(_ query: Query) throws {
        guard let venue = IndianVenue(rawValue: query.text) else {
            throw PluginError(.unsupported, "Upstox has no holidays of \(query.text)")
        }
        try send(
            HTTPRequest(
                url: "\(settings.restURL)/v2/market/holidays",
                headers: headers ?? [(name: "Accept", value: "application/json")], rateClass: Rate.second),
            .holidays(
                query: query.identifier, venue: venue.rawValue, from: query.fromNanoseconds ?? .min,
                to: query.toNanoseconds ?? .max))
    }

    func takeHolidays(_ body: UnsafeRawBufferPointer, _ query: UInt64, _ venue: String, _ from: Int64, _ to: Int64)
        throws
    {
        var rows: [String] = []
        try read(body) { (reader) throws(JSONError) in
            guard try reader.enterArrayIfAny() else { return }
            while try reader.nextElement() {
                guard try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                let day = try UpstoxHoliday(&reader)
                guard let time = IndianTime.nanoseconds(day.date), time >= from, time < to,
                    let row = day.row(venue: venue)
                else { continue }
                rows.append(row)
            }
        }
        try host.answer(query, json: "[\(rows.joined(separator: ","))]")
        host.answered(query)
    }

    /// Reads `data` of a reply.
    private func read(
        _ body: UnsafeRawBufferPointer, _ data: (inout JSONReader) throws(JSONError) -> Void
    ) throws {
        var reader = JSONReader(body, scratch: JSONScratch())
        do throws(JSONError) {
            try reader.enterObject()
            while let key = try reader.nextKey() {
                if key == "data" { try data(&reader) } else { try reader.skip() }
            }
        } catch {
            throw PluginError(.protocolViolation, "a reply of Upstox cannot be read: \(error)")
        }
    }
}

/// One day of the holidays that is not like others.
struct UpstoxHoliday {
    var date = ""
    var description = ""
    var closed: [String] = []
    var open: [(exchange: String, start: Int64, end: Int64)] = []

    /// Reads one.
    init(_ reader: inout JSONReader) throws(JSONError) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
            switch key {
            case "date": date = try reader.textIfAny()?.string ?? ""
            case "description": description = try reader.textIfAny()?.string ?? ""
            case "closed_exchanges":
                guard try reader.enterArrayIfAny() else { continue }
                while try reader.nextElement() {
                    if let name = try reader.textIfAny() { closed.append(name.string) }
                }
            case "open_exchanges":
                guard try reader.enterArrayIfAny() else { continue }
                while try reader.nextElement() {
                    guard try reader.enterObjectIfAny() else { continue }
                    var hours = (exchange: "", start: Int64(0), end: Int64(0))
                    while let key = try reader.nextKey() {
                        switch key {
                        case "exchange": hours.exchange = try reader.textIfAny()?.string ?? ""
                        case "start_time": hours.start = try reader.integerIfAny() ?? 0
                        case "end_time": hours.end = try reader.integerIfAny() ?? 0
                        default: try reader.skip()
                        }
                    }
                    open.append(hours)
                }
            default: try reader.skip()
            }
        }
    }

    /// As `/v1/market/calendar` has it; nil = it is a day like others there. The vendor's word for the kind of day misleads:
    /// a trading holiday may have everything open.
    func row(venue: String) -> String? {
        let isClosed = closed.contains(venue)
        let hours = open.filter { $0.exchange == venue && $0.end > $0.start && $0.start > 0 }
        guard isClosed || !hours.isEmpty else { return nil }
        let sessions = hours.map {
            #"{"phase":"open","from":\#($0.start.multipliedReportingOverflow(by: 1000).partialValue),"#
                + #""to":\#($0.end.multipliedReportingOverflow(by: 1000).partialValue)}"#
        }
        return #"{"venue":"\#(venue)","date":"\#(UpstoxReply.escaped(date))","open":\#(!hours.isEmpty),"#
            + #""sessions":[\#(sessions.joined(separator: ","))],"holiday":"\#(UpstoxReply.escaped(description))","#
            + #""special":\#(!hours.isEmpty)}"#
    }
}
