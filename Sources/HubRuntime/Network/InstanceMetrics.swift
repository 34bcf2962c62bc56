import Synchronization

/// Numbers that a plugin tells about itself, for `/metrics`.
package final class InstanceMetrics: Sendable {
    package enum Value: Sendable, Equatable {
        case count(UInt64)
        case gauge(Double)
    }

    private let values = Mutex<[String: Value]>([:])
    private static let most = 64

    func count(_ name: String, by count: UInt64) {
        set(name) { old in
            if case .count(let before) = old { .count(before &+ count) } else { .count(count) }
        }
    }

    func gauge(_ name: String, _ value: Double) {
        set(name) { _ in .gauge(value) }
    }

    private func set(_ name: String, _ body: (Value?) -> Value) {
        values.withLock { values in
            guard values[name] != nil || (values.count < Self.most && Self.isName(name)) else { return }
            values[name] = body(values[name])
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z"), name.utf8.count <= 64
        else { return false }
        return name.utf8.allSatisfy {
            ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z")) || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
                || $0 == UInt8(ascii: "_")
        }
    }

    /// All of them, by name.
    package var all: [(name: String, value: Value)] {
        values.withLock { $0.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }
}
