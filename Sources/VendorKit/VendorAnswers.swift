public import EventFormat

/// What vendors say of a company, in the hub's words: an answer of `/v1/profiles`.
public struct ProfileAnswer: Equatable, Sendable {
    public var symbol = ""
    public var name: String?
    public var description: String?
    public var sector: String?
    public var industry: String?
    public var country: String?
    public var exchange: String?
    public var website: String?
    public var employees: Int64?
    /// In units of the currency.
    public var marketCap: Double?
    public var sharesOutstanding: Double?
    /// Date of the listing.
    public var listed: String?
    public var logo: String?
    public var currency: String?

    /// An empty one.
    public init() {}

    /// As `/v1/profiles/{symbol}` answers it; the hub adds who said it and when.
    public var json: String {
        var buffer = TextBuffer()
        buffer.beginObject()
        buffer.member("symbol", symbol)
        buffer.member("name", name ?? symbol)
        buffer.member("description", ifPresent: description)
        buffer.member("sector", ifPresent: sector)
        buffer.member("industry", ifPresent: industry)
        buffer.member("country", ifPresent: country)
        buffer.member("exchange", ifPresent: exchange)
        buffer.member("website", ifPresent: website)
        buffer.member("employees", ifPresent: employees)
        buffer.member("market_cap", ifPresent: marketCap)
        buffer.member("shares_outstanding", ifPresent: sharesOutstanding)
        buffer.member("listed", ifPresent: listed)
        buffer.member("logo", ifPresent: logo)
        buffer.endObject()
        return buffer.string
    }
}

/// One piece of news.
public struct NewsItem: Equatable, Sendable {
    public var identifier = ""
    public var timeNanoseconds: Int64 = 0
    public var headline = ""
    public var summary: String?
    public var url = ""
    public var image: String?
    public var publisher: String?
    public var symbols: [String] = []

    /// An empty one.
    public init() {}

    /// As `/v1/news` answers them.
    public static func json(_ items: [NewsItem]) -> String {
        var buffer = TextBuffer()
        buffer.beginArray()
        for item in items {
            buffer.beginObject()
            buffer.member("id", item.identifier)
            buffer.member("time", time: item.timeNanoseconds, style: .microseconds)
            buffer.member("headline", item.headline)
            buffer.member("summary", ifPresent: item.summary)
            buffer.member("url", item.url)
            buffer.member("image", ifPresent: item.image)
            buffer.member("publisher", ifPresent: item.publisher)
            buffer.member("symbols", item.symbols)
            buffer.endObject()
        }
        buffer.endArray()
        return buffer.string
    }
}

/// What people think of a company.
public struct SentimentAnswer: Equatable, Sendable {
    public var symbol = ""
    public var bullishPercent: Double?
    public var bearishPercent: Double?
    /// From 0 to 1.
    public var score: Double?
    public var articles: Int64?
    public var timeNanoseconds: Int64 = 0

    /// An empty one.
    public init() {}

    /// As `/v1/sentiment/{symbol}` answers it.
    public var json: String {
        var buffer = TextBuffer()
        buffer.beginObject()
        buffer.member("symbol", symbol)
        buffer.member("bullish_percent", ifPresent: bullishPercent)
        buffer.member("bearish_percent", ifPresent: bearishPercent)
        buffer.member("score", ifPresent: score)
        buffer.member("articles", ifPresent: articles)
        buffer.member("time", time: timeNanoseconds, style: .microseconds)
        buffer.endObject()
        return buffer.string
    }
}

/// A venue's state now.
public struct MarketStatusAnswer: Equatable, Sendable {
    public var venue = ""
    /// `pre`, `open`, `post`, `closed`.
    public var phase = "closed"
    public var isOpen = false
    public var timeNanoseconds: Int64 = 0
    public var timezone: String?
    public var holiday: String?
    public var nextOpenNanoseconds: Int64?
    public var nextCloseNanoseconds: Int64?

    /// A closed one.
    public init() {}

    /// As `/v1/market/status` answers them; the hub adds what its own calendar knows.
    public static func json(_ markets: [MarketStatusAnswer]) -> String {
        var buffer = TextBuffer()
        buffer.beginArray()
        for market in markets {
            buffer.beginObject()
            buffer.member("venue", market.venue)
            buffer.member("phase", market.phase)
            buffer.member("open", market.isOpen)
            buffer.member("time", time: market.timeNanoseconds, style: .microseconds)
            buffer.member("timezone", ifPresent: market.timezone)
            if let time = market.nextOpenNanoseconds {
                buffer.member("next_open", time: time, style: .microseconds)
            }
            if let time = market.nextCloseNanoseconds {
                buffer.member("next_close", time: time, style: .microseconds)
            }
            buffer.member("holiday", ifPresent: market.holiday)
            buffer.endObject()
        }
        buffer.endArray()
        return buffer.string
    }
}

/// A day that is unlike the others at a venue.
public struct CalendarDay: Equatable, Sendable {
    public var venue = ""
    public var date = ""
    public var isOpen = false
    public var holiday: String?
    /// Local times of a short day, such as `09:30-13:00`.
    public var hours: String?

    /// A closed one.
    public init() {}

    /// As `/v1/market/calendar` answers them. Local hours stay text: their zone is the venue's, which the hub knows.
    public static func json(_ days: [CalendarDay]) -> String {
        var buffer = TextBuffer()
        buffer.beginArray()
        for day in days {
            buffer.beginObject()
            buffer.member("venue", day.venue)
            buffer.member("date", day.date)
            buffer.member("open", day.isOpen)
            buffer.member("holiday", ifPresent: day.holiday)
            buffer.member("hours", ifPresent: day.hours)
            buffer.member("special", true)
            buffer.endObject()
        }
        buffer.endArray()
        return buffer.string
    }
}

/// Something that was found by its name.
public struct SearchRow: Equatable, Sendable {
    /// Canonical.
    public var symbol = ""
    public var name = ""
    /// The hub's word for what it is; empty = not known.
    public var type = ""
    public var currency: String?
    public var country: String?
    public var timezone: String?
    /// What the vendor calls it.
    public var vendorSymbol = ""

    /// An empty one.
    public init() {}

    /// Rows as `/v1/instruments` has them.
    public static func json(_ rows: [SearchRow]) -> String {
        var buffer = TextBuffer()
        buffer.beginArray()
        for row in rows {
            buffer.beginObject()
            buffer.member("symbol", row.symbol)
            buffer.member("name", row.name)
            buffer.member("venue", String(row.symbol.prefix { $0 != ":" }))
            if !row.type.isEmpty { buffer.member("type", row.type) }
            buffer.member("currency", ifPresent: row.currency)
            buffer.member("timezone", ifPresent: row.timezone)
            buffer.member("vendor_symbol", row.vendorSymbol)
            buffer.endObject()
        }
        buffer.endArray()
        return buffer.string
    }
}
