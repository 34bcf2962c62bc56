import EventFormat
import Foundation
import Testing

@Suite("Text buffers")
struct TextBufferTests {
    private func quoted(_ bytes: [UInt8]) -> [UInt8] {
        var buffer = TextBuffer(capacity: 1)
        bytes.withUnsafeBytes { buffer.append(jsonString: $0) }
        return buffer.array
    }

    @Test("strings are escaped as JSON asks, and not more")
    func escapes() {
        var buffer = TextBuffer()
        buffer.append(jsonString: "a\"b\\c/d\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}é₹𝄞\u{2028}")
        #expect(buffer.string == "\"a\\\"b\\\\c/d\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}é₹𝄞\u{2028}\"")
    }

    @Test("random bytes become the text that Swift repairs them to, and JSON that reads back")
    func randomBytes() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed of random bytes: \(seed)")
        var random = NumberTextTests.Random(state: seed)
        // Bytes around the edges of UTF-8's table come often, so that every kind of broken sequence does.
        let edges: [UInt8] = [
            0x22, 0x5C, 0x00, 0x1F, 0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF,
            0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<5000 {
            let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ -> UInt8 in
                Bool.random(using: &random)
                    ? edges.randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255, using: &random)
            }
            let json = quoted(bytes)
            let read = try JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed) as? String
            #expect(read == String(decoding: bytes, as: UTF8.self), "\(bytes)")
        }
    }

    @Test("members, elements and nesting get their commas")
    func nesting() {
        var buffer = TextBuffer()
        buffer.beginObject()
        buffer.member("count", 2)
        buffer.key("data")
        buffer.beginArray()
        buffer.beginObject()
        buffer.endObject()
        buffer.beginObject()
        buffer.member("a", "x")
        buffer.member("b", true)
        buffer.member("c", 0.5)
        buffer.memberNull("d")
        buffer.member("e", ifPresent: Double.nan)
        buffer.member("f", ifPresent: nil as String?)
        buffer.endObject()
        buffer.beginArray()
        buffer.endArray()
        buffer.element(1)
        buffer.element(false)
        buffer.elementNull()
        "[1]".utf8.withContiguousStorageIfAvailable { buffer.element(raw: UnsafeRawBufferPointer($0)) }
        buffer.endArray()
        buffer.member("list", ["p", "q"])
        buffer.key(text: "k\"")
        buffer.element("v")
        buffer.member("time", time: 1_000_999, style: .microseconds)
        buffer.endObject()
        #expect(
            buffer.string
                == #"{"count":2,"data":[{},{"a":"x","b":true,"c":0.5,"d":null},[],1,false,null,[1]],"list":["p","q"],"#
                + #""k\"":"v","time":1000}"#)
    }

    @Test("growing keeps what was written, clearing keeps the memory, truncating cuts")
    func growth() {
        var buffer = TextBuffer(capacity: 64)
        for index in 0..<1000 { buffer.append(index) }
        #expect(buffer.string == (0..<1000).map(String.init).joined())
        let capacity = buffer.capacity
        buffer.clear()
        let emptied = (buffer.count, buffer.capacity)
        #expect(emptied == (0, capacity))
        buffer.append("abc")
        buffer.truncate(to: 1)
        #expect(buffer.string == "a")
        [UInt8]([0x00, 0xAB, 0x7F]).withUnsafeBytes { buffer.append(hex: $0) }
        #expect(buffer.string == "a00ab7f")
    }
}
