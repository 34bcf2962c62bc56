import PluginABI

/// An error as the host wants it: what kind, what happened and what to do about it, and for settings where.
public struct PluginError: Error, Sendable, CustomStringConvertible {
    /// The kind of an error; it decides what the host does next (try again, ask for a login, give up).
    public enum Status: Int32, Sendable {
        case configuration = 1
        case authentication = 2
        case entitlement = 3
        case unsupported = 4
        case notFound = 5
        case rateLimit = 6
        case protocolViolation = 7
        case network = 8
        case timeout = 9
        case overload = 10
        case `internal` = 11
    }

    public var status: Status
    /// What happened and what to do about it, for people. The host keeps the first 511 bytes.
    public var text: String
    /// JSON pointer into the settings, such as `/files/0/path`; empty if the error is not about a setting.
    public var pointer: String
    /// Advice when to try again; nil = none.
    public var retryAfterMilliseconds: Int32?

    /// Makes an error.
    public init(_ status: Status, _ text: String, at pointer: String = "", retryAfterMilliseconds: Int32? = nil) {
        self.status = status
        self.text = text
        self.pointer = pointer
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// An error about the setting at a JSON pointer.
    public static func setting(_ pointer: String, _ text: String) -> PluginError {
        PluginError(.configuration, text, at: pointer)
    }

    public var description: String { pointer.isEmpty ? text : "\(pointer): \(text)" }
}

/// Gathers what is wrong with settings, so that the operator learns all of it in one run.
///
/// The ABI carries one JSON pointer, so ``throwIfAny()`` points at the first problem and names the others in its text.
public struct SettingsProblems {
    private var problems: [(pointer: String, text: String)] = []

    /// An empty list.
    public init() {}

    /// Whether nothing was found.
    public var isEmpty: Bool { problems.isEmpty }

    /// Adds a problem with the setting at a JSON pointer.
    public mutating func add(_ pointer: String, _ text: String) {
        problems.append((pointer, text))
    }

    /// Throws one ``PluginError`` for everything that was added.
    public func throwIfAny() throws {
        guard let first = problems.first else { return }
        var text = first.text
        for problem in problems.dropFirst() {
            text += "; also \(problem.pointer): \(problem.text)"
        }
        throw PluginError.setting(first.pointer, text)
    }
}

/// Writes an error into the host's struct and returns the status to hand back.
func report(_ error: any Error, to target: UnsafeMutablePointer<hub_error>?) -> hub_status {
    let known = error as? PluginError ?? PluginError(.internal, String(describing: error))
    if let target {
        target.pointee.retry_after_ms = known.retryAfterMilliseconds ?? -1
        withUnsafeMutableBytes(of: &target.pointee.text) { copy(known.text, to: $0) }
        withUnsafeMutableBytes(of: &target.pointee.pointer) { copy(known.pointer, to: $0) }
    }
    return known.status.rawValue
}

/// Copies text with a terminating zero, cut between characters where it does not fit.
private func copy(_ text: String, to target: UnsafeMutableRawBufferPointer) {
    var text = text
    text.withUTF8 { source in
        var length = min(source.count, target.count - 1)
        while length < source.count, length > 0, source[length] & 0xC0 == 0x80 { length -= 1 }
        if length > 0, let from = source.baseAddress, let to = target.baseAddress {
            to.copyMemory(from: from, byteCount: length)
        }
        target[length] = 0
    }
}
