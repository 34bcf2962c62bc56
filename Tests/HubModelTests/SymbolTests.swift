import HubModel
import Testing

@Suite struct SymbolTests {
    @Test(
        "symbols of every class are taken",
        arguments: [
            "NSE:RELIANCE", "NSE:NIFTY 50", "NSE:M&M", "NFO:NIFTY25JAN24000CE", "NYSE:BRK.B",
            "COINBASE:BTC-USD", "SIM:ALPHA", "A:a",
        ])
    func wellFormed(text: String) throws {
        let symbol = try Symbol(text)
        #expect(symbol.text == text)
        #expect(symbol.venue + ":" + symbol.name == text)
    }

    @Test(
        "what is not a symbol is refused with its reason",
        arguments: [
            ("RELIANCE", SymbolError.Fault.noVenue), (":X", .badVenue), ("nse:X", .badVenue),
            ("1A:X", .badVenue),
            ("ABCDEFGHIJKLM:X", .badVenue), ("NSE:", .badLength), ("NSE:A,B", .badCharacter),
            ("NSE:A*", .badCharacter),
            ("NSE:A/B", .badCharacter), ("NSE:Ä", .badCharacter), ("NSE: A", .badCharacter),
            ("", .noVenue),
        ])
    func malformed(text: String, fault: SymbolError.Fault) {
        #expect(throws: SymbolError.self) { try Symbol(text) }
        do {
            _ = try Symbol(text)
        } catch {
            #expect(error.fault == fault)
            #expect("\(error)".contains("VENUE:NAME"))
        }
    }

    @Test("a name of 64 characters is taken and one of 65 is not")
    func length() {
        #expect((try? Symbol("NSE:" + String(repeating: "A", count: 64))) != nil)
        #expect((try? Symbol("NSE:" + String(repeating: "A", count: 65))) == nil)
    }

    @Test(
        "globs match whole symbols",
        arguments: [
            ("NSE:*", "NSE:RELIANCE", true), ("NSE:*", "BSE:RELIANCE", false),
            ("*", "NSE:RELIANCE", true),
            ("NFO:NIFTY25JUN*CE", "NFO:NIFTY25JUN24000CE", true),
            ("NFO:NIFTY25JUN*CE", "NFO:NIFTY25JUN24000PE", false),
            ("SIM:?", "SIM:A", true), ("SIM:?", "SIM:AB", false), ("*:A*B*C", "X:AxxBxxBC", true),
            ("*:A*B*C", "X:AxxC", false),
            ("NSE:RELIANCE", "NSE:RELIANCE", true), ("NSE:RELIANCE", "NSE:RELIANCES", false),
            ("**A", "X:AA", true),
        ])
    func globs(pattern: String, symbol: String, expected: Bool) throws {
        #expect(try SymbolPattern(pattern).matches(Symbol(symbol)) == expected)
    }

    @Test("a pattern without wildcards must be a symbol")
    func exact() throws {
        #expect(throws: SymbolError.self) { try SymbolPattern("RELIANCE") }
        #expect(throws: SymbolError.self) { try SymbolPattern("NSE:A,*") }
        #expect(try SymbolPattern("NSE:TCS").symbol == Symbol("NSE:TCS"))
        #expect(try SymbolPattern("NSE:*").symbol == nil)
    }
}
