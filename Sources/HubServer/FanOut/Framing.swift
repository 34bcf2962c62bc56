/// How an object is written down: `?encoding=` of a WebSocket.
enum StreamEncoding: String, CaseIterable, Hashable, Sendable {
    case json
    /// The same objects as MessagePack.
    case msgpack
    /// Events as the records of the journal, everything else as JSON.
    case binary
}

/// How the objects of a stream become bytes on its connection.
enum Framing: Hashable, Sendable {
    /// Messages that are arrays of objects, or sequences of records.
    ///
    /// - Parameter deflateBits: size of the window of permessage-deflate, 9 to 15; 0 = messages are not compressed.
    case webSocket(StreamEncoding, deflateBits: Int)
    /// Server-sent events, one an object.
    ///
    /// - Parameter isChunked: whether HTTP marks off what is written at once; not for HTTP/1.0.
    case serverSentEvents(isChunked: Bool)
    /// A line an object.
    case lines(isChunked: Bool)

    /// What the objects are written in, as `hello` says it.
    var encoding: StreamEncoding {
        if case .webSocket(let encoding, _) = self { encoding } else { .json }
    }

    /// Whether the client can say something after its request.
    var isTwoWay: Bool {
        if case .webSocket = self { true } else { false }
    }

    /// `websocket`, `sse`, `ndjson`.
    var kind: String {
        switch self {
        case .webSocket: "websocket"
        case .serverSentEvents: "sse"
        case .lines: "ndjson"
        }
    }
}

/// How the events of a message stand beside each other: the part of a framing that is looked at for each event.
enum EventLayout: Hashable, Sendable {
    /// `[{…},{…}]`
    case array
    /// A MessagePack array of maps.
    case packedArray
    /// Records, each defined before it is used.
    case records
    /// `event: trade`, `id: EPOCH.SEQ`, `data: {…}`, an empty line.
    case serverSentEvents
    case lines

    init(_ framing: Framing) {
        switch framing {
        case .webSocket(.json, _): self = .array
        case .webSocket(.msgpack, _): self = .packedArray
        case .webSocket(.binary, _): self = .records
        case .serverSentEvents: self = .serverSentEvents
        case .lines: self = .lines
        }
    }
}
