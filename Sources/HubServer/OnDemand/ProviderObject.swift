import EventFormat
import HubModel

/// Writes objects that providers tell as JSON: the fields that `objects.md` has, in its order, of its types. What else is in
/// them is nobody's business.
enum ProviderObject {
    enum Field {
        case text(StaticString)
        case number(StaticString)
        case integer(StaticString)
        /// Microseconds in what a provider tells.
        case time(StaticString)
        case texts(StaticString)
    }

    static let profile: [Field] = [
        .text("name"), .text("description"), .text("sector"), .text("industry"), .text("country"), .text("exchange"),
        .text("website"), .integer("employees"), .number("market_cap"), .number("shares_outstanding"), .text("listed"),
        .text("logo"), .text("isin"),
    ]
    static let sentiment: [Field] = [
        .number("bullish_percent"), .number("bearish_percent"), .number("score"), .integer("articles"), .time("time"),
    ]
    static let news: [Field] = [
        .text("id"), .time("time"), .text("headline"), .text("summary"), .text("url"), .text("image"),
        .text("publisher"), .texts("symbols"),
    ]

    static func write(_ fields: [Field], of tree: SettingsTree, _ style: TimeStyle, to text: inout TextBuffer) {
        for field in fields {
            switch field {
            case .text(let name):
                if let value = tree["\(name)"]?.textValue, !value.isEmpty { text.member(name, value) }
            case .number(let name):
                if let value = tree["\(name)"]?.numberValue, value.isFinite { text.member(name, value) }
            case .integer(let name):
                if let value = tree["\(name)"]?.integerValue { text.member(name, value) }
            case .time(let name):
                if let value = tree["\(name)"]?.integerValue { text.member(name, time: value &* 1000, style: style) }
            case .texts(let name):
                text.member(name, tree["\(name)"]?.listValue?.compactMap(\.textValue) ?? [])
            }
        }
    }
}
