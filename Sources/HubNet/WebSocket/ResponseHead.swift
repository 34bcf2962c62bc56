/// The beginning of an HTTP answer: what a proxy says to `CONNECT` and a server to an upgrade.
struct ResponseHead: Equatable {
    var status: Int
    var headers: [HTTPHeader]

    /// Greatest length of a head.
    static let limit = 64 << 10

    /// - Parameter bytes: from the first byte of the answer.
    /// - Returns: the head and its length; `nil` = more bytes are needed.
    static func read(_ bytes: ArraySlice<UInt8>) throws(Violation) -> (head: ResponseHead, size: Int)? {
        // What is no HTTP is known by its first bytes: no waiting for an end that never comes.
        guard zip(bytes, "HTTP/1.".utf8).allSatisfy(==) else { throw .broken("the answer is not HTTP") }
        guard let end = endOfHead(bytes) else {
            guard bytes.count < limit else { throw .broken("the headers of the answer are longer than \(limit) bytes") }
            return nil
        }
        let lines = bytes[bytes.startIndex..<end].split(separator: UInt8(ascii: "\n")).map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
        guard let first = lines.first, let status = status(first) else {
            throw .broken("the answer's first line is not that of HTTP")
        }
        var headers: [HTTPHeader] = []
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[line.startIndex..<colon].allSatisfy(HTTPHeader.isTokenByte)
            else { throw .broken("a header of the answer has no name") }
            let value = String(decoding: line[line.index(after: colon)...], as: UTF8.self)
            headers.append(
                HTTPHeader(String(decoding: line[line.startIndex..<colon], as: UTF8.self), String(value.trimmed)))
        }
        return (ResponseHead(status: status, headers: headers), end - bytes.startIndex)
    }

    private static func endOfHead(_ bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while let newline = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) {
            var next = newline + 1
            if next < bytes.endIndex, bytes[next] == UInt8(ascii: "\r") { next += 1 }
            if next < bytes.endIndex, bytes[next] == UInt8(ascii: "\n") { return next + 1 }
            index = newline + 1
        }
        return nil
    }

    /// `HTTP/1.1 101 Switching Protocols`
    private static func status(_ line: ArraySlice<UInt8>) -> Int? {
        let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { return nil }
        return status
    }
}
