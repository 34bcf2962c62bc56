import EventFormat
import Foundation
import Testing

@Suite("JSON as MessagePack")
struct MessagePackTests {
    private func packed(_ json: String) -> [UInt8] {
        var buffer = TextBuffer(capacity: 64)
        Array(json.utf8).withUnsafeBytes { MessagePack.append(json: $0, to: &buffer) }
        return buffer.array
    }

    @Test(
        "each value takes its shortest form",
        arguments: [
            ("0", [0x00]), ("127", [0x7F]), ("128", [0xCC, 0x80]), ("65535", [0xCD, 0xFF, 0xFF]),
            ("65536", [0xCE, 0, 1, 0, 0]), ("4294967296", [0xCF, 0, 0, 0, 1, 0, 0, 0, 0]), ("-1", [0xFF]),
            ("-32", [0xE0]), ("-33", [0xD0, 0xDF]), ("-129", [0xD1, 0xFF, 0x7F]),
            ("-9223372036854775808", [0xD3, 0x80, 0, 0, 0, 0, 0, 0, 0]), ("true", [0xC3]), ("false", [0xC2]),
            ("null", [0xC0]), ("\"\"", [0xA0]), ("\"a\\\"b\\n\\u001f\"", [0xA5, 0x61, 0x22, 0x62, 0x0A, 0x1F]),
            ("[]", [0x90]), ("{}", [0x80]), ("[1,[],{\"a\":null}]", [0x93, 1, 0x90, 0x81, 0xA1, 0x61, 0xC0]),
            ("0.5", [0xCB, 0x3F, 0xE0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [UInt8])])
    func shortest(_ json: String, _ expected: [UInt8]) {
        #expect(packed(json) == expected)
    }

    @Test("long texts, long lists and long maps get longer headers")
    func long() {
        for length in [31, 32, 255, 256, 65535, 65536] {
            let text = String(repeating: "x", count: length)
            let header: [UInt8] =
                switch length {
                case 0..<32: [0xA0 | UInt8(length)]
                case 32..<256: [0xD9, UInt8(length)]
                case 256..<65536: [0xDA, UInt8(length >> 8), UInt8(length & 255)]
                default: [0xDB, 0, UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255)]
                }
            let expected: [UInt8] = header + [UInt8](text.utf8)
            #expect(packed("\"\(text)\"") == expected)
        }
        let list = (0..<300).map { _ in "7" }.joined(separator: ",")
        let expectedList: [UInt8] = [0xDC, 1, 44] + [UInt8](repeating: 7, count: 300)
        #expect(packed("[\(list)]") == expectedList)
        let map = [String](repeating: "\"k\":1", count: 16).joined(separator: ",")
        var expectedMap: [UInt8] = [0xDE, 0, 16]
        for _ in 0..<16 { expectedMap += [0xA1, 0x6B, 1] as [UInt8] }
        #expect(packed("{\(map)}") == expectedMap)
    }

    @Test("every double that the hub prints comes out as the same double, or as the same whole number")
    func doubles() {
        let seed = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
        print("HUB_SEED=\(seed)")
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
        for round in 0..<200_000 {
            let value: Double
            switch round % 4 {
            case 0: value = Double(bitPattern: next())
            case 1: value = Double(Int64(bitPattern: next()) % 10_000_000) / 100
            case 2: value = Double(Int64(bitPattern: next()) % 1_000_000_000_000) / 1e6
            default: value = Double(next() % 1_000_000) / 1e9
            }
            guard value.isFinite else { continue }
            let bytes = packed(NumberText.text(value))
            if bytes[0] == 0xCB {
                let bits = bytes[1...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                #expect(Double(bitPattern: bits) == value, "\(value) seed \(seed)")
            } else {
                #expect(value.rounded() == value, "\(value) seed \(seed)")
            }
        }
    }
}
