import Foundation
import JSONReading
import Testing

private func reading<Result>(_ text: String, _ body: (inout JSONReader) throws -> Result) throws -> Result {
    let scratch = JSONScratch()
    defer { withExtendedLifetime(scratch) {} }
    return try Array(text.utf8).withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, scratch: scratch)
        return try body(&reader)
    }
}

@Suite("the JSON reader")
struct JSONReaderTests {
    @Test("keys come in any order, twice, with blanks, and unknown ones are passed")
    func keys() throws {
        let text = " { \"x\" : [1, {\"p\": 2}] ,\n\t\"p\":1.5,\"s\":\"A\",\"p\": 2.5, \"y\":{} , \"z\":[] } "
        let scratch = JSONScratch()
        try Array(text.utf8).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, scratch: scratch)
            var price = 0.0
            var symbol = ""
            try reader.enterObject()
            while let key = try reader.nextKey() {
                switch key {
                case "p": price = try reader.number()
                case "s": symbol = try reader.text().string
                default: try reader.skip()
                }
            }
            try reader.finish()
            #expect(price == 2.5)
            #expect(symbol == "A")
        }
    }

    @Test("texts with escapes stay valid beside each other, and half a surrogate pair is repaired")
    func escapes() throws {
        let text = #"["EUR\/USD","a\"\\\b\f\n\r\t","\u00e9\u20ac\ud83d\ude00","cut \ud83d","plain",""]"#
        let scratch = JSONScratch()
        try Array(text.utf8).withUnsafeBytes { bytes in
            for _ in 0..<3 {
                var reader = JSONReader(bytes, scratch: scratch)
                var texts: [JSONText] = []
                try reader.enterArray()
                while try reader.nextElement() { texts.append(try reader.text()) }
                #expect(
                    texts.map(\.string) == [
                        "EUR/USD", "a\"\\\u{8}\u{c}\n\r\t", "é€😀", "cut \u{fffd}", "plain", "",
                    ])
                #expect(texts[0] == "EUR/USD")
                #expect(texts[0].hasPrefix(ignoringCase: "eur/"))
                #expect(texts[0].contains(ignoringCase: "/usd"))
                #expect(!texts[0].contains(ignoringCase: "/usdt"))
            }
        }
    }

    @Test("numbers come as numbers, as texts, or not at all")
    func lenientNumbers() throws {
        let text = #"[1,"2.5"," +3 ","-4e2","",null,"NaN","0x10","inf","1.","--1","12x",true,[1],{"a":1}]"#
        let numbers = try reading(text) { reader in
            var numbers: [Double] = []
            try reader.enterArray()
            while try reader.nextElement() { numbers.append(try reader.numberOrNaN()) }
            try reader.finish()
            return numbers
        }
        #expect(Array(numbers.prefix(4)) == [1, 2.5, 3, -400])
        #expect(numbers[9] == 1)
        for index in numbers.indices where index > 3 && index != 9 { #expect(numbers[index].isNaN, "\(index)") }
    }

    @Test("going back reads the same values again")
    func places() throws {
        try reading(#"{"data":["a\/b",{"x":1}],"type":"trade"}"#) { reader in
            try reader.enterObject()
            _ = try reader.nextKey()
            let place = reader.place
            try reader.skip()
            #expect(try reader.nextKey().map { $0 == "type" } == true)
            #expect(try reader.text() == "trade")
            #expect(try reader.nextKey() == nil)
            for _ in 0..<2000 {
                reader.go(to: place)
                try reader.enterArray()
                #expect(try reader.nextElement())
                #expect(try reader.text() == "a/b")
            }
        }
    }

    @Test("what is wrong is told with its place")
    func errors() {
        let cases: [(String, JSONError)] = [
            ("", JSONError(.truncated, offset: 0)),
            ("[1,", JSONError(.truncated, offset: 3)),
            ("[1,]", JSONError(.unexpectedByte, offset: 3)),
            ("[1 2]", JSONError(.unexpectedByte, offset: 3)),
            ("{\"a\" 1}", JSONError(.unexpectedByte, offset: 5)),
            ("{\"a\":1,}", JSONError(.unexpectedByte, offset: 7)),
            ("{1:1}", JSONError(.unexpectedByte, offset: 1)),
            ("[\"a\u{1}\"]", JSONError(.badText, offset: 3)),
            ("[\"\\x\"]", JSONError(.badText, offset: 2)),
            ("[\"abc", JSONError(.truncated, offset: 5)),
            ("[01]", JSONError(.unexpectedByte, offset: 2)),
            ("[1.]", JSONError(.badNumber, offset: 3)),
            ("[-]", JSONError(.badNumber, offset: 2)),
            ("[tru]", JSONError(.unexpectedByte, offset: 4)),
            ("1 1", JSONError(.trailingBytes, offset: 2)),
            (String(repeating: "[", count: 65), JSONError(.tooDeep, offset: 64)),
        ]
        for (text, expected) in cases {
            do {
                try reading(text) { reader in
                    try reader.skip()
                    try reader.finish()
                }
                Issue.record("\(text) was taken")
            } catch {
                #expect(error as? JSONError == expected, "\(text): \(error)")
            }
        }
    }
}
