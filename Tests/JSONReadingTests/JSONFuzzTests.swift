import Foundation
import JSONReading
import Testing

/// Reads a value as Foundation's types, to be compared with what its parser makes of the same bytes.
private func tree(_ reader: inout JSONReader) throws -> Any {
    switch try reader.kind() {
    case .object:
        var object: [String: Any] = [:]
        try reader.enterObject()
        while let key = try reader.nextKey() {
            let name = key.string
            object[name] = try tree(&reader)
        }
        return object
    case .array:
        var array: [Any] = []
        try reader.enterArray()
        while try reader.nextElement() { array.append(try tree(&reader)) }
        return array
    case .text: return try reader.text().string
    case .number: return try reader.number()
    case .flag: return try reader.flag()
    case .null:
        try reader.skip()
        return NSNull()
    }
}

private func parsed(_ bytes: [UInt8], _ scratch: JSONScratch) throws -> Any {
    try bytes.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, scratch: scratch)
        let value = try tree(&reader)
        try reader.finish()
        return value
    }
}

private func skipped(_ bytes: [UInt8], _ scratch: JSONScratch) throws {
    try bytes.withUnsafeBytes { bytes in
        var reader = JSONReader(bytes, scratch: scratch)
        try reader.skip()
        try reader.finish()
    }
}

private func isSame(_ left: Any, _ right: Any) -> Bool {
    switch (left, right) {
    case (let left as [String: Any], let right as [String: Any]):
        left.count == right.count && left.allSatisfy { key, value in right[key].map { isSame(value, $0) } ?? false }
    case (let left as [Any], let right as [Any]):
        left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
    case (let left as String, let right as String): left == right
    case (is NSNull, is NSNull): true
    case (let left as Bool, let right as NSNumber): right.boolValue == left
    case (let left as Double, let right as NSNumber): right.doubleValue == left
    default: false
    }
}

/// Splitmix64.
private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

@Suite("the JSON reader against Foundation's")
struct JSONFuzzTests {
    let seed =
        ProcessInfo.processInfo.environment["HUB_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)

    @Test("random numbers are read as the nearest double")
    func numbers() throws {
        var random = Random(state: seed)
        let scratch = JSONScratch()
        for _ in 0..<20_000 {
            let digits = Int.random(in: 1...24, using: &random)
            var text = Bool.random(using: &random) ? "-" : ""
            text += String(Int.random(in: 1...9, using: &random))
            for _ in 1..<digits { text += String(Int.random(in: 0...9, using: &random)) }
            if Bool.random(using: &random) {
                text += "."
                for _ in 0..<Int.random(in: 1...24, using: &random) {
                    text += String(Int.random(in: 0...9, using: &random))
                }
            }
            if Int.random(in: 0..<4, using: &random) == 0 { text += "e\(Int.random(in: -290...260, using: &random))" }
            let value = try parsed(Array(text.utf8), scratch) as? Double
            #expect(value == Double(text), "\(text), seed \(seed)")
            let quoted = try Array("\"\(text)\"".utf8).withUnsafeBytes { bytes in
                var reader = JSONReader(bytes, scratch: scratch)
                return try reader.numberOrNaN()
            }
            #expect(quoted == Double(text), "\(text) in quotes, seed \(seed)")
        }
    }

    @Test("mutated messages are refused, or read as Foundation reads them; passing one agrees with reading it")
    func mutations() throws {
        let messages = [
            #"{"data":[{"c":["1","12"],"p":243.15,"s":"AAPL","t":1736174100123,"v":100},{"c":null,"p":9.82e4,"#
                + #""s":"BINANCE:BTCUSDT","t":1736174100200,"v":0.00153}],"type":"trade"}"#,
            #"{"meta":{"symbol":"EUR\/USD","x":"\u00e9\ud83d\ude00"},"values":[{"open":"1.10","n":null}],"#
                + #""status":"ok","b":true,"f":false,"e":[],"o":{}}"#,
        ].map { Array($0.utf8) }
        let spice = Array("{}[]\",:\\u0d89.eE+-tfn \n\u{1}".utf8)
        var random = Random(state: seed)
        let scratch = JSONScratch()
        var taken = 0
        for _ in 0..<30_000 {
            var bytes = messages.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(spice.randomElement(using: &random) ?? 0, at: place)
                case 2: bytes[place] = spice.randomElement(using: &random) ?? 0
                case 3: bytes.removeSubrange(place...)
                default: bytes[place] = UInt8.random(in: 0...127, using: &random)
                }
            }
            let note = "'\(String(decoding: bytes, as: UTF8.self))', seed \(seed)"
            let mine = Result { try parsed(bytes, scratch) }
            let oracle = Result {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
            let passed = Result { try skipped(bytes, scratch) }
            switch (mine, oracle) {
            case (.success(let mine), .success(let oracle)):
                #expect(isSame(mine, oracle), "\(note)")
                taken += 1
            case (.success, .failure):
                // Foundation refuses half a surrogate pair, which the reader repairs.
                #expect(bytes.contains(UInt8(ascii: "u")) && note.contains("\\u"), "\(note)")
            case (.failure(let error), .success):
                let error = error as? JSONError
                // Foundation takes a comma before the end of a list, and numbers that it turns into infinity.
                let place = error?.offset ?? 0
                let isComma = place < bytes.count && [UInt8(ascii: "]"), UInt8(ascii: "}")].contains(bytes[place])
                #expect(error?.problem == .badNumber || isComma, "\(note): \(String(describing: error))")
            case (.failure(let error), .failure):
                let offset = (error as? JSONError)?.offset ?? -1
                #expect((0...bytes.count).contains(offset), "\(note)")
            }
            if case .success = mine {
                #expect(throws: Never.self, "\(note)") { try passed.get() }
            } else if case .success = passed, case .failure(let error) = mine {
                #expect((error as? JSONError)?.problem == .badNumber, "\(note): \(error)")
            }
        }
        #expect(taken > 1000, "seed \(seed)")
    }
}
