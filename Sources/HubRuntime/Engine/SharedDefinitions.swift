public import EventFormat
import Synchronization

/// The definitions of streams and values, shared between the sequencer (the only writer) and every reader.
///
/// A reader keeps a copy and asks for a new one when a record names a number it does not know: definitions are journaled
/// before they are used, and published here before the journal is.
public final class SharedDefinitions: Sendable {
    private let table: Mutex<DefinitionTable>
    private let counter = Atomic<Int>(0)

    public init(_ table: DefinitionTable) {
        self.table = Mutex(table)
    }

    /// Grows with every change; cheap to look at before copying.
    public var version: Int { counter.load(ordering: .acquiring) }

    /// A copy of all definitions so far.
    public func snapshot() -> DefinitionTable {
        table.withLock { $0 }
    }

    /// Replaces the table; called by the sequencer before it publishes the records that use it.
    public func replace(with newer: DefinitionTable) {
        table.withLock { $0 = newer }
        counter.add(1, ordering: .releasing)
    }
}
