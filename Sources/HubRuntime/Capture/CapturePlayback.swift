import HubCapture
import HubModel
import PluginABI

/// What the host answers a plugin while a recording is played back: what it answered then. The player's thread.
final class CapturePlayback: @unchecked Sendable {
    private struct Key: Hashable {
        var call: UInt8
        var text: String
    }

    /// Answers that were given during the input that is played, in their order.
    private var replies: [Key: [CaptureReply]] = [:]
    /// Connections and requests that the plugin asked for and did not then, or the other way around.
    private(set) var differences: [String] = []
    private(set) var differenceCount = 0

    private static let mostTold = 5

    /// An input is played next, with the answers that were given during it.
    func begin(_ given: [CaptureReply]) {
        replies = [:]
        for reply in given { replies[Key(call: reply.call.rawValue, text: reply.key), default: []].append(reply) }
    }

    /// It is over.
    func end() {
        for (key, left) in replies.sorted(by: { $0.key.text < $1.key.text }) {
            guard let call = CaptureReply.Call(rawValue: key.call), call == .connect || call == .request else {
                continue
            }
            for _ in left { differ("did not ask for \(key.text), as it did when it was recorded") }
        }
        replies = [:]
    }

    private func differ(_ text: String) {
        differenceCount += 1
        if differences.count < Self.mostTold { differences.append(text) }
    }

    private func next(_ call: CaptureReply.Call, _ key: String) -> CaptureReply? {
        let key = Key(call: call.rawValue, text: key)
        guard var left = replies[key], !left.isEmpty else { return nil }
        let reply = left.removeFirst()
        replies[key] = left
        return reply
    }

    // MARK: The host's side

    /// A connection or a request.
    func answer(_ call: CaptureReply.Call, _ key: String) throws(PluginFailure) {
        guard let reply = next(call, key) else {
            return differ("asked for \(key), which it did not when it was recorded")
        }
        if Int(reply.status) != HUB_OK {
            throw PluginFailure(status: reply.status, text: String(decoding: reply.bytes, as: UTF8.self))
        }
    }

    func send(_ connection: UInt32) -> hub_status {
        next(.send, "\(connection)")?.status ?? hub_status(HUB_OK)
    }

    func kept(_ name: String) -> (token: String, expiresNanoseconds: Int64)? {
        guard let reply = next(.kept, name), reply.status == 1 else { return nil }
        return (CaptureSetup.placeholder, reply.number)
    }

    func stored(_ key: String) -> [UInt8]? {
        guard let reply = next(.stored, key), reply.status == 1 else { return nil }
        return reply.bytes
    }

    func mayDefine(_ key: String) -> Bool { next(.define, key).map { $0.status == 1 } ?? true }

    // MARK: Inputs

    static func answer(_ recorded: CaptureAnswer) -> VendorAnswer {
        var answer = VendorAnswer(httpStatus: Int(recorded.httpStatus), failure: recorded.failure)
        answer.headers = recorded.headers.map { ($0.name, $0.value) }
        answer.body = recorded.body
        if recorded.isWithheld {
            let pointers = String(decoding: recorded.body, as: UTF8.self).split(separator: "\n").map(String.init)
            var tree = SettingsTree.map([])
            for pointer in pointers { tree = tree.placing(CaptureSetup.placeholder, at: pointer.dropFirst()) }
            answer.body = tree.json()
        }
        return answer
    }
}

extension SettingsTree {
    /// The tree with a text at a path of keys, made where there are none.
    fileprivate func placing(_ text: String, at path: Substring) -> SettingsTree {
        let part = path.prefix { $0 != "/" }
        let below = path.dropFirst(part.count + 1)
        let key = JSONPointer.unescape(part)
        var entries = mapValue ?? []
        let old = entries.first { $0.0 == key }?.1 ?? .map([])
        entries.removeAll { $0.0 == key }
        entries.append((key, below.isEmpty ? .text(text) : old.placing(text, at: below)))
        return .map(entries)
    }
}
