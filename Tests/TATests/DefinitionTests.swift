import Foundation
import Testing

@testable import TACore

struct DefinitionTests {
    @Test(
        "a definition is named with all parameters and no blanks",
        arguments: [
            ("rsi(14)", "rsi(14)"), (" macd ( 12, 26 ,9 ) ", "macd(12,26,9)"),
            ("bbands(20,2)", "bbands(20,2)"),
            ("bbands(20, 2.0)", "bbands(20,2)"), ("bbands(20,2.50)", "bbands(20,2.5)"), ("vwap", "vwap"),
            ("vwap()", "vwap"), ("sma(007)", "sma(7)"), ("ema", "ema(20)"), ("macd", "macd(12,26,9)"),
            ("\tatr(1)", "atr(1)"), ("sma(10000)", "sma(10000)"),
        ])
    func canonicalName(text: String, name: String) throws {
        #expect(try Definition(parsing: text).name == name)
        #expect(try Definition(parsing: name) == Definition(parsing: text))
    }

    @Test(
        "what is not a definition is refused in words",
        arguments: [
            ("", "expected an indicator such as \"rsi(14)\", found an empty text"),
            ("rsy(14)", "unknown indicator 'rsy'; did you mean 'rsi'?"),
            ("RSI(14)", "unknown indicator 'RSI'; did you mean 'rsi'?"),
            ("bband(20,2)", "did you mean 'bbands'?"),
            ("amc", "unknown indicator 'amc'"),
            ("stochastic(14)", "(known: sma, ema, rsi, macd, bbands, atr, vwap)"),
            ("rsi(14,2)", "rsi takes 1 parameter (period), found 2 in 'rsi(14,2)'; write rsi(14)"),
            ("rsi()", "rsi takes 1 parameter (period), found 0"),
            ("macd(12,26)", "macd takes 3 parameters (fast, slow, signal), found 2"),
            ("vwap(1)", "vwap takes no parameters, found 1"),
            ("rsi(1)", "period of rsi must be a whole number from 2 to 10000, found 1"),
            ("sma(0)", "period of sma must be a whole number from 1 to 10000, found 0"),
            ("sma(10001)", "from 1 to 10000, found 10001"),
            ("sma(-5)", "whole number from 1 to 10000, found '-5'"),
            ("sma(14.5)", "whole number from 1 to 10000, found '14.5'"),
            ("sma(14.0)", "whole number from 1 to 10000, found '14.0'"),
            ("sma(1e3)", "found '1e3'"),
            ("sma(1 4)", "found '1 4'"),
            ("sma(0x10)", "found '0x10'"),
            ("sma(nan)", "found 'nan'"),
            ("sma(99999999999999999999999)", "found '99999999999999999999999'"),
            ("macd(12,,9)", "slow of macd must be a whole number from 2 to 10000, found nothing"),
            ("macd(26,12,9)", "fast of macd must be less than slow, found 26 and 12"),
            ("macd(12,12,9)", "fast of macd must be less than slow"),
            ("bbands(20,0)", "deviations of bbands must be a number from 0.1 to 100, found 0"),
            ("bbands(20,.5)", "found '.5'"),
            ("rsi(14", "'rsi(14' has no ')'"),
            ("rsi 14)", "has a ')' without a '('"),
            ("rsi(14) macd(12,26,9)", "expected nothing after ')', found 'macd(12,26,9)'"),
            ("(14)", "expected the name of an indicator before '('"),
            ("r si(14)", "unknown indicator 'r si'"),
        ])
    func refusal(text: String, message: String) {
        let error = #expect(throws: DefinitionError.self) { try Definition(parsing: text) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "nothing")")
    }

    @Test("no nearest name is offered for a word that resembles none")
    func noSuggestion() {
        let error = #expect(throws: DefinitionError.self) { try Definition(parsing: "stochastic(14)") }
        #expect(error?.description.contains("did you mean") == false)
    }

    @Test("the catalogue is JSON with a row for each indicator, its defaults within their ranges")
    func catalogue() throws {
        struct Row: Decodable {
            struct Parameter: Decodable {
                let name, type: String
                let `default`, minimum, maximum: Double
            }
            let name, title, group: String
            let parameters: [Parameter]
            let outputs: [String]
            let overlay: Bool
            let warmUp: Int
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let rows = try decoder.decode([Row].self, from: Data(catalogueJSON.utf8))
        #expect(rows.map(\.name) == ["sma", "ema", "rsi", "macd", "bbands", "atr", "vwap"])
        for row in rows {
            for parameter in row.parameters {
                #expect((parameter.minimum...parameter.maximum).contains(parameter.default))
                #expect(["int", "num"].contains(parameter.type))
            }
            #expect(try Definition(parsing: row.name).warmUp(.talib) == row.warmUp)
            #expect((1...28).contains(row.outputs.count))
        }
        #expect(rows[3].outputs == ["macd", "signal", "histogram"] && rows[3].warmUp == 34)
        #expect(try JSONSerialization.jsonObject(with: Data(TASettings.schema.utf8)) is [String: Any])
    }
}
