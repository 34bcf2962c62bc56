package import EventFormat
package import HubFold
package import HubJournal
import PluginABI

/// Gives every record its number, appends it to the journal and folds it, with what the fold derives from it right
/// behind. Runs on one thread (the sequencer's, or the driver's in lockstep), inside the fold lock.
///
/// A record is taken whole or not at all: room in the journal is reserved before anything else is touched, so a full
/// disk leaves it with its source.
package final class Sequencer: DerivedOutput {
    /// Why nothing is taken just now.
    package struct Refusal: Error {
        package var cause: JournalError
    }

    package let journal: Journal
    package let fold: Fold
    let definitions: SharedDefinitions
    /// The last number given; everything up to here is in the journal and folded, but perhaps not yet published.
    package private(set) var last: UInt64
    /// `ts_recv` of the last record: it never goes backwards.
    package private(set) var lastReceivedNanoseconds: Int64
    /// Derived records that found no room behind their cause. They come first when there is room again.
    private var owed: [[UInt8]]
    private var definitionsChanged = false
    /// The hub's clock, for what no source has stamped.
    private let clock: () -> Int64

    /// - Parameter owed: derived records that recovery found missing; they come before anything else.
    package init(
        journal: Journal, fold: Fold, definitions: SharedDefinitions, last: UInt64, lastReceivedNanoseconds: Int64,
        owed: [[UInt8]] = [], clock: @escaping () -> Int64
    ) {
        self.clock = clock
        self.owed = owed
        self.journal = journal
        self.fold = fold
        self.definitions = definitions
        self.last = last
        self.lastReceivedNanoseconds = lastReceivedNanoseconds
    }

    // MARK: Input

    /// Takes records of one source as the host validated them: `stream` holds the plugin's handle. Returns the bytes
    /// taken, less than all when the journal has no room (`refusal` says why).
    package func take(_ records: UnsafeMutableRawBufferPointer, from source: Source) -> (bytes: Int, refusal: Refusal?)
    {
        var offset = 0
        var taken: UInt64 = 0
        var lastTaken: UnsafePointer<hub_record>?
        let base = records.baseAddress!
        var firstEvent: Int64 = 0
        var lastNumber: UInt64 = 0
        var standby: UInt64 = 0
        var lastStandby: UnsafePointer<hub_record>?
        defer {
            source.count(taken: taken, first: firstEvent, last: lastTaken, sequence: lastNumber)
            if standby > 0 { source.count(standby: standby, last: lastStandby) }
        }
        do throws(Refusal) {
            try settle()
            while offset < records.count {
                let record = (base + offset).assumingMemoryBound(to: hub_record.self)
                let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
                let handle = Int(record.pointee.stream)
                if handle >= source.streams.count || source.streams[handle] == 0 {
                    try define(handle: UInt32(handle), of: source)
                }
                let place = try reserve(lines: Int(record.pointee.lines))
                record.pointee.stream = source.streams[handle]
                let admission = fold.admit(record)
                if admission == .take {
                    // The head last: its `seq` is the commit word and stays zero until the rest is there.
                    place.copyMemory(from: record, byteCount: bytes)
                    commit(place)
                    if record.pointee.kind < 128, record.pointee.flags & UInt16(HUB_FLAG_BACKFILLED) == 0 {
                        if taken == 0 { firstEvent = record.pointee.ts_event }
                        taken += 1
                        lastNumber = place.assumingMemoryBound(to: hub_record.self).pointee.seq
                        lastTaken = UnsafePointer(record)
                    }
                } else if admission == .standby {
                    standby += 1
                    lastStandby = UnsafePointer(record)
                }
                offset += bytes
            }
        } catch {
            return (offset, error)
        }
        return (offset, nil)
    }

    /// Takes records that were fetched, `stream` already the journal's. Returns how many were taken and left out, and the bytes
    /// dealt with: less than all when the journal has no room.
    package func takeFetched(
        _ records: UnsafeMutableRawBufferPointer, receivedNanoseconds: Int64
    ) -> (accepted: Int, dropped: Int, bytes: Int, refusal: Refusal?) {
        var accepted = 0
        var dropped = 0
        var offset = 0
        guard let base = records.baseAddress else { return (0, 0, 0, nil) }
        do throws(Refusal) {
            try settle()
            while offset < records.count {
                let record = (base + offset).assumingMemoryBound(to: hub_record.self)
                let bytes = Int(record.pointee.lines) * Int(HUB_LINE)
                let place = try reserve(lines: Int(record.pointee.lines))
                record.pointee.ts_recv = receivedNanoseconds
                record.pointee.flags |= UInt16(HUB_FLAG_FETCHED | HUB_FLAG_BACKFILLED)
                if fold.admit(record) == .take {
                    place.copyMemory(from: record, byteCount: bytes)
                    commit(place)
                    accepted += 1
                } else {
                    dropped += 1
                }
                offset += bytes
                // What the fold made of it may have found no room; nothing goes before that.
                try settle()
            }
        } catch {
            return (accepted, dropped, offset, error)
        }
        return (accepted, dropped, offset, nil)
    }

    /// Takes one record that the hub made: a decision, a definition, a value of an indicator.
    /// - Returns: its number.
    @discardableResult
    package func take(_ record: [UInt8], receivedNanoseconds: Int64? = nil) throws(Refusal) -> UInt64 {
        try settle()
        return try append(record, receivedNanoseconds: receivedNanoseconds)
    }

    /// Whether nothing is waiting for room: only then does the fold's state agree with the journal's last record.
    package var isSettled: Bool { owed.isEmpty }

    /// Makes everything taken so far visible to readers.
    package func publish() {
        if definitionsChanged {
            definitions.replace(with: fold.definitions)
            definitionsChanged = false
        }
        journal.publish()
    }

    /// As `publish`, and in spite of `fsync`: in the middle of a batch, for the fold itself to read.
    package func makeReadable() {
        publish()
        // Nobody may see what is not synced, not even the fold; where that is promised it is paid for here.
        if journal.options.durability == .fsync { try? journal.sync() }
    }

    // MARK: Definitions

    /// The number of a stream, defined on the spot if it is new.
    package func stream(_ wanted: StreamDefinition) throws(Refusal) -> UInt32 {
        if let id = fold.streamID(symbol: wanted.symbol, source: wanted.source, marketCentre: wanted.marketCentre) {
            return id
        }
        var definition = wanted
        definition.id = fold.nextStreamID
        try define(HubRecord.define(definition))
        return definition.id
    }

    /// The number of a value definition, defined on the spot if it is new.
    package func value(_ wanted: ValueDefinition) throws(Refusal) -> UInt32 {
        for known in fold.definitions.values
        where known.name == wanted.name && known.interval == wanted.interval && known.outputs == wanted.outputs {
            return known.id
        }
        var definition = wanted
        definition.id = fold.nextDefinitionID
        try define(HubRecord.define(definition))
        return definition.id
    }

    private func define(_ record: [UInt8]) throws(Refusal) {
        var record = record
        let now = max(clock(), lastReceivedNanoseconds)
        record.withUnsafeMutableBytes { $0.storeBytes(of: now, toByteOffset: 8, as: Int64.self) }
        try take(record, receivedNanoseconds: now)
        definitionsChanged = true
    }

    private func define(handle: UInt32, of source: Source) throws(Refusal) {
        guard handle != 0 else {
            source.learn(handle: 0, stream: source.ownStream)
            return
        }
        let definition = source.definition(of: handle)
        if !definition.marketCentre.isEmpty {
            // Bars and values belong to the instrument at its own venue, whichever market centre closes them.
            var own = definition
            own.marketCentre = ""
            _ = try stream(own)
        }
        source.learn(handle: handle, stream: try stream(definition))
    }

    // MARK: DerivedOutput

    package func append(lines: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        if owed.isEmpty, let place = try? reserve(lines: lines) {
            fill(place)
            commit(place, folds: false)
            return
        }
        var bytes = [UInt8](repeating: 0, count: lines * Int(HUB_LINE))
        bytes.withUnsafeMutableBytes { fill($0.baseAddress!) }
        owed.append(bytes)
    }

    // MARK: The journal

    /// Writes what is owed from before.
    private func settle() throws(Refusal) {
        while let record = owed.first {
            let place = try reserve(lines: record.count / Int(HUB_LINE))
            record.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
            commit(place, folds: false)
            owed.removeFirst()
        }
    }

    private func append(_ record: [UInt8], receivedNanoseconds: Int64?) throws(Refusal) -> UInt64 {
        let place = try reserve(lines: record.count / Int(HUB_LINE))
        record.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        let head = place.assumingMemoryBound(to: hub_record.self)
        head.pointee.ts_recv = receivedNanoseconds ?? 0
        let number = last + 1
        commit(place)
        return number
    }

    private func reserve(lines: Int) throws(Refusal) -> UnsafeMutableRawPointer {
        do {
            return try journal.reserve(lines: lines)
        } catch {
            throw Refusal(cause: error)
        }
    }

    private func commit(_ place: UnsafeMutableRawPointer, folds: Bool = true) {
        let head = place.assumingMemoryBound(to: hub_record.self)
        if head.pointee.ts_recv < lastReceivedNanoseconds { head.pointee.ts_recv = lastReceivedNanoseconds }
        lastReceivedNanoseconds = head.pointee.ts_recv
        last += 1
        journal.commit(place, seq: last)
        if folds { fold.apply(UnsafePointer(head), self) }
    }
}
