/// Which instrument is subscribed on which connection, and how each connection stands.
///
/// Vendors limit what one connection carries; an instrument goes to the first connection that has room, and stays there.
public struct FeedLines<Key: Hashable & Sendable, Mode: Hashable & Sendable>: Sendable {
    /// A subscribed instrument.
    public struct Item: Sendable {
        public var handle: UInt32
        public var key: Key
        public var mode: Mode
        /// Place of its connection in ``FeedLines/lines``.
        public var line: Int
    }

    /// What a connection is doing.
    public enum Phase: Sendable {
        case down, opening, open
    }

    /// One connection.
    public struct Line: Sendable {
        public var phase = Phase.down
        /// Wall time of the last frame of any kind; 0 = none yet.
        public var lastFrame: Int64 = 0
        /// When data began to be lost; nil = none is.
        public var lostSince: Int64?
        /// Its instruments by mode.
        public var modes: [Mode: Int] = [:]

        /// Instruments on it.
        public var count: Int { modes.values.reduce(0, +) }
    }

    public var lines: [Line] = []
    public private(set) var items: [UInt32: Item] = [:]
    private var handles: [Key: UInt32] = [:]
    private let mostLines: Int

    /// At most so many connections.
    public init(mostLines: Int) { self.mostLines = mostLines }

    /// The instrument that a key is subscribed for.
    public func handle(of key: Key) -> UInt32? { handles[key] }

    /// Puts an instrument on the first connection with room for it; nil = all are full.
    public mutating func add(_ handle: UInt32, key: Key, mode: Mode, fits: ([Mode: Int]) -> Bool) -> Int? {
        for index in 0..<mostLines {
            if index == lines.count { lines.append(Line()) }
            var modes = lines[index].modes
            modes[mode, default: 0] += 1
            guard fits(modes) else { continue }
            lines[index].modes = modes
            items[handle] = Item(handle: handle, key: key, mode: mode, line: index)
            handles[key] = handle
            return index
        }
        return nil
    }

    /// Takes an instrument off its connection.
    @discardableResult
    public mutating func remove(_ handle: UInt32) -> Item? {
        guard let item = items.removeValue(forKey: handle) else { return nil }
        handles[item.key] = nil
        leave(item)
        return item
    }

    /// Changes the mode of an instrument where it is.
    public mutating func change(_ handle: UInt32, to mode: Mode) {
        guard let item = items[handle] else { return }
        leave(item)
        lines[item.line].modes[mode, default: 0] += 1
        items[handle]?.mode = mode
    }

    private mutating func leave(_ item: Item) {
        let left = lines[item.line].modes[item.mode, default: 1] - 1
        lines[item.line].modes[item.mode] = left > 0 ? left : nil
    }

    /// The instruments of a connection, by handle.
    public func items(of line: Int) -> [Item] {
        items.values.filter { $0.line == line }.sorted { $0.handle < $1.handle }
    }

    /// Whether any connection is in a phase.
    public func has(_ phase: Phase) -> Bool { lines.contains { $0.phase == phase } }
}

extension Array {
    /// Pieces of at most so many elements, in order.
    public func pieces(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
