public import PluginABI

/// All definitions of streams and values seen so far, by their dense numbers.
///
/// A value: copies share what did not change, so a copy for each reader is cheap even with many thousands of streams.
/// Looking a number up costs two array reads.
public struct DefinitionTable: Sendable {
    private var streamPages = Pages<StreamDefinition>()
    private var valuePages = Pages<ValueDefinition>()

    public init() {}

    /// Takes in a `define` record; other records, and ones whose texts do not fit, are left alone.
    ///
    /// - Returns: whether it was a definition. A number that is defined again takes the newer definition.
    @discardableResult
    public mutating func learn(_ record: UnsafePointer<hub_record>) -> Bool {
        guard Int(record.pointee.kind) == HUB_DEFINE else { return false }
        if let stream = StreamDefinition(record) {
            learn(stream)
            return true
        }
        if let value = ValueDefinition(record) {
            learn(value)
            return true
        }
        return false
    }

    public mutating func learn(_ definition: StreamDefinition) {
        streamPages.store(definition, at: definition.id)
    }

    public mutating func learn(_ definition: ValueDefinition) {
        valuePages.store(definition, at: definition.id)
    }

    /// The stream with this id; `nil` for 0 (the hub itself) and for ids not defined.
    public func stream(_ id: UInt32) -> StreamDefinition? { streamPages[id] }

    /// The value definition with this number.
    public func value(_ id: UInt32) -> ValueDefinition? { valuePages[id] }

    /// All streams, by id.
    public var streams: [StreamDefinition] { streamPages.all }

    /// All value definitions, by number.
    public var values: [ValueDefinition] { valuePages.all }

    /// One more than the greatest stream id: the next free one.
    public var nextStreamID: UInt32 { max(1, streamPages.end) }

    /// One more than the greatest value definition's number.
    public var nextDefinitionID: UInt32 { max(1, valuePages.end) }

    /// The name of the source of a stream; `hub` for stream 0.
    public func sourceName(ofStream id: UInt32) -> String? {
        id == 0 ? "hub" : stream(id)?.source
    }
}

/// A sparse array in pages, so that adding one element after a copy copies one page and not everything.
private struct Pages<Element: Sendable>: Sendable {
    private static var pageSize: UInt32 { 64 }
    /// Ids are dense; one beyond this can only be damage, and must not cost memory.
    private static var limit: UInt32 { 1 << 24 }

    private var pages: [[Element?]] = []
    private(set) var end: UInt32 = 0

    subscript(id: UInt32) -> Element? {
        guard id < end else { return nil }
        let page = pages[Int(id / Self.pageSize)]
        return page.isEmpty ? nil : page[Int(id % Self.pageSize)]
    }

    mutating func store(_ element: Element, at id: UInt32) {
        guard id < Self.limit else { return }
        let page = Int(id / Self.pageSize)
        while pages.count <= page { pages.append([]) }
        if pages[page].isEmpty { pages[page] = Array(repeating: nil, count: Int(Self.pageSize)) }
        pages[page][Int(id % Self.pageSize)] = element
        end = max(end, id + 1)
    }

    var all: [Element] { pages.flatMap { $0.compactMap { $0 } } }
}
