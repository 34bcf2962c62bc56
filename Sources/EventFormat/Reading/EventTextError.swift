/// Why a text is not an event.
public struct EventTextError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Byte of the line at which it shows, from 1.
    public var column: Int
    /// What was found and what was expected.
    public var message: String

    public init(column: Int, _ message: String) {
        self.column = column
        self.message = message
    }

    public var description: String { "column \(column): \(message)" }
}
