import HubModel
import Testing

@Suite struct EventSelectorTests {
    @Test("kinds, intervals and values are chosen by name")
    func names() throws {
        let selector = try EventSelector(["trade", "bar:1m", "value:macd(12,26,9)@5m"])
        #expect(selector.matches(kind: EventKind.trade.rawValue))
        #expect(!selector.matches(kind: EventKind.quote.rawValue))
        #expect(selector.matches(kind: EventKind.bar.rawValue, interval: 60))
        #expect(!selector.matches(kind: EventKind.bar.rawValue, interval: 300))
        #expect(
            selector.matches(kind: EventKind.value.rawValue, interval: 300, definition: "macd(12,26,9)"))
        #expect(
            !selector.matches(kind: EventKind.value.rawValue, interval: 60, definition: "macd(12,26,9)"))
        #expect(!selector.matches(kind: EventKind.value.rawValue, interval: 300, definition: "rsi(14)"))
        #expect(selector.mayMatch(kind: EventKind.value.rawValue))
        #expect(!selector.mayMatch(kind: EventKind.control.rawValue))
    }

    @Test("a month and a minute are not the same interval")
    func months() throws {
        #expect(try EventSelector(["bar:1M"]).matches(kind: 5, interval: 2_592_000))
        #expect(try !EventSelector(["bar:1M"]).matches(kind: 5, interval: 60))
    }

    @Test("without types all events but control and define match; the star matches all")
    func wholes() throws {
        for kind in EventKind.allCases {
            let isPlain = kind != .control && kind != .define
            #expect(
                EventSelector.events.matches(kind: kind.rawValue, interval: 60, definition: "x") == isPlain)
            #expect(try EventSelector(["*"]).matches(kind: kind.rawValue, interval: 60, definition: "x"))
        }
        #expect(try EventSelector(["*"]) == EventSelector.everything)
    }

    @Test(
        "unknown types are refused",
        arguments: [
            "trades", "", "bar:7m", "bar:", "value:rsi(14)", "value:@1m", "value:x@9z", "TRADE",
        ])
    func unknown(type: String) {
        #expect(throws: ValueTextError.self) { try EventSelector([type]) }
    }

    @Test("selectors that name the same are equal in any order, and union widens")
    func union() throws {
        let one = try EventSelector(["bar:5m", "bar:1m", "value:b@1m", "value:a@1m"])
        var two = try EventSelector(["value:a@1m", "bar:1m"])
        two.formUnion(try EventSelector(["value:b@1m", "bar:5m"]))
        #expect(one == two)
        #expect(EventSelector().isEmpty)
        #expect(!one.isEmpty)
        #expect(try EventSelector(["summary"]).wantsSummary)
    }
}
