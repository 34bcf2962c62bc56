import HubModel
import HubNet
import PluginABI

/// A request of a plugin, on its way or waiting for it.
struct VendorRequest {
    struct Capture {
        var pointer: String
        var name: String
        var expiresNanoseconds: Int64
    }

    var http: HTTPRequest
    var rateClass: String
    var cost: Int
    /// 0 = what the operator set.
    var deadlineNanoseconds: Int64
    var isIdempotent: Bool
    var beginsSession: Bool
    var captures: [Capture]

    /// Monotonic.
    var deadline: Int64 = 0
    var tries = 0
    var call: (any HTTPCall)?

    /// Reads what a plugin wrote; `nil` where a text is no UTF-8.
    init?(_ raw: UnsafePointer<hub_request>) {
        let request = raw.pointee
        guard let method = String(checked: request.method), let url = String(checked: request.url),
            let rateClass = String(checked: request.rate_class),
            let headers = HTTPHeader.list(request.header_names, request.header_values, request.header_count)
        else { return nil }
        var captures: [Capture] = []
        for index in 0..<Int(request.capture_count) {
            let capture = request.captures[index]
            guard let pointer = String(checked: capture.pointer), let name = String(checked: capture.name) else {
                return nil
            }
            captures.append(Capture(pointer: pointer, name: name, expiresNanoseconds: capture.expires_ns))
        }
        let body = Array(UnsafeBufferPointer(start: request.body.data, count: Int(request.body.length)))
        let flags = Int(request.flags)
        http = HTTPRequest(
            method.isEmpty ? "GET" : method, url: url, headers: headers, body: body.isEmpty ? nil : body,
            followsRedirects: flags & HUB_HTTP_FOLLOW != 0)
        self.rateClass = rateClass
        cost = max(1, Int(request.cost))
        deadlineNanoseconds = Int64(request.deadline_ms) * 1_000_000
        isIdempotent = flags & HUB_HTTP_IDEMPOTENT != 0 || http.method == "GET" || http.method == "HEAD"
        beginsSession = flags & HUB_BEGINS_SESSION != 0
        self.captures = captures
    }

    /// Puts secrets in place of their tokens.
    mutating func reveal(with secrets: SecretBook) throws(PluginFailure) {
        let isForm = http.headers.value(of: "content-type")?.lowercased().contains("form-urlencoded") == true
        let isJSON = http.headers.value(of: "content-type")?.lowercased().contains("json") == true
        do {
            let url = http.url
            http.url = try secrets.reveal(in: url, .url, towards: url)
            for index in http.headers.indices {
                http.headers[index].value = try secrets.reveal(
                    in: http.headers[index].value, .header, towards: url)
            }
            if let body = http.body, body.contains(SecretBook.prefix) {
                let text = String(decoding: body, as: UTF8.self)
                http.body = Array(
                    try secrets.reveal(in: text, isForm ? .url : isJSON ? .json : .raw, towards: url).utf8)
            }
        } catch {
            throw PluginFailure(status: hub_status(HUB_AUTH), text: error.text)
        }
    }
}

extension [UInt8] {
    func contains(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return false }
        return (0...(count - wanted.count)).contains { self[$0] == wanted[0] && self[$0...].starts(with: wanted) }
    }
}

extension SecretBook {
    /// A text with secrets in place of tokens, for a request to a URL. Nothing is put in place towards other hosts than those
    /// of the plugin and of its settings.
    func reveal(in text: String, _ place: Place, towards url: String) throws(Refusal) -> String {
        guard Self.hasToken(text) else { return text }
        guard trusts(url) else {
            throw Refusal(
                text:
                    "a secret was to go to \(Self.host(of: url) ?? "an address that is none"), which is neither among the "
                    + "hosts of the plugin nor in its settings")
        }
        return try splice(text, place)
    }
}

extension HTTPHeader {
    /// Headers as the ABI has them; `nil` where one is no UTF-8.
    static func list(
        _ names: UnsafePointer<hub_text>?, _ values: UnsafePointer<hub_text>?, _ count: UInt64
    ) -> [HTTPHeader]? {
        guard count > 0 else { return [] }
        guard let names, let values, count <= 256 else { return nil }
        var headers: [HTTPHeader] = []
        for index in 0..<Int(count) {
            guard let name = String(checked: names[index]), let value = String(checked: values[index]) else {
                return nil
            }
            headers.append(HTTPHeader(name, value))
        }
        return headers
    }
}

extension VendorAnswer {
    init(_ result: HTTPResult) {
        switch result {
        case .success(let response):
            self.init(
                httpStatus: response.status, headers: response.headers.map { ($0.name, $0.value) }, body: response.body)
        case .failure(let failure):
            let status: Int =
                switch failure.kind {
                case .timeout, .cancelled: HUB_TIMEOUT
                case .request: HUB_CONFIG
                case .overload: HUB_OVERLOAD
                case .rateLimited: HUB_RATE_LIMIT
                case .tooLarge, .protocol: HUB_PROTOCOL
                default: HUB_NETWORK
                }
            // Words for the log: why there was no answer.
            self.init(
                httpStatus: 0, failure: Int32(status), body: Array(failure.message.utf8),
                neverArrived: failure.kind == .connect)
        }
    }

    /// How long the vendor wants to be left alone; 0 = it does not say.
    func retryAfterNanoseconds(now: hub_now) -> Int64 {
        header("retry-after").flatMap { RetryAfter($0) }?.waitNanoseconds(wallNanoseconds: now.wall_ns) ?? 0
    }

    /// The first header of a name, in small letters.
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

extension SettingsTree {
    /// The tree with another value at a JSON pointer; as it is where there is none.
    func replacing(_ pointer: String, with value: SettingsTree) -> SettingsTree {
        guard !pointer.isEmpty else { return value }
        let rest = pointer.dropFirst()
        let part = rest.prefix { $0 != "/" }
        let below = String(rest.dropFirst(part.count))
        switch self {
        case .map(let entries):
            let key = JSONPointer.unescape(part)
            return .map(entries.map { ($0.0, $0.0 == key ? $0.1.replacing(below, with: value) : $0.1) })
        case .list(var items):
            guard let index = Int(part), items.indices.contains(index) else { return self }
            items[index] = items[index].replacing(below, with: value)
            return .list(items)
        default: return self
        }
    }
}
