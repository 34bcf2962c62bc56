import EventFormat
import HubModel
import PluginABI

/// Records of the past that come beside the sources: imports, and history that was asked for.
extension Engine {
    /// So much is taken in a turn: others who wait for the fold get theirs in between.
    private static let turnBytes = 256 << 10
    /// So long a batch waits for room on the disk.
    private static let patienceNanoseconds: Int64 = 10_000_000_000

    public func takeBackfill(_ batch: BackfillBatch) throws -> BackfillResult {
        let check = try BackfillCheck(batch, isSource: { configuration.provider($0) != nil })
        return try backfillTurn.withLock { _ in try take(check, source: batch.source) }
    }

    private func take(_ check: BackfillCheck, source: String) throws -> BackfillResult {
        var result = BackfillResult(accepted: 0, dropped: 0, last: journal.head)
        guard isRunning.load(ordering: .acquiring) else { throw BackfillError("the hub is not running") }
        guard check.bytes > 0 else { return result }
        let isSimulated = configuration.provider(source)?.plugin.traits.contains(.simulated) == true
        func definition(_ symbol: String, _ centre: String = "") -> StreamDefinition {
            StreamDefinition(
                id: 0, symbol: symbol, source: source, marketCentre: centre, instrumentType: 0, currency: "",
                calendar: "",
                tickSize: .nan, lotSize: .nan, simulated: isSimulated)
        }
        var own: UInt32 = 0
        var streams: [UInt32] = []
        try whenThereIsRoom { () throws(Sequencer.Refusal) in
            own = try sequencer.stream(definition(""))
            streams = []
            for (symbol, centre) in zip(check.symbols, check.marketCentres) {
                streams.append(try sequencer.stream(definition(symbol, centre)))
            }
        } orFail: {
            BackfillError("nothing was taken in, there is no room for it: \($0)")
        }
        check.name(streams)
        var done = 0
        while done < check.bytes {
            let turn = check.turn(from: done, limit: Self.turnBytes)
            var taken = 0
            try whenThereIsRoom { () throws(Sequencer.Refusal) in
                let rest = UnsafeMutableRawBufferPointer(rebasing: turn[taken...])
                let step = sequencer.takeFetched(rest, receivedNanoseconds: wallNanoseconds)
                result.accepted += step.accepted
                result.dropped += step.dropped
                taken += step.bytes
                if let refusal = step.refusal { throw refusal }
            } orFail: {
                BackfillError(
                    "\(result.accepted) records were taken in and \(result.dropped) left out; for the rest there is no "
                        + "room: \($0). Bring the rest again when there is")
            }
            done += taken
        }
        try whenThereIsRoom { () throws(Sequencer.Refusal) in
            try sequencer.take(
                HubRecord.fetchedEnd(stream: own, at: wallNanoseconds), receivedNanoseconds: wallNanoseconds)
            result.last = sequencer.last
        } orFail: {
            BackfillError(
                "everything was taken in, but bars that it changed come later, there is no room for them now: \($0)")
        }
        if journal.options.durability == .fsync { try journal.sync() }
        return result
    }

    /// Runs a turn of the sequencer, again while the disk is full, until patience ends.
    private func whenThereIsRoom(
        _ turn: () throws(Sequencer.Refusal) -> Void, orFail error: (String) -> BackfillError
    ) throws {
        let end = MonotonicClock.now + Self.patienceNanoseconds
        let pause = WakeEvent()
        while true {
            var reason = intake.reason ?? "the hub stops"
            if isRunning.load(ordering: .acquiring), intake.isOpen {
                let refusal: Sequencer.Refusal? = lock.withLock {
                    defer { sequencer.publish() }
                    do throws(Sequencer.Refusal) {
                        try turn()
                        return nil
                    } catch {
                        intake.close(because: error.cause, now: wallNanoseconds)
                        return error
                    }
                }
                guard let refusal else { return }
                reason = "\(refusal.cause)"
            }
            guard isRunning.load(ordering: .acquiring), MonotonicClock.now < end else { throw error(reason) }
            pause.wait(nanoseconds: 100_000_000)
        }
    }
}

/// A batch that was found sound, in memory of its own.
final class BackfillCheck {
    private let space: UnsafeMutableRawBufferPointer
    let bytes: Int
    let symbols: [String]
    let marketCentres: [String]

    private static let kinds: Set<Int> = [HUB_TRADE, HUB_QUOTE, HUB_TICK, HUB_BOOK, HUB_BAR, HUB_GREEKS]

    /// - Throws: `BackfillError`, naming the first record with a fault.
    init(_ batch: BackfillBatch, isSource: (String) -> Bool) throws(BackfillError) {
        guard batch.source == "import" || isSource(batch.source) else {
            throw BackfillError("there is no provider '\(batch.source)'; name one of hub.yaml, or 'import'")
        }
        for text in batch.symbols {
            do {
                let symbol = try Symbol(text)
                guard symbol.text == text else { throw BackfillError("'\(text)' is to be written \(symbol.text)") }
            } catch let error as BackfillError {
                throw error
            } catch {
                throw BackfillError("'\(text)' is not a symbol: \(error)")
            }
        }
        symbols = batch.symbols
        marketCentres = batch.marketCentres.isEmpty ? symbols.map { _ in "" } : batch.marketCentres
        guard marketCentres.count == symbols.count else {
            throw BackfillError("there are \(marketCentres.count) market centres for \(symbols.count) symbols")
        }
        let count = batch.records.count
        guard count % Int(HUB_LINE) == 0 else {
            throw BackfillError("the records are \(count) bytes, which is not a number of whole lines of \(HUB_LINE)")
        }
        space = .allocate(byteCount: max(count, Int(HUB_LINE)), alignment: Int(HUB_LINE))
        bytes = count
        space.copyBytes(from: batch.records)
        try Self.check(UnsafeMutableRawBufferPointer(rebasing: space[..<count]), symbols: symbols.count)
    }

    deinit { space.deallocate() }

    private static func check(_ space: UnsafeMutableRawBufferPointer, symbols: Int) throws(BackfillError) {
        guard let base = space.baseAddress, !space.isEmpty else { return }
        var offset = 0
        var number = 0
        while offset < space.count {
            number += 1
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            let size = Int(record.pointee.lines) * Int(HUB_LINE)
            guard size > 0, size <= space.count - offset else {
                throw BackfillError("record \(number) has \(record.pointee.lines) lines, which do not fit the batch")
            }
            guard kinds.contains(Int(record.pointee.kind)) else {
                throw BackfillError(
                    "record \(number) is of kind \(record.pointee.kind); only trade, quote, tick, book, bar and greeks "
                        + "are taken in")
            }
            guard record.pointee.stream < symbols else {
                throw BackfillError("record \(number) names symbol \(record.pointee.stream) of \(symbols)")
            }
            guard record.pointee.ts_event != 0 else {
                throw BackfillError("record \(number) has no time; give the time at which it happened")
            }
            // Handles of a source begin at 1.
            record.pointee.stream += 1
            offset += size
        }
        var check = RecordCheck(handleCount: UInt32(symbols) + 1)
        _ = check.run(space, receivedNanoseconds: 0)
        if let fault = check.firstFault {
            let place = check.firstFaultNumber
            throw BackfillError("record \(place) cannot be taken in: \(fault.reason)")
        }
    }

    /// From here on records name streams of the journal: one for each symbol.
    func name(_ streams: [UInt32]) {
        var offset = 0
        while offset < bytes {
            let record = (space.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
            record.pointee.stream = streams[Int(record.pointee.stream) - 1]
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
    }

    /// Whole records from a place on, about `limit` bytes of them.
    func turn(from start: Int, limit: Int) -> UnsafeMutableRawBufferPointer {
        var end = start
        while end < bytes, end - start < limit {
            end += Int(space.load(fromByteOffset: end, as: UInt8.self)) * Int(HUB_LINE)
        }
        return UnsafeMutableRawBufferPointer(rebasing: space[start..<end])
    }
}
