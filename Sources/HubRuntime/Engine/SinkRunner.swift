import EventFormat
import HubJournal
import HubModel
import PluginABI

/// One sink behind a durable cursor over the journal: what its filter lets through goes to the plugin in batches; the
/// cursor moves when the plugin says that it is durable. Used by one thread.
///
/// A batch the plugin refuses comes again, in order, after its hint or the next step of the back-off; nothing is skipped.
/// What retention has taken is told as a hole.
final class SinkRunner {
    struct Filter: Sendable {
        var selector: EventSelector
        var patterns: [SymbolPattern]
        var takesSimulated: Bool
    }

    struct Settings: Sendable {
        var batchEvents: Int
        var batchNanoseconds: Int64
        var backoffMinimumNanoseconds: Int64
        var backoffMaximumNanoseconds: Int64
    }

    enum Outcome: Equatable {
        /// Something was read; there may be more.
        case worked
        /// Nothing to do until the journal grows or this many nanoseconds are over.
        case idle(nanoseconds: Int64)
    }

    let name: String
    private let instance: SinkInstance
    private let filter: Filter
    private let settings: Settings
    private let journal: Journal
    private let belongs: (String) -> Bool
    private var reader: JournalReader
    private var definitions: DefinitionTable
    private let shared: SharedDefinitions
    private var sharedVersion: Int
    /// Streams whose definition the plugin has seen since it was started, and whether their records are for this sink.
    private var isTold: [Bool] = []
    private var isWanted: [Bool?] = []
    private var toldValues: Set<UInt32> = []

    /// Everything up to here was read and, where it was for this sink, is in `pending` or was taken by the plugin.
    private(set) var readThrough: UInt64
    /// Where the cursor stood when the first batch that is under way began: it never goes back behind that.
    private var settledThrough: UInt64
    private var pending: [UInt8] = []
    private var pendingOffsets: [Int] = []
    private var pendingFirst: UInt64 = 0
    private var pendingSinceNanoseconds: Int64 = 0
    private var inFlight: [(last: UInt64, bytes: Int)] = []
    private var backoffNanoseconds: Int64 = 0
    private var notBeforeNanoseconds: Int64 = 0

    private(set) var written: UInt64 = 0
    private(set) var retries: UInt64 = 0
    private(set) var lastError: String?

    /// At most so much is taken by the plugin and not yet acknowledged.
    private static let maximumBatches = 4
    private static let maximumBytes = 4 << 20

    init(
        name: String, instance: SinkInstance, filter: Filter, settings: Settings, journal: Journal,
        definitions: SharedDefinitions, after position: UInt64, belongs: @escaping (String) -> Bool
    ) {
        self.name = name
        self.instance = instance
        self.filter = filter
        self.settings = settings
        self.journal = journal
        self.belongs = belongs
        reader = journal.reader(after: position)
        readThrough = position
        settledThrough = position
        shared = definitions
        sharedVersion = definitions.version
        self.definitions = definitions.snapshot()
    }

    /// Everything up to here is durable with the sink: its cursor.
    var acknowledged: UInt64 {
        // What was read and was not for this sink needs no acknowledgement.
        inFlight.isEmpty && pendingOffsets.isEmpty ? readThrough : max(settledThrough, instance.acknowledged)
    }

    /// One turn. `now` is wall-clock nanoseconds.
    func step(now: Int64) -> Outcome {
        let durable = instance.acknowledged
        inFlight.removeAll { $0.last <= durable }
        if now < notBeforeNanoseconds { return .idle(nanoseconds: notBeforeNanoseconds - now) }
        if shouldSend(now: now) { return send(now: now) }
        guard hasRoom else {
            flush(now: now, withinNanoseconds: settings.batchNanoseconds)
            return .idle(nanoseconds: 10_000_000)
        }
        switch reader.next(maxBytes: 1 << 18) {
        case .records(let bytes, _, let last):
            gather(bytes, now: now)
            readThrough = last
            return .worked
        case .hole(let after, let before):
            instance.hole(first: after + 1, last: before - 1)
            readThrough = before - 1
            return .worked
        case .caughtUp:
            if !pendingOffsets.isEmpty {
                return .idle(nanoseconds: max(1_000_000, pendingSinceNanoseconds + settings.batchNanoseconds - now))
            }
            if !inFlight.isEmpty {
                flush(now: now, withinNanoseconds: settings.batchNanoseconds)
                return .idle(nanoseconds: 50_000_000)
            }
            return .idle(nanoseconds: settings.batchNanoseconds)
        }
    }

    /// Sends what is there and has the plugin make it durable. For the end of the process.
    func finish(deadline: Int64, now: () -> Int64) {
        notBeforeNanoseconds = 0
        while now() < deadline {
            if !pendingOffsets.isEmpty {
                _ = send(now: now())
                if notBeforeNanoseconds > 0 { break }
                continue
            }
            if case .worked = step(now: now()) { continue }
            if pendingOffsets.isEmpty { break }
        }
        flush(now: now(), withinNanoseconds: max(0, deadline - now()))
        let durable = instance.acknowledged
        inFlight.removeAll { $0.last <= durable }
    }

    private var hasRoom: Bool {
        inFlight.count < Self.maximumBatches
            && inFlight.reduce(pending.count, { $0 + $1.bytes }) < Self.maximumBytes
    }

    private func shouldSend(now: Int64) -> Bool {
        guard !pendingOffsets.isEmpty, inFlight.count < Self.maximumBatches else { return false }
        return pendingOffsets.count >= settings.batchEvents || pending.count >= Self.maximumBytes / 4
            || now - pendingSinceNanoseconds >= settings.batchNanoseconds
    }

    private func send(now: Int64) -> Outcome {
        let result = pending.withUnsafeBytes { space -> Result<Void, PluginFailure> in
            let records = pendingOffsets.map {
                Optional((space.baseAddress! + $0).assumingMemoryBound(to: hub_record.self))
            }
            return Result { () throws(PluginFailure) in
                try instance.write(records: records, first: pendingFirst, last: readThrough, now: now)
            }
        }
        if case .failure(let error) = result {
            retries += 1
            lastError = error.text
            let hinted = Int64(error.retryAfterMilliseconds ?? 0) * 1_000_000
            backoffNanoseconds = min(
                settings.backoffMaximumNanoseconds, max(settings.backoffMinimumNanoseconds, backoffNanoseconds * 2))
            notBeforeNanoseconds = now + max(hinted, backoffNanoseconds)
            return .idle(nanoseconds: notBeforeNanoseconds - now)
        }
        lastError = nil
        backoffNanoseconds = 0
        notBeforeNanoseconds = 0
        written += UInt64(pendingOffsets.count)
        inFlight.append((last: readThrough, bytes: pending.count))
        pending.removeAll(keepingCapacity: true)
        pendingOffsets.removeAll(keepingCapacity: true)
        return .worked
    }

    private func flush(now: Int64, withinNanoseconds: Int64) {
        do {
            try instance.flush(deadline: now + withinNanoseconds)
        } catch {
            lastError = error.text
        }
    }

    // MARK: Filtering

    private func gather(_ bytes: UnsafeRawBufferPointer, now: Int64) {
        var offset = 0
        while offset < bytes.count {
            let record = (bytes.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
            if wants(record) { add(record, now: now) }
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
    }

    private func wants(_ record: UnsafePointer<hub_record>) -> Bool {
        let kind = record.pointee.kind
        if kind == UInt8(HUB_DEFINE) { return false }
        if !filter.takesSimulated, record.pointee.flags & UInt16(HUB_FLAG_SIMULATED) != 0 { return false }
        let stream = Int(record.pointee.stream)
        while isWanted.count <= stream { isWanted.append(nil) }
        if isWanted[stream] == nil { isWanted[stream] = wantsStream(record.pointee.stream) }
        guard isWanted[stream] == true else { return false }
        return filter.selector.matches(record, definitions: definitions)
    }

    private func wantsStream(_ stream: UInt32) -> Bool {
        guard stream != 0 else { return filter.patterns.isEmpty }
        guard let definition = definition(ofStream: stream) else { return false }
        if definition.symbol.isEmpty { return filter.patterns.isEmpty }
        guard belongs(definition.symbol) else { return false }
        return filter.patterns.isEmpty || filter.patterns.contains { $0.matches(definition.symbol) }
    }

    private func definition(ofStream stream: UInt32) -> StreamDefinition? {
        if definitions.stream(stream) == nil { refreshDefinitions() }
        return definitions.stream(stream)
    }

    private func refreshDefinitions() {
        guard shared.version != sharedVersion else { return }
        sharedVersion = shared.version
        definitions = shared.snapshot()
    }

    private func add(_ record: UnsafePointer<hub_record>, now: Int64) {
        if pendingOffsets.isEmpty {
            if inFlight.isEmpty { settledThrough = readThrough }
            pendingSinceNanoseconds = now
            pendingFirst = record.pointee.seq
        }
        tellDefinitions(of: record)
        append(UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE)))
    }

    /// The definitions that a record needs come before it, once since the plugin was started.
    private func tellDefinitions(of record: UnsafePointer<hub_record>) {
        let stream = Int(record.pointee.stream)
        while isTold.count <= stream { isTold.append(false) }
        if stream != 0, !isTold[stream], let definition = definition(ofStream: UInt32(stream)) {
            isTold[stream] = true
            HubRecord.define(definition).withUnsafeBytes(append)
        }
        guard record.pointee.kind == UInt8(HUB_VALUE) else { return }
        let number = UnsafeRawPointer(record).assumingMemoryBound(to: hub_value.self).pointee.definition
        if definitions.value(number) == nil { refreshDefinitions() }
        if !toldValues.contains(number), let definition = definitions.value(number) {
            toldValues.insert(number)
            HubRecord.define(definition).withUnsafeBytes(append)
        }
    }

    private func append(_ bytes: UnsafeRawBufferPointer) {
        pendingOffsets.append(pending.count)
        pending.append(contentsOf: bytes)
    }
}
