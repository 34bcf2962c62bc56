import EventFormat
import Foundation
import Testing

@testable import TableFormat

private let trade: [TableColumn] = [
    .init("symbol", .text), .init("time", .time), .init("price", .number), .init("size", .number),
    .init("simulated", .flag), .init("conditions", .text),
]

private func lines(_ columns: [TableColumn], _ rows: [String]) -> String {
    var text = TextBuffer()
    CSVText.header(columns, to: &text)
    var csv = CSVRows(columns)
    for row in rows { Array(row.utf8).withUnsafeBytes { csv.append($0, to: &text) } }
    return text.string
}

@Suite("CSV")
struct CSVTests {
    @Test("a row has a field for every column, empty where the object has none or null")
    func fields() {
        let text = lines(
            trade,
            [
                #"{"type":"trade","seq":1,"symbol":"NSE:A","time":1736135100000000,"price":243.15,"size":100,"simulated":true}"#,
                #"{"symbol":"NSE:B","price":null,"conditions":["odd_lot","sweep"]}"#,
            ])
        #expect(
            text == """
                symbol,time,price,size,simulated,conditions
                NSE:A,1736135100000000,243.15,100,true,
                NSE:B,,,,,odd_lot;sweep

                """)
    }

    @Test("commas, quotes and line ends are quoted as in RFC 4180, escapes of JSON undone")
    func quotes() {
        let columns: [TableColumn] = [.init("a,b", .text), .init("text", .text), .init("map", .text)]
        let text = lines(
            columns,
            [#"{"a,b":"x,y","text":"say \"hi\"\nA\\","map":{"bids":[[1,2],[3]]}}"#, #"{"text":"plain","map":[]}"#])
        #expect(
            text == "\"a,b\",text,map\n\"x,y\",\"say \"\"hi\"\"\nA\\\",\"{\"\"bids\"\":[[1,2],[3]]}\"\n,plain,\n")
    }

    @Test("times that are text in JSON stand without quotes")
    func times() {
        let columns: [TableColumn] = [.init("time", .time)]
        #expect(lines(columns, [#"{"time":"1736135100000000123"}"#]) == "time\n1736135100000000123\n")
        #expect(
            lines(columns, [#"{"time":"2025-01-06T14:35:00.000000000Z"}"#]) == "time\n2025-01-06T14:35:00.000000000Z\n")
    }
}

@Suite("Values out of JSON")
struct JSONValueTests {
    private func number(_ text: String) -> Double? { Array(text.utf8).withUnsafeBytes { JSONValue.number($0) } }
    private func integer(_ text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { JSONValue.integer($0) } }

    @Test("every double that the hub writes is read back as the same double")
    func doubles() throws {
        let seed = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
        print("HUB_SEED=\(seed)")
        var state = seed
        for index in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value: Double =
                switch index % 3 {
                case 0: Double(bitPattern: state)
                case 1: Double(Int64(bitPattern: state) >> 30) / 100
                default: Double(Int64(bitPattern: state) >> 20) / 1e6
                }
            guard value.isFinite else { continue }
            let text = NumberText.text(value)
            try #require(number(text) == value, "\(text)")
        }
    }

    @Test("whole numbers are read to the ends of 64 bits, and nothing beyond")
    func integers() {
        #expect(integer("9223372036854775807") == .max)
        #expect(integer("-9223372036854775808") == .min)
        #expect(integer("9223372036854775808") == nil)
        #expect(integer("\"1736135100000000123\"") == 1_736_135_100_000_000_123)
        #expect(integer("1.5") == nil)
    }

    @Test("dates are days since 1970")
    func dates() {
        func day(_ text: String) -> Int32? { Array(text.utf8).withUnsafeBytes { JSONValue.day($0) } }
        #expect(day("\"1970-01-01\"") == 0)
        #expect(day("\"2025-01-06\"") == 20_094)
        #expect(day("\"1969-12-31\"") == -1)
    }
}

@Suite("Arrow streams")
struct ArrowStreamTests {
    private func stream(_ rows: [String]) -> [UInt8] {
        let stream = ArrowStream(trade, timeStyle: .microseconds)
        var text = TextBuffer()
        stream.begin(&text)
        var gathered = ArrowRows(stream)
        for row in rows { Array(row.utf8).withUnsafeBytes { gathered.append($0) } }
        gathered.flush(to: &text)
        stream.end(&text)
        return text.array
    }

    private func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        bytes[at..<(at + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    @Test("a stream is a schema, batches and an end, each message on a multiple of 8")
    func frames() {
        // What the bytes mean is told by pyarrow in the tests of the running hub; here, that they are framed.
        let bytes = stream([#"{"symbol":"NSE:A","time":1,"price":2.5}"#, #"{"symbol":"NSE:B"}"#])
        #expect(bytes.count % 8 == 0)
        #expect(word(bytes, 0) == .max)
        let schemaBytes = Int(word(bytes, 4))
        #expect(schemaBytes % 8 == 0)
        let batch = 8 + schemaBytes
        #expect(word(bytes, batch) == .max)
        #expect(word(bytes, batch + 4) % 8 == 0)
        #expect(Array(bytes.suffix(8)) == [255, 255, 255, 255, 0, 0, 0, 0])
    }

    @Test("a stream without rows has a schema and an end")
    func empty() {
        let bytes = stream([])
        let schemaBytes = Int(word(bytes, 4))
        #expect(bytes.count == 8 + schemaBytes + 8)
    }
}
