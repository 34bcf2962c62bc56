/// The other side broke the rules of WebSocket: what it is told, and why.
package struct Violation: Error, Equatable {
    /// RFC 6455, section 7.4.1.
    package let code: UInt16
    package let reason: String

    static func broken(_ reason: String) -> Violation { Violation(code: 1002, reason: reason) }
    static func badData(_ reason: String) -> Violation { Violation(code: 1007, reason: reason) }

    static func tooBig(limit: Int) -> Violation {
        Violation(code: 1009, reason: "a message is longer than \(limit) bytes")
    }
}
