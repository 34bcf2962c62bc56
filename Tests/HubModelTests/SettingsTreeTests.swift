import HubModel
import Testing

@Suite struct SettingsTreeTests {
    @Test(
        "JSON reads into a tree and writes back the same bytes",
        arguments: [
            #"{"seed":42,"rate":0.5,"kinds":["trade","quote"],"deep":{"a":null,"b":true,"c":false},"empty":{},"none":[]}"#,
            #""a\"b\\c\n\t\r\u0001é€😀""#, "-9223372036854775808", "[1,2.5,-3]", "1e+300", "\"\"",
        ])
    func roundTrip(text: String) throws {
        #expect(try SettingsTree(json: text).jsonText == text)
    }

    @Test("numbers are integers where they fit and numbers otherwise")
    func numbers() throws {
        #expect(try SettingsTree(json: "1") == .integer(1))
        #expect(try SettingsTree(json: "1.0") == .number(1))
        #expect(try SettingsTree(json: "1e2") == .number(100))
        #expect(try SettingsTree(json: "9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try SettingsTree(json: "1.0").integerValue == 1)
        #expect(try SettingsTree(json: "1.5").integerValue == nil)
        #expect(try SettingsTree(json: "3").numberValue == 3)
    }

    @Test("escapes are understood")
    func escapes() throws {
        #expect(try SettingsTree(json: #""\u00e9\ud83d\ude00\/\b\f""#) == .text("é😀/\u{8}\u{c}"))
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "nul", "truex",
            "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\u{1}\"", "[1] 2", "{\"a\":1,\"a\":2}", "1e999", "{\"a\" 1}", "-", "\"\\u12g4\"", "[1 2]",
        ])
    func malformed(text: String) {
        #expect(throws: JSONSyntaxError.self) { try SettingsTree(json: text) }
    }

    @Test("bytes that are not UTF-8 and very deep nesting are refused")
    func hostile() {
        #expect(throws: JSONSyntaxError.self) { try SettingsTree(json: [0x22, 0xff, 0x22]) }
        #expect(throws: JSONSyntaxError.self) {
            try SettingsTree(json: String(repeating: "[", count: 100_000))
        }
        #expect(
            (try? SettingsTree(
                json: String(repeating: "[", count: 100) + String(repeating: "]", count: 100))) != nil)
    }

    @Test("random bytes never crash the reader")
    func fuzz() {
        let seed: UInt64 = 20_250_106
        print("seed \(seed)")
        var state = seed
        let alphabet = Array(#"{}[]",:\u0123456789eE+-.truefalsn "#.utf8) + [0x00, 0x80, 0xff]
        var taken = 0
        for _ in 0..<4_000 {
            var bytes: [UInt8] = []
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int((state >> 33) % UInt64(alphabet.count))])
            }
            if let tree = try? SettingsTree(json: bytes) {
                taken += 1
                #expect(throws: Never.self) { try SettingsTree(json: tree.json()) }
            }
        }
        #expect(taken > 0)
    }

    @Test("pointers find keys and items, also with escapes")
    func pointers() throws {
        let tree = try SettingsTree(
            json: #"{"files":[{"path":"x"},{"path":"y"}],"a/b":{"m~n":7},"":1}"#)
        #expect(tree[pointer: "/files/1/path"] == "y")
        #expect(tree[pointer: "/a~1b/m~0n"] == 7)
        #expect(tree[pointer: "/"] == 1)
        #expect(tree[pointer: ""] == tree)
        #expect(tree[pointer: "/files/2"] == nil)
        #expect(tree[pointer: "/files/01"] == nil)
        #expect(tree[pointer: "/files/-"] == nil)
        #expect(tree[pointer: "files"] == nil)
        #expect(JSONPointer.unescape(JSONPointer.escape("a/b~c~1")) == "a/b~c~1")
    }

    @Test("canonical bytes do not depend on the order of keys or on how whole numbers are written")
    func canonical() throws {
        let one = try SettingsTree(json: #"{"b":1.0,"a":[{"y":2,"x":1}]}"#)
        let two = try SettingsTree(json: #"{"a":[{"x":1,"y":2.0}],"b":1}"#)
        #expect(one.canonicalBytes == two.canonicalBytes)
        #expect(one != two)
        let three = try SettingsTree(json: #"{"a":[{"x":1,"y":3}],"b":1}"#)
        #expect(one.canonicalBytes != three.canonicalBytes)
    }
}
