import EventFormat
import NIOCore
import PluginABI

/// Reads the journal once for all who catch up and want little of it.
///
/// A thousand clients that come back, each for one instrument of hundreds, would go through the same records a thousand times,
/// and never arrive where more come in faster. So those whose filters find little wait here, and one sweep after the other goes
/// from the first of them up to where the fan-out stands: it takes up each client where it stands and gives it what is its own,
/// by the same index as new records. A client that does not take what it is given, or wants much after all, reads on alone.
///
/// Belongs to the event loop of its fan-out.
final class SharedReading {
    /// Records that are looked at together, in bytes: also what a message to one of the clients is made of.
    private static let chunkBytes = 1 << 20

    private var members: [StreamConnection] = []
    private var reader: (any LogReader)?
    /// Up to here the sweep has come.
    private var position: UInt64 = 0

    var isEmpty: Bool { members.isEmpty }

    /// Takes in a connection that is in line; it stays so.
    func add(_ connection: StreamConnection) {
        connection.reader = nil
        members.append(connection)
    }

    /// Goes on by one chunk.
    func step(_ fanOut: FanOut) {
        let waiting = members
        members.removeAll(keepingCapacity: true)
        for connection in waiting {
            if connection.mayShareReading {
                members.append(connection)
            } else {
                connection.isQueued = false
                fanOut.enqueue(connection)
            }
        }
        guard !members.isEmpty else {
            reader = nil
            return
        }
        aim(fanOut)
        guard let reader else { return }
        switch reader.next(maxBytes: Self.chunkBytes) {
        case .caughtUp: self.reader = nil
        case .hole(_, let before):
            // What is left of it in the store each reads for itself.
            self.reader = nil
            for connection in members where connection.ownPosition < before { connection.sparsity = 1 }
        case .records(let chunk): give(chunk, fanOut)
        }
    }

    /// Makes the sweep go on where the next client stands, or begin anew.
    private func aim(_ fanOut: FanOut) {
        var lowest = UInt64.max
        var next = UInt64.max
        for connection in members {
            lowest = min(lowest, connection.ownPosition)
            if connection.ownPosition >= position { next = min(next, connection.ownPosition) }
        }
        if reader != nil, next != .max, next - position < UInt64(Self.chunkBytes / Int(HUB_LINE)) { return }
        position = reader != nil && next != .max ? next : lowest
        reader = fanOut.log.reader(after: position)
    }

    private func give(_ chunk: UnsafeRawBufferPointer, _ fanOut: FanOut) {
        let readers = members.filter { $0.ownPosition >= position }
        for connection in readers { connection.group?.readers.append(connection) }
        let (last, received, isWhole) = fanOut.collect(chunk)
        for connection in readers { connection.group?.readers.removeAll(keepingCapacity: true) }
        position = max(position, last)
        // What lies beyond the fan-out is read again.
        if !isWhole { reader = nil }
        for connection in readers { connection.deliverCollected(through: last, received: received) }
    }
}

extension FanOut {
    /// Adds the events of a chunk to the messages of those readers of the groups that stand before them.
    ///
    /// - Returns: the last position that was looked at, when it was received, and whether the fan-out has seen all of the chunk.
    fileprivate func collect(_ chunk: UnsafeRawBufferPointer) -> (seq: UInt64, received: Int64, isWhole: Bool) {
        guard let base = chunk.baseAddress else { return (0, 0, true) }
        let index = index
        var offset = 0
        var seq: UInt64 = 0
        var received: Int64 = 0
        while offset < chunk.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            guard record.pointee.seq <= position else { return (seq, received, false) }
            seq = record.pointee.seq
            received = record.pointee.ts_recv
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            index.forEach(record) { group in
                for reader in group.readers where reader.ownPosition < seq {
                    let event = encoders.encode(record, style: group.encoder, definitions: definitions)
                    reader.collect(event, record, definitions)
                }
            }
        }
        return (seq, received, true)
    }
}

extension StreamConnection {
    /// Whether it reads on without any conditions, and found little in what it read so far.
    var mayShareReading: Bool {
        guard case .reading = feed, case .none = conflation, sparsity >= 4, walk == nil, pending == nil else {
            return false
        }
        return session.bound == nil && !isHeld && !clock.isPaced && isWritable && ownPosition < fanOut.position
    }

    fileprivate func collect(
        _ event: UnsafeRawBufferPointer, _ record: UnsafePointer<hub_record>, _ definitions: borrowing DefinitionTable
    ) {
        if builder.isFull(adding: event.count) { collected.append(builder.cut()) }
        builder.append(event, record, definitions)
    }

    /// Sends what was collected; everything matching up to that position is sent then.
    fileprivate func deliverCollected(through seq: UInt64, received: Int64) {
        var frames = collected
        collected.removeAll()
        if !builder.isEmpty { frames.append(builder.cut()) }
        guard case .reading = feed, ownPosition < seq else { return }
        if frames.reduce(0, { $0 + $1.buffer.readableBytes }) > 4 * FanOut.readingBytes { sparsity = 1 }
        for frame in frames { deliver(frame) }
        // A write can find that the socket is gone.
        guard case .reading = feed else { return }
        readReceived = received
        clock.note(received: received)
        ownPosition = max(ownPosition, seq)
    }
}
