import HubCapture
import PluginABI

extension InstanceContext {
    /// Does what a plugin asked for and takes down how it was answered; while a recording is played back, the answer is what it
    /// was then.
    func noted(
        _ call: CaptureReply.Call, _ key: String, request: UInt64? = nil, _ body: () throws(PluginFailure) -> Void
    ) throws(PluginFailure) {
        if let playback { return try playback.answer(call, key) }
        guard let tap else { return try body() }
        do throws(PluginFailure) {
            try body()
        } catch {
            tap.take(CaptureReply(call, key, status: error.status, bytes: Array(error.text.utf8)))
            throw error
        }
        tap.take(CaptureReply(call, key), request: request)
    }

    /// Whether a plugin may make a stream of an instrument that it discovered.
    func mayDefine(_ symbol: String, _ marketCentre: String) -> Bool {
        let key = "\(symbol) \(marketCentre)"
        if let playback { return playback.mayDefine(key) }
        let isTaken = takes(symbol)
        tap?.take(CaptureReply(.define, key, status: isTaken ? 1 : 0))
        return isTaken
    }

    /// The token of a credential that a login brought. A recording knows only that there was one.
    func kept(_ name: String) -> (token: String, expiresNanoseconds: Int64)? {
        if let playback { return playback.kept(name) }
        let kept = secrets.kept(name)
        tap?.take(CaptureReply(.kept, name, status: kept == nil ? 0 : 1, number: kept?.expiresNanoseconds ?? 0))
        return kept
    }

    /// A text that outlived an earlier process, in memory that stays until the next call of this.
    func recalled(_ key: String) -> hub_bytes? {
        if let playback { return playback.stored(key).map { answerMemory.hold($0) } }
        let value = storedValue(key)
        if let tap {
            let bytes = value.map { Array(UnsafeBufferPointer(start: $0.data, count: Int($0.length))) }
            tap.take(CaptureReply(.stored, key, status: bytes == nil ? 0 : 1, bytes: bytes ?? []))
        }
        return value
    }
}

extension CaptureInput {
    /// What came from a vendor, less what only its plugin's session is about.
    init(_ delivery: VendorDelivery) {
        switch delivery {
        case .opened(let connection): self = .opened(connection: connection)
        case .message(let connection, let isText, let bytes):
            self = .message(connection: connection, isText: isText, bytes: bytes)
        case .closed(let connection, let code, let reason):
            self = .closed(connection: connection, code: code, reason: reason)
        case .refused(let connection, let answer): self = .refused(connection: connection, CaptureAnswer(answer))
        case .answered(let request, let answer): self = .answered(request: request, CaptureAnswer(answer))
        }
    }
}

extension CaptureAnswer {
    /// Headers of a vendor that carry a session: no plugin reads them.
    private static let withheldHeaders: Set<String> = [
        "set-cookie", "set-cookie2", "authorization", "www-authenticate",
    ]

    init(_ answer: VendorAnswer) {
        self.init(
            httpStatus: UInt32(clamping: answer.httpStatus), failure: answer.failure,
            headers: answer.headers.filter { !Self.withheldHeaders.contains($0.name.lowercased()) }
                .map { Header($0.name, $0.value) },
            body: answer.loginPointers.map { Array($0.joined(separator: "\n").utf8) } ?? answer.body,
            isWithheld: answer.loginPointers != nil)
    }
}

extension CaptureQuery {
    init(_ query: Query, id: UInt64, deadline: Int64) {
        self.init(id: id, kind: query.kind.rawValue)
        symbols = query.symbols
        text = query.text
        interval = query.interval
        limit = query.limit
        from = query.from
        to = query.to
        next = query.next
        self.deadline = deadline
    }
}
