/// Why bytes are no chunk: where they differ from one, what was expected there and what was found.
public struct ChunkError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
