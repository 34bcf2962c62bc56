/// Why a library cannot be used, in words for the operator.
public struct PluginRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, as it was found.
    public let file: String
    /// What was expected, what was found, what to do.
    public let reason: String

    public init(file: String, reason: String) {
        self.file = file
        self.reason = reason
    }

    public var description: String { "\(file): \(reason)" }
}
