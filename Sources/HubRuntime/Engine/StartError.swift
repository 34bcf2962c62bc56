/// Why the hub does not start, in words that name the place and the remedy.
public struct StartError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
