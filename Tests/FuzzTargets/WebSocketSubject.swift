import HubNet

/// Bytes of a server behind the upgrade: whole, and cut anywhere, they must be the same messages.
final class WebSocketSubject: FuzzSubject {
    private static let limit = 1 << 18

    func take(_ bytes: UnsafeRawBufferPointer) throws {
        for isCompressed in [false, true] {
            let whole = decode(bytes, cut: bytes.count, isCompressed)
            for cut in [bytes.count / 2, bytes.count / 3, 1] where decode(bytes, cut: cut, isCompressed) != whole {
                throw FuzzFailure("cut at \(cut) the bytes are other messages")
            }
        }
    }

    /// What came out: sizes and sums of messages, and the violation that ended it.
    private func decode(_ bytes: UnsafeRawBufferPointer, cut: Int, _ isCompressed: Bool) -> [String] {
        let decoder = MessageDecoder(
            limit: Self.limit,
            inflater: isCompressed ? MessageInflater(keepsContext: true, limit: Self.limit) : nil)
        var seen: [String] = []
        var start = 0
        for end in [min(cut, bytes.count), bytes.count] {
            while start < end {
                do throws(Violation) {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                    var consumed = 0
                    let item = try decoder.next(rest, consumed: &consumed)
                    start += consumed
                    switch item {
                    case .incomplete: break
                    case .part: continue
                    case .message(let message, let isText): seen.append("message \(isText) \(Self.sum(message))")
                    case .ping(let payload): seen.append("ping \(Self.sum(payload))")
                    case .pong(let payload): seen.append("pong \(Self.sum(payload))")
                    case .close(let code, let reason): return seen + ["close \(code ?? 0) \(reason)"]
                    }
                    if case .incomplete = item { break }
                } catch {
                    return seen + ["\(error.code)"]
                }
            }
        }
        return seen
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer) -> String {
        "\(bytes.count) \(bytes.reduce(into: UInt64(0)) { $0 = $0 &* 31 &+ UInt64($1) })"
    }
}
