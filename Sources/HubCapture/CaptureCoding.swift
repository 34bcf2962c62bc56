import CHubSystem

/// The bytes of frames. Numbers are little-endian.
///
/// A frame: length of the payload (u32), CRC-32C of length and payload (u32), payload. A payload: type (u8), lane (u8; 0 state,
/// 1 stream), 6 bytes 0, ordinal (u64), wall and monotonic time (i64), then the fields of the input in their order; texts, bytes and lists begin with
/// their length (u32).
public enum CaptureCoding {
    public static let frameHead = 8
    /// A body has at most 64 MiB; no frame is longer than that and what stands around it.
    public static let longestPayload = 80 << 20

    enum Kind: UInt8 {
        case start = 1
        case want, opened, message, closed, refused, answered, timer, query, cancelQuery, refreshListings, login, stop
        case reply = 32
        case lost
    }

    /// Appends a frame.
    ///
    /// - Parameter mask: may put other bytes in the place of what must not be in a file, never more or fewer.
    public static func append(
        _ frame: CaptureFrame, to bytes: inout [UInt8],
        mask: (_ bytes: inout [UInt8], _ from: Int) -> Void = { _, _ in }
    ) {
        let start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
        var writer = CaptureWriter(bytes: bytes)
        bytes = []
        writer.number(kind(of: frame.input).rawValue)
        writer.number(UInt8(frame.lane == .state ? 0 : 1))
        for _ in 0..<6 { writer.number(UInt8(0)) }
        writer.number(frame.ordinal)
        writer.number(frame.wallNanoseconds)
        writer.number(frame.monotonicNanoseconds)
        write(frame.input, &writer)
        bytes = writer.bytes
        mask(&bytes, start + frameHead)
        seal(&bytes, start)
    }

    /// Puts length and checksum before a payload that ends with the bytes.
    static func seal(_ bytes: inout [UInt8], _ start: Int) {
        let length = UInt32(bytes.count - start - frameHead)
        for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
        let sum = checksum(bytes, start, Int(length))
        for index in 0..<4 { bytes[start + 4 + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
    }

    static func checksum(_ bytes: [UInt8], _ start: Int, _ length: Int) -> UInt32 {
        bytes.withUnsafeBytes { space in
            let first = hub_crc32c(0, space.baseAddress! + start, 4)
            return hub_crc32c(first, space.baseAddress! + start + frameHead, length)
        }
    }

    private static func kind(of input: CaptureInput) -> Kind {
        switch input {
        case .start: .start
        case .want: .want
        case .opened: .opened
        case .message: .message
        case .closed: .closed
        case .refused: .refused
        case .answered: .answered
        case .timer: .timer
        case .query: .query
        case .cancelQuery: .cancelQuery
        case .refreshListings: .refreshListings
        case .login: .login
        case .stop: .stop
        case .reply: .reply
        case .lost: .lost
        }
    }

    private static func write(_ input: CaptureInput, _ writer: inout CaptureWriter) {
        switch input {
        case .start(let setup): writer.text(setup)
        case .want(let wants):
            writer.number(UInt32(wants.count))
            for want in wants {
                writer.number(want.kinds)
                writer.text(want.symbol)
            }
        case .opened(let connection): writer.number(connection)
        case .message(let connection, let isText, let bytes):
            writer.number(connection)
            writer.number(UInt8(isText ? 1 : 0))
            writer.data(bytes)
        case .closed(let connection, let code, let reason):
            writer.number(connection)
            writer.number(code)
            writer.text(reason)
        case .refused(let connection, let answer):
            writer.number(connection)
            write(answer, &writer)
        case .answered(let request, let answer):
            writer.number(request)
            write(answer, &writer)
        case .timer(let number): writer.number(number)
        case .query(let query):
            writer.number(query.id)
            writer.number(query.kind)
            writer.texts(query.symbols)
            writer.text(query.text)
            writer.number(query.interval)
            writer.number(query.limit)
            writer.number(query.from)
            writer.number(query.to)
            writer.text(query.next)
            writer.number(query.deadline)
        case .cancelQuery(let id): writer.number(id)
        case .refreshListings, .stop: break
        case .login(let names, let redirect):
            writer.texts(names)
            writer.text(redirect)
        case .reply(let reply):
            writer.number(reply.call.rawValue)
            writer.text(reply.key)
            writer.number(reply.status)
            writer.number(reply.number)
            writer.data(reply.bytes)
        case .lost(let frames, let bytes):
            writer.number(frames)
            writer.number(bytes)
        }
    }

    private static func write(_ answer: CaptureAnswer, _ writer: inout CaptureWriter) {
        writer.number(answer.httpStatus)
        writer.number(answer.failure)
        writer.number(UInt8(answer.isWithheld ? 1 : 0))
        writer.number(UInt32(answer.headers.count))
        for header in answer.headers {
            writer.text(header.name)
            writer.text(header.value)
        }
        writer.data(answer.body)
    }

    /// The frame of a payload; `nil` where it is none, although its checksum is right: a newer version's.
    static func frame(_ payload: ArraySlice<UInt8>) -> CaptureFrame? {
        var reader = CaptureParser(rest: payload)
        guard let kind = reader.number(UInt8.self).flatMap(Kind.init), let lane = reader.number(UInt8.self),
            reader.skip(6),
            let ordinal = reader.number(UInt64.self), let wall = reader.number(Int64.self),
            let monotonic = reader.number(Int64.self), let input = input(kind, &reader), reader.rest.isEmpty
        else { return nil }
        return CaptureFrame(
            ordinal: ordinal, lane: lane == 0 ? .state : .stream, wallNanoseconds: wall,
            monotonicNanoseconds: monotonic, input: input)
    }

    private static func input(_ kind: Kind, _ reader: inout CaptureParser) -> CaptureInput? {
        switch kind {
        case .start: return reader.text().map { .start(setup: $0) }
        case .want:
            return reader.list { (reader: inout CaptureParser) -> CaptureWant? in
                guard let kinds = reader.number(UInt32.self), let symbol = reader.text() else { return nil }
                return CaptureWant(symbol: symbol, kinds: kinds)
            }.map { .want($0) }
        case .opened: return reader.number().map { .opened(connection: $0) }
        case .message:
            guard let connection = reader.number(UInt32.self), let isText = reader.number(UInt8.self),
                let bytes = reader.data()
            else { return nil }
            return .message(connection: connection, isText: isText != 0, bytes: bytes)
        case .closed:
            guard let connection = reader.number(UInt32.self), let code = reader.number(UInt32.self),
                let reason = reader.text()
            else { return nil }
            return .closed(connection: connection, code: code, reason: reason)
        case .refused:
            guard let connection = reader.number(UInt32.self), let answer = answer(&reader) else { return nil }
            return .refused(connection: connection, answer)
        case .answered:
            guard let request = reader.number(UInt64.self), let answer = answer(&reader) else { return nil }
            return .answered(request: request, answer)
        case .timer: return reader.number().map { .timer($0) }
        case .query: return query(&reader).map { .query($0) }
        case .cancelQuery: return reader.number().map { .cancelQuery($0) }
        case .refreshListings: return .refreshListings
        case .stop: return .stop
        case .login:
            guard let names = reader.texts(), let redirect = reader.text() else { return nil }
            return .login(names: names, redirect: redirect)
        case .reply:
            guard let call = reader.number(UInt8.self).flatMap(CaptureReply.Call.init), let key = reader.text(),
                let status = reader.number(Int32.self), let number = reader.number(Int64.self),
                let bytes = reader.data()
            else { return nil }
            return .reply(CaptureReply(call, key, status: status, number: number, bytes: bytes))
        case .lost:
            guard let frames = reader.number(UInt64.self), let bytes = reader.number(UInt64.self) else { return nil }
            return .lost(frames: frames, bytes: bytes)
        }
    }

    private static func answer(_ reader: inout CaptureParser) -> CaptureAnswer? {
        guard let status = reader.number(UInt32.self), let failure = reader.number(Int32.self),
            let isWithheld = reader.number(UInt8.self),
            let headers = reader.list({ (reader: inout CaptureParser) -> CaptureAnswer.Header? in
                guard let name = reader.text(), let value = reader.text() else { return nil }
                return CaptureAnswer.Header(name, value)
            }), let body = reader.data()
        else { return nil }
        return CaptureAnswer(
            httpStatus: status, failure: failure, headers: headers, body: body, isWithheld: isWithheld != 0)
    }

    private static func query(_ reader: inout CaptureParser) -> CaptureQuery? {
        guard let id = reader.number(UInt64.self), let kind = reader.number(UInt32.self),
            let symbols = reader.texts(), let text = reader.text(), let interval = reader.number(UInt32.self),
            let limit = reader.number(UInt32.self), let from = reader.number(Int64.self),
            let to = reader.number(Int64.self), let next = reader.text(), let deadline = reader.number(Int64.self)
        else { return nil }
        var query = CaptureQuery(id: id, kind: kind)
        query.symbols = symbols
        query.text = text
        query.interval = interval
        query.limit = limit
        query.from = from
        query.to = to
        query.next = next
        query.deadline = deadline
        return query
    }
}

struct CaptureWriter {
    var bytes: [UInt8]

    mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func data(_ data: [UInt8]) {
        number(UInt32(data.count))
        bytes.append(contentsOf: data)
    }

    mutating func text(_ text: String) {
        number(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func texts(_ texts: [String]) {
        number(UInt32(texts.count))
        for text in texts { self.text(text) }
    }
}

/// Reads fields off the front. Everything is `nil` where there is too little: lengths are never believed.
struct CaptureParser {
    var rest: ArraySlice<UInt8>

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
        let size = MemoryLayout<Number>.size
        guard rest.count >= size else { return nil }
        let value = rest.withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
        rest = rest.dropFirst(size)
        return Number(littleEndian: value)
    }

    mutating func skip(_ count: Int) -> Bool {
        guard rest.count >= count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    mutating func data() -> [UInt8]? {
        guard let length = number(UInt32.self), rest.count >= Int(length) else { return nil }
        defer { rest = rest.dropFirst(Int(length)) }
        return Array(rest.prefix(Int(length)))
    }

    mutating func text() -> String? {
        data().flatMap { String(validating: $0, as: UTF8.self) }
    }

    mutating func texts() -> [String]? { list { $0.text() } }

    mutating func list<Element>(_ element: (inout CaptureParser) -> Element?) -> [Element]? {
        // Every element takes four bytes at least.
        guard let count = number(UInt32.self), Int(count) <= rest.count / 4 else { return nil }
        var found: [Element] = []
        found.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let next = element(&self) else { return nil }
            found.append(next)
        }
        return found
    }
}
