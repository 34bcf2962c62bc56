public import EventFormat
public import HubCapture
import HubConfig
import HubModel
public import Logging
import PluginABI

/// Plays a recording back through its provider's plugin: no network, no clock, one input after another. What the plugin
/// makes of it depends on the recording alone.
public final class CapturePlayer {
    /// What a run came to.
    public struct Summary: Sendable {
        public var sessions = 0
        public var frames = 0
        public var records: UInt64 = 0
        /// Inputs that the recorder had to leave out.
        public var lost: UInt64 = 0
        /// Inputs that are not in the recording any more, or never were.
        public var missing: UInt64 = 0
        /// The recording does not begin with the start of the plugin.
        public var isBeheaded = false
        /// Connections and requests that the plugin asked for and did not then, or the other way around.
        public var differences: [String] = []
        public var differenceCount = 0
        public var problems: [String] = []
    }

    private let plugins: PluginRegistry
    private let logger: Logger
    /// How many times as fast as it was; `nil` = as fast as it goes.
    private let speed: Double?
    /// Whether a plugin of another version may play what another one recorded.
    private let takesAnyVersion: Bool
    private var summary = Summary()
    private var session: Session?
    private var lastOrdinal: UInt64 = 0
    private var fromNanoseconds: Int64 = 0
    private var sequence: UInt64 = 0
    private var clock: (recorded: Int64, real: Int64)?

    /// One life of the plugin.
    private final class Session {
        let instance: ProviderInstance
        let playback: CapturePlayback
        var definitions = DefinitionTable()
        var known: Set<UInt32> = []
        var encoder: EventEncoder

        init(_ instance: ProviderInstance, _ playback: CapturePlayback, _ style: TimeStyle) {
            self.instance = instance
            self.playback = playback
            encoder = EventEncoder(timeStyle: style)
        }
    }

    public init(plugins: PluginRegistry, speed: Double? = nil, takesAnyVersion: Bool = false, logger: Logger) {
        self.plugins = plugins
        self.speed = speed
        self.takesAnyVersion = takesAnyVersion
        self.logger = logger
    }

    /// Plays everything.
    ///
    /// - Parameter write: takes lines of NDJSON; false = nobody reads them any more.
    /// - Throws: `CaptureError`: a plugin that is not installed, or of another version; a setup that is none.
    public func run(
        _ source: CaptureSource, timeStyle: TimeStyle = .microseconds, write: (borrowing TextBuffer) -> Bool
    ) throws(CaptureError) -> Summary {
        fromNanoseconds = source.header.fromNanoseconds
        var text = TextBuffer()
        var ahead = source.next()
        while let frame = ahead {
            // What the host answered during an input stands behind it.
            var replies: [CaptureReply] = []
            ahead = source.next()
            noteOrdinal(frame)
            while let next = ahead, case .reply(let reply) = next.input {
                noteOrdinal(next)
                replies.append(reply)
                ahead = source.next()
            }
            pace(frame)
            try play(frame, replies, timeStyle)
            drain(frame, into: &text)
            if text.count >= 1 << 16 || (speed != nil && !text.isEmpty) {
                guard write(text) else { break }
                text.clear()
            }
        }
        endSession()
        if !text.isEmpty { _ = write(text) }
        summary.problems = source.problems
        return summary
    }

    private func noteOrdinal(_ frame: CaptureFrame) {
        summary.frames += 1
        if case .start = frame.input {
            lastOrdinal = frame.ordinal
        } else {
            // The frames that a marker stands for are counted by it.
            var missing = frame.ordinal > lastOrdinal ? frame.ordinal - lastOrdinal - 1 : 0
            if case .lost(let frames, _) = frame.input { missing -= min(missing, frames - min(frames, 1)) }
            if session != nil { summary.missing += missing }
            lastOrdinal = max(lastOrdinal, frame.ordinal)
        }
    }

    private func pace(_ frame: CaptureFrame) {
        guard let speed, frame.wallNanoseconds >= fromNanoseconds else { return }
        guard let clock else {
            clock = (frame.wallNanoseconds, MonotonicClock.now)
            return
        }
        let due = clock.real + Int64(Double(max(0, frame.wallNanoseconds - clock.recorded)) / speed)
        let pause = due - MonotonicClock.now
        if pause > 0 { WakeEvent().wait(nanoseconds: pause) }
    }

    // MARK: Inputs

    private func play(_ frame: CaptureFrame, _ replies: [CaptureReply], _ style: TimeStyle) throws(CaptureError) {
        let now = hub_now(wall_ns: frame.wallNanoseconds, mono_ns: frame.monotonicNanoseconds)
        switch frame.input {
        case .start(let setup):
            endSession()
            session = try begin(setup, style)
            summary.sessions += 1
        case .lost(let frames, _):
            summary.lost += frames
            return
        default: break
        }
        guard let session else {
            summary.isBeheaded = true
            return
        }
        session.playback.begin(replies)
        defer { session.playback.end() }
        play(frame.input, session, now)
    }

    private func play(_ input: CaptureInput, _ session: Session, _ now: hub_now) {
        let instance = session.instance
        do throws(PluginFailure) {
            switch input {
            case .start: try instance.startAlone(now: now)
            case .want(let wants): try instance.tell(wants.map { ($0.symbol, $0.kinds) }, now: now)
            case .opened(let connection): instance.deliver(.opened(connection: connection), now: now)
            case .message(let connection, let isText, let bytes):
                instance.deliver(.message(connection: connection, isText: isText, bytes: bytes), now: now)
            case .closed(let connection, let code, let reason):
                instance.deliver(.closed(connection: connection, code: code, reason: reason), now: now)
            case .refused(let connection, let answer):
                instance.deliver(.refused(connection: connection, CapturePlayback.answer(answer)), now: now)
            case .answered(let request, let answer):
                instance.deliver(.answered(request: request, CapturePlayback.answer(answer)), now: now)
            case .timer(let timer): instance.fire(timer, now: now, marksUnits: false)
            case .query(let query):
                guard let asked = Query(query) else { return }
                instance.run(asked, id: query.id, deadline: query.deadline, now: now)
            case .cancelQuery(let id): instance.runCancel(id)
            case .refreshListings: try instance.refreshListings(now: now)
            case .login(let names, let redirect):
                _ = instance.exchange(
                    names.map { ($0, CaptureSetup.placeholder) }, redirect: redirect, at: now)
            case .stop: instance.stopAlone()
            case .reply, .lost: break
            }
        } catch {
            // It failed then, too.
            logger.debug("\(instance.name): \(error.text)")
        }
        _ = instance.due
        _ = instance.takeNotices()
    }

    private func begin(_ text: String, _ style: TimeStyle) throws(CaptureError) -> Session {
        guard let setup = CaptureSetup(text) else { throw CaptureError("the recording's setup cannot be read") }
        do {
            guard let entry = plugins.entry(setup.plugin) else {
                throw CaptureError(
                    "this was recorded with the plugin '\(setup.plugin)', which is not installed here"
                        + (plugins.refusal(setup.plugin).map { ": \($0)" } ?? "; see `hub plugin list`"))
            }
            guard entry.descriptor.version == setup.version || takesAnyVersion else {
                throw CaptureError(
                    "this was recorded with \(setup.plugin) \(setup.version), and \(entry.descriptor.version) is "
                        + "installed, which may make other records of it: --any-version plays it all the same")
            }
            let loaded = try plugins.open(setup.plugin)
            let playback = CapturePlayback()
            let context = InstanceContext(
                name: setup.provider, settings: setup.settings,
                isSimulated: entry.descriptor.traits.contains(.simulated), logger: logger,
                vendorNames: setup.vendorNames, takes: { _ in true })
            context.playback = playback
            let base = try PluginInstance(entry: loaded.library.entry, id: setup.plugin, context: context)
            let instance = try ProviderInstance(
                base, name: setup.provider, maximumLines: loaded.descriptor.maximumLines)
            return Session(instance, playback, style)
        } catch let error as CaptureError {
            throw error
        } catch let failure as PluginFailure {
            throw CaptureError("\(setup.plugin): \(failure.text)")
        } catch {
            throw CaptureError("\(error)")
        }
    }

    private func endSession() {
        guard let session else { return }
        session.instance.stopAlone()
        session.instance.destroy()
        summary.differenceCount += session.playback.differenceCount
        if summary.differences.isEmpty { summary.differences = session.playback.differences }
        self.session = nil
    }

    // MARK: Records

    private func drain(_ frame: CaptureFrame, into text: inout TextBuffer) {
        guard let session else { return }
        while true {
            let waiting = session.instance.waiting(limit: .max)
            guard !waiting.isEmpty else { return }
            var offset = 0
            while offset < waiting.count {
                let record = (waiting.baseAddress! + offset).assumingMemoryBound(to: hub_record.self)
                offset += Int(record.pointee.lines) * Int(HUB_LINE)
                guard frame.wallNanoseconds >= fromNanoseconds else { continue }
                // Handle 0 is the source itself, stream 0 the hub.
                let handle = record.pointee.stream
                if session.known.insert(handle).inserted {
                    var definition = session.instance.definition(of: handle)
                    definition.id = handle + 1
                    session.definitions.learn(definition)
                }
                record.pointee.stream = handle + 1
                sequence += 1
                summary.records += 1
                record.pointee.seq = sequence
                session.encoder.encode(record, definitions: session.definitions, into: &text)
                text.append(byte: UInt8(ascii: "\n"))
                // Each line begins anew: no comma between them.
                text.truncate(to: text.count, afterValue: false)
            }
            session.instance.consume(waiting.count)
        }
    }
}

extension Query {
    /// A question that was recorded; `nil` where this version does not know its kind.
    init?(_ recorded: CaptureQuery) {
        guard let kind = QueryKind(rawValue: recorded.kind) else { return nil }
        self.init(kind)
        symbols = recorded.symbols
        text = recorded.text
        interval = recorded.interval
        limit = recorded.limit
        from = recorded.from
        to = recorded.to
        next = recorded.next
    }
}
