import EventFormat
import HummingbirdCore

/// `/v1/errors` and `/v1/indicators`: lists that stay as they are while the hub runs.
extension Routes {
    func addCatalogues(to table: inout RouteTable) {
        table.get("/v1/errors") { call in
            var reader = parameters(call)
            try reader.finish()
            var text = TextBuffer(capacity: 8192)
            text.beginObject()
            text.key("data")
            text.beginArray()
            for code in ProblemCode.allCases {
                text.beginObject()
                text.member("code", code.rawValue)
                if let status = code.status { text.member("status", status) } else { text.memberNull("status") }
                text.member("retry", code.retry)
                text.member("meaning", code.meaning)
                text.endObject()
            }
            text.endArray()
            var meta = listMeta()
            meta.count = ProblemCode.allCases.count
            meta.write(to: &text)
            text.endObject()
            return Reply.json(text)
        }
        table.get("/v1/indicators") { call in
            var reader = parameters(call)
            try reader.finish()
            // Each plugin gives an array of rows; together they are one.
            var text = TextBuffer(capacity: 8192)
            text.beginObject()
            text.key("data")
            text.beginArray()
            var count = 0
            for catalogue in engine.indicatorCatalogue {
                for row in JSONRows.split(catalogue) {
                    text.separate()
                    text.append(text: row)
                    text.wroteValue()
                    count += 1
                }
            }
            text.endArray()
            var meta = listMeta()
            meta.count = count
            meta.write(to: &text)
            text.endObject()
            return Reply.json(text)
        }
    }

    /// `meta` of a list that holds at the head.
    func listMeta() -> ListMeta { ListMeta(epoch: engine.journal.epoch, seq: engine.journal.head) }
}

/// Takes a JSON array apart without reading its elements.
enum JSONRows {
    /// The elements, as they are written; none for text that is not an array.
    static func split(_ array: String) -> [Substring] {
        let bytes = array.utf8
        guard let open = bytes.firstIndex(of: UInt8(ascii: "[")), let close = bytes.lastIndex(of: UInt8(ascii: "]"))
        else {
            return []
        }
        var rows: [Substring] = []
        var start = bytes.index(after: open)
        var depth = 0
        var isInText = false
        var isEscaped = false
        var at = start
        while at < close {
            let byte = bytes[at]
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                case UInt8(ascii: ",") where depth == 0:
                    rows.append(array[start..<at])
                    start = bytes.index(after: at)
                default: break
                }
            }
            at = bytes.index(after: at)
        }
        rows.append(array[start..<close])
        return rows.filter { $0.contains { !$0.isWhitespace } }
    }
}
