/// A decoder that is given any bytes at all, through the plugin or layer it belongs to.
package struct FuzzTarget: Sendable {
    /// The vendor or layer and what is decoded: also the folder of its corpus.
    package let name: String
    /// Whether its messages are text, which is mutated by words too.
    package let isText: Bool
    package let make: @Sendable () throws -> any FuzzSubject

    package static let all = zerodha + upstox + finnhub + twelvedata + layers

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// What decodes, with its state: one message after the other, as a vendor would send them.
package protocol FuzzSubject: AnyObject {
    /// Decodes; refusing is as good as reading. Throws a ``FuzzFailure`` where it does what it must not.
    func take(_ bytes: UnsafeRawBufferPointer) throws
}

/// A decoder did not crash, but did what it must not.
package struct FuzzFailure: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
