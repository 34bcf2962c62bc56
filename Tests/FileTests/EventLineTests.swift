import Testing

@testable import FileCore

struct EventLineTests {
    @Test("a line says its number and time of receipt")
    func lines() {
        func read(_ text: String) -> EventLine? { EventLine(Array(text.utf8)) }
        #expect(
            read(#"{"type":"trade","seq":7,"symbol":"A:B","time":1,"received":22,"source":"x","price":1,"size":1}"#)
                == EventLine(seq: 7, receivedMicroseconds: 22))
        #expect(
            read(#"{"type":"hole","after":5,"before":11,"reason":"retention"}"#)
                == EventLine(seq: 10, receivedMicroseconds: nil))
        for text in [
            "", "{}", #"{"type":"trade","seq":7,"received":22"#, #"{"type":"trade","received":22}"#,
            #"{"type":"trade","seq":7}"#, #"{"type":"hole","after":5}"#, #"{"seq":7,"received":1}"#,
            #"{"type":"hole","before":0}"#, "{\"type\":\"trade\",\"seq\":7,\0\"received\":22}",
            #"{"type":"trade","seq":99999999999999999999,"received":22}"#,
        ] {
            #expect(read(text) == nil, "\(text)")
        }
    }

    @Test("the end of a file is found whatever part of it is looked at")
    func ends() {
        func line(_ seq: Int) -> String { "{\"type\":\"trade\",\"seq\":\(seq),\"received\":\(seq * 10)}" }
        let hole = #"{"type":"hole","after":2,"before":9,"reason":"retention"}"#
        let text = [line(1), line(2), hole].joined(separator: "\n") + "\n"
        let whole = FileEnd(tail: Array(text.utf8), isWhole: true)
        #expect(whole.event == EventLine(seq: 8, receivedMicroseconds: nil) && whole.receivedMicroseconds == 20)
        #expect(whole.line == Array(hole.utf8))
        // With the line before the hole cut, its time is not known; never a half read one.
        for cut in 1..<text.utf8.count {
            let end = FileEnd(tail: Array(text.utf8.dropFirst(cut)), isWhole: false)
            #expect(end.event == nil || end.event == whole.event)
            #expect([nil, 10, 20].contains(end.receivedMicroseconds))
        }
        #expect(FileEnd(tail: [], isWhole: true).event == nil)
        #expect(FileEnd(tail: Array("\n".utf8), isWhole: true).event == nil)
    }
}
