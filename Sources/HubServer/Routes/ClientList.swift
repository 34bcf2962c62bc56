import EventFormat
import HummingbirdCore
import NIOCore

/// `/v1/clients`: the streams that are open.
struct ClientList: Sendable {
    private static let most = 10_000

    let fanOut: FanOut
    let routes: Routes

    func add(to table: inout RouteTable) {
        table.get("/v1/clients") { call in
            var reader = routes.parameters(call)
            let limit = Routes.limit(&reader, most: Self.most)
            let style = reader.timeStyle()
            try reader.finish()
            let fanOut = fanOut
            let clients = try await fanOut.loop.submit { fanOut.clients(limit: limit) }.get()
            var text = TextBuffer(capacity: 4096)
            text.beginObject()
            text.key("data")
            text.beginArray()
            for client in clients { client.write(to: &text, style: style) }
            text.endArray()
            var meta = routes.listMeta()
            meta.count = clients.count
            meta.write(to: &text)
            text.endObject()
            return Reply.json(text)
        }
    }
}

/// A row of `/v1/clients`.
struct ClientRow: Sendable {
    var connection: String
    /// `websocket`, `sse`, `ndjson`.
    var kind: String
    /// Address and port; empty for a socket file.
    var remote: String
    var sinceNanoseconds: Int64
    var encoding: String
    /// Symbols and globs of its filter.
    var symbols: Int
    /// Matching events not sent yet; of a replay the positions that are still ahead of it.
    var behind: UInt64
    /// Event objects.
    var sent: UInt64
    var bytes: UInt64
    /// Whether it was told that it lags and has not caught up since.
    var isSlow: Bool

    func write(to text: inout TextBuffer, style: TimeStyle) {
        text.beginObject()
        text.member("connection", connection)
        text.member("kind", kind)
        text.member("remote", remote)
        text.member("since", time: sinceNanoseconds, style: style)
        text.member("encoding", encoding)
        text.member("symbols", symbols)
        text.member("behind", behind)
        text.member("sent", sent)
        text.member("bytes", bytes)
        text.member("slow", isSlow)
        text.endObject()
    }
}

extension FanOut {
    /// The open streams, the oldest first. On the event loop.
    func clients(limit: Int) -> [ClientRow] {
        let oldest = connections.values.sorted { ($0.openedNanoseconds, $0.name) < ($1.openedNanoseconds, $1.name) }
        return oldest.prefix(limit).map(\.row)
    }
}

extension StreamConnection {
    fileprivate var row: ClientRow {
        ClientRow(
            connection: name, kind: framing.kind, remote: remote, sinceNanoseconds: openedNanoseconds,
            encoding: session.settings.encoding, symbols: session.filter.symbols.count, behind: behind, sent: sent,
            bytes: bytes, isSlow: isTold)
    }

    private var remote: String {
        guard let address = context.channel.remoteAddress, let host = address.ipAddress, let port = address.port else {
            return ""
        }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
