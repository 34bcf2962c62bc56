import JSONReading
import VendorKit

extension FinnhubReplies {
    /// `/company-news` and `/news`, newest first.
    static func news(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> [NewsItem] {
        try read(bytes, scratch) { reader in
            var items: [NewsItem] = []
            try reader.enterArray()
            while try reader.nextElement() {
                var item = NewsItem()
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    switch key {
                    case "id":
                        if try reader.kind() == .text {
                            item.identifier = try reader.text().string
                        } else if let number = try reader.integerIfAny() {
                            item.identifier = String(number)
                        }
                    case "datetime": item.timeNanoseconds = VendorTime.seconds(try reader.numberOrNaN())
                    case "headline": item.headline = try text(&reader) ?? ""
                    case "summary": item.summary = try text(&reader)
                    case "url": item.url = try text(&reader) ?? ""
                    case "image": item.image = try text(&reader)
                    case "source": item.publisher = try text(&reader)
                    case "related":
                        item.symbols = try text(&reader)?.split(separator: ",").map(String.init) ?? []
                    default: try reader.skip()
                    }
                }
                items.append(item)
            }
            // Said to be newest first; where it is not, the promise is ours.
            return items.sorted { $0.timeNanoseconds > $1.timeNanoseconds }
        }
    }

    /// `/news-sentiment`; `nil` = nothing is known.
    static func sentiment(_ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch) throws -> SentimentAnswer? {
        try read(bytes, scratch) { reader in
            var answer = SentimentAnswer()
            var isKnown = false
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "buzz":
                    guard try reader.enterObjectIfAny() else { continue }
                    while let key = try reader.nextKey() {
                        if key == "articlesInLastWeek" {
                            answer.articles = try reader.integerIfAny()
                        } else {
                            try reader.skip()
                        }
                    }
                case "sentiment":
                    guard try reader.enterObjectIfAny() else { continue }
                    isKnown = true
                    while let key = try reader.nextKey() {
                        switch key {
                        // Shares of one, in spite of their names.
                        case "bullishPercent": answer.bullishPercent = percent(try reader.numberOrNaN())
                        case "bearishPercent": answer.bearishPercent = percent(try reader.numberOrNaN())
                        default: try reader.skip()
                        }
                    }
                case "companyNewsScore":
                    let score = try reader.numberOrNaN()
                    answer.score = score.isFinite ? score : nil
                default: try reader.skip()
                }
            }
            return isKnown ? answer : nil
        }
    }

    /// `/stock/market-status`.
    static func marketStatus(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, venue: String
    ) throws -> MarketStatusAnswer {
        try read(bytes, scratch) { reader in
            var status = MarketStatusAnswer()
            status.venue = venue
            var session: String?
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "isOpen": status.isOpen = try reader.flagIfAny() ?? false
                case "session": session = try text(&reader)
                case "timezone": status.timezone = try text(&reader)
                case "holiday": status.holiday = try text(&reader)
                case "t": status.timeNanoseconds = VendorTime.seconds(try reader.numberOrNaN())
                default: try reader.skip()
                }
            }
            status.phase =
                switch session {
                case "pre-market": "pre"
                case "regular": "open"
                case "post-market": "post"
                default: status.isOpen ? "open" : "closed"
                }
            return status
        }
    }

    /// `/stock/market-holiday`.
    static func holidays(
        _ bytes: UnsafeRawBufferPointer, _ scratch: JSONScratch, venue: String
    ) throws -> [CalendarDay] {
        try read(bytes, scratch) { reader in
            var days: [CalendarDay] = []
            try reader.enterObject()
            while let key = try reader.nextKey() {
                guard key == "data" else {
                    try reader.skip()
                    continue
                }
                guard try reader.enterArrayIfAny() else { continue }
                while try reader.nextElement() {
                    var day = CalendarDay()
                    day.venue = venue
                    try reader.enterObject()
                    while let key = try reader.nextKey() {
                        switch key {
                        case "eventName": day.holiday = try text(&reader)
                        case "atDate": day.date = try text(&reader) ?? ""
                        case "tradingHour": day.hours = try text(&reader)
                        default: try reader.skip()
                        }
                    }
                    // No hours: closed all day.
                    day.isOpen = day.hours != nil
                    if !day.date.isEmpty { days.append(day) }
                }
            }
            return days.sorted { $0.date < $1.date }
        }
    }

    private static func percent(_ share: Double) -> Double? { share.isFinite ? share * 100 : nil }
}
