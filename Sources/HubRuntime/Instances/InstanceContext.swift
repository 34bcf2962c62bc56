import EventFormat
import Glibc
package import HubConfig
import HubModel
package import Logging
import PluginABI
import Synchronization

/// What the host knows of one instance, and what the instance asked of the host: behind `hub_host.data`.
///
/// Lives as long as the process: a plugin may keep pointers into it.
package final class InstanceContext: @unchecked Sendable {
    /// The name in `hub.yaml`.
    let name: String
    let settings: PluginSettings
    let logger: Logger
    /// Whether an instrument belongs to a pipeline that this source serves.
    let takes: @Sendable (_ symbol: String) -> Bool
    let isSimulated: Bool
    /// What it does not hold itself.
    let secrets: SecretBook
    /// Its connections and requests, set before the start; `nil` where there is no network, as in lockstep.
    var link: VendorLink?
    var mailbox: VendorMailbox? { link?.mailbox }
    /// Takes down what the plugin gets; set before the start, `nil` = nothing is recorded.
    var tap: CaptureTap?
    /// Answers in the place of network, login and store while a recording is played back.
    var playback: CapturePlayback?
    let metrics = InstanceMetrics()
    let answerMemory = AnswerMemory()
    /// What outlives the process; set before the start.
    var instanceStore = InstanceStore.none
    /// Who waits for the end of a login.
    let loginWaiter = Mutex<(@Sendable (PluginFailure?) -> Void)?>(nil)
    /// Called after something was queued for the instance's own thread.
    let wakeOwner = Mutex<(@Sendable () -> Void)?>(nil)

    /// Instruments by handle; handle 0 is the source itself.
    private let handles: Mutex<[StreamDefinition]>
    private let notices = Mutex(Notices())
    private let timerWishes = Mutex<[TimerWish]>([])
    private let position = Mutex<[UInt8]?>(nil)
    private let texts = Mutex<[String: Text]>([:])
    private let ackedThrough = Atomic<UInt64>(0)
    private let givenThrough = Atomic<UInt64>(0)

    private let logBudget = Mutex(LogBudget())

    /// What it was asked on demand and has not answered.
    let queries = PendingQueries()
    /// The list of instruments that it is telling.
    let listings = ListingIntake()
    /// Why requests to the vendor are not to be made now: a spent budget, an open breaker.
    let requestGate = Mutex<
        (@Sendable () -> (reason: QueryFailure.Reason, detail: String, retryAfterMilliseconds: Int?)?)?
    >(nil)
    /// Canonical symbols with the vendor's own names that the operator gave them.
    private let vendorNames: [String: String]

    /// What was said, each with the place among the records it belongs to.
    private struct Notices {
        var said: [(place: Int, notice: SourceNotice)] = []
        /// Bytes that were shown when the callback that runs began.
        var shown = 0
        var isCalling = false
    }

    struct TimerWish {
        var timer: UInt32
        /// `nil` = cancel.
        var atNanoseconds: Int64?
        var periodNanoseconds: Int64
    }

    private struct Text: @unchecked Sendable {
        var base: UnsafeMutablePointer<CChar>
        var length: Int
    }

    package init(
        name: String, settings: PluginSettings, isSimulated: Bool, logger: Logger, secrets: SecretBook? = nil,
        vendorNames: [String: String] = [:], takes: @escaping @Sendable (String) -> Bool
    ) {
        self.vendorNames = vendorNames
        self.name = name
        self.settings = settings
        self.isSimulated = isSimulated
        self.logger = logger
        self.secrets =
            secrets ?? SecretBook(settings: settings, hosts: [], logins: LoginFile(path: nil, onProblem: { _ in }))
        self.takes = takes
        handles = Mutex([InstanceContext.definition("", source: name, isSimulated: isSimulated)])
    }

    // MARK: Handles

    var handleCount: UInt32 { handles.withLock { UInt32($0.count) } }

    func definition(of handle: UInt32) -> StreamDefinition {
        handles.withLock { handles in
            handles.indices.contains(Int(handle)) ? handles[Int(handle)] : handles[0]
        }
    }

    /// The handle of an instrument, made if it is new.
    func handle(symbol: String, marketCentre: String = "") -> UInt32 {
        handles.withLock { handles in
            if let known = handles.firstIndex(where: { $0.symbol == symbol && $0.marketCentre == marketCentre }) {
                return UInt32(known)
            }
            var definition = Self.definition(symbol, source: name, isSimulated: isSimulated)
            definition.marketCentre = marketCentre
            // What is known of the instrument holds at every market centre.
            if let same = handles.first(where: { $0.symbol == symbol }) {
                definition.instrumentType = same.instrumentType
                definition.currency = same.currency
                definition.calendar = same.calendar
                definition.tickSize = same.tickSize
                definition.lotSize = same.lotSize
            }
            handles.append(definition)
            return UInt32(handles.count - 1)
        }
    }

    func describe(_ handle: UInt32, _ instrument: hub_instrument) -> Bool {
        handles.withLock { handles in
            guard handle > 0, handles.indices.contains(Int(handle)) else { return false }
            if instrument.type != 0 { handles[Int(handle)].instrumentType = UInt8(truncatingIfNeeded: instrument.type) }
            if let currency = String(checked: instrument.currency), !currency.isEmpty {
                handles[Int(handle)].currency = currency
            }
            if let calendar = String(checked: instrument.calendar), TradingCalendar.named(calendar) != nil {
                handles[Int(handle)].calendar = calendar
            }
            if instrument.tick_size > 0 { handles[Int(handle)].tickSize = instrument.tick_size }
            if instrument.lot_size > 0 { handles[Int(handle)].lotSize = instrument.lot_size }
            return true
        }
    }

    private static func definition(_ symbol: String, source: String, isSimulated: Bool) -> StreamDefinition {
        StreamDefinition(
            id: 0, symbol: symbol, source: source, marketCentre: "", instrumentType: 0, currency: "", calendar: "",
            tickSize: .nan, lotSize: .nan, simulated: isSimulated)
    }

    // MARK: Position

    /// The last position in the journal, which `last_position` answers.
    func resume(from data: [UInt8]?) {
        position.withLock { $0 = data }
    }

    var lastPosition: [UInt8]? { position.withLock { $0 } }

    // MARK: Notices and timers

    /// Said within a callback, it belongs before the callback's records, but behind them where it says that it is over
    /// with the source or with an instrument.
    func notice(_ notice: SourceNotice) {
        notices.withLock { notices in
            // A plugin that repeats itself does not fill the memory: of its own state only the last counts.
            if notices.said.count >= 10_000 { notices.said.removeFirst(5_000) }
            let place = notices.isCalling && notice.isBehind ? Int.max : notices.shown
            notices.said.append((place, notice))
        }
    }

    var hasNotices: Bool { notices.withLock { !$0.said.isEmpty } }

    /// A callback begins or ends; so many bytes of records were shown by now.
    func callback(runs: Bool, shown: Int) {
        notices.withLock { notices in
            notices.isCalling = runs
            notices.shown = shown
            guard !runs else { return }
            for index in notices.said.indices where notices.said[index].place == .max {
                notices.said[index].place = shown
            }
        }
    }

    /// What was said up to a place among the records, in order; the place of the next, if there is one.
    func takeNotices(upTo place: Int = .max) -> [SourceNotice] {
        notices.withLock { notices in
            guard !notices.said.isEmpty else { return [] }
            let end = notices.said.firstIndex { $0.place > place } ?? notices.said.count
            defer { notices.said.removeFirst(end) }
            return notices.said[..<end].map(\.notice)
        }
    }

    /// The place of what was said next behind a place.
    func nextNotice(behind place: Int) -> Int? {
        notices.withLock { $0.said.first { $0.place > place }?.place }
    }

    func setTimer(_ wish: TimerWish) {
        timerWishes.withLock { $0.append(wish) }
        wakeOwner.withLock { $0 }?()
    }

    func takeTimerWishes() -> [TimerWish] {
        timerWishes.withLock { wishes in
            guard !wishes.isEmpty else { return [] }
            defer { wishes = [] }
            return wishes
        }
    }

    // MARK: Log

    /// Writes a line for the plugin, no faster than anybody can read: after a burst so many a second. What is left out is
    /// counted and told with the next line.
    func log(_ level: Logger.Level, _ message: @autoclosure () -> String) {
        let leftOut = logBudget.withLock { $0.spend(now: MonotonicClock.now) }
        guard let leftOut else { return }
        if leftOut > 0 { logger.warning("\(name): \(leftOut) lines left out: too many at once") }
        logger.log(level: level, "\(message())")
    }

    // MARK: Sinks

    var acknowledged: UInt64 { ackedThrough.load(ordering: .acquiring) }

    /// A sink was given everything up to here.
    func mayAcknowledge(through seq: UInt64) { givenThrough.store(seq, ordering: .releasing) }

    /// What a sink never had cannot be durable with it: so much is believed at most.
    func acknowledge(_ seq: UInt64) {
        let seq = min(seq, givenThrough.load(ordering: .acquiring))
        var known = ackedThrough.load(ordering: .relaxed)
        while seq > known {
            let (done, original) = ackedThrough.compareExchange(
                expected: known, desired: seq, ordering: .acquiringAndReleasing)
            if done { return }
            known = original
        }
    }

    // MARK: Texts

    /// A text of the settings in memory that stays.
    func text(_ pointer: String) -> hub_text? {
        guard let value = secrets.token(ofSetting: pointer) ?? settings.text(pointer) else { return nil }
        return kept("t" + pointer, value)
    }

    /// A text that the plugin asked for, in memory that stays: a token, a name.
    func lasting(_ text: String) -> hub_text { kept("x" + text, text) }

    /// A key of a map in the settings in memory that stays.
    func key(_ pointer: String, _ index: Int) -> hub_text? {
        guard let entries = settings.tree[pointer: pointer]?.mapValue, entries.indices.contains(index) else {
            return nil
        }
        return kept("k\(index)" + pointer, entries[index].0)
    }

    /// The vendor's own name that the operator gave a symbol, in memory that stays.
    func vendorName(of symbol: String) -> hub_text? { vendorNames[symbol].map { kept("v" + symbol, $0) } }

    private func kept(_ name: String, _ value: String) -> hub_text {
        texts.withLock { texts in
            if let known = texts[name] { return hub_text(data: known.base, length: UInt64(known.length)) }
            let length = value.utf8.count
            let base = UnsafeMutablePointer<CChar>.allocate(capacity: length + 1)
            _ = value.withCString { memcpy(base, $0, length + 1) }
            texts[name] = Text(base: base, length: length)
            return hub_text(data: base, length: UInt64(length))
        }
    }
}

extension String {
    /// A text from across the boundary; `nil` where it is no UTF-8.
    init?(checked text: hub_text) {
        guard text.length > 0, let data = text.data else {
            self = ""
            return
        }
        let bytes = UnsafeRawBufferPointer(start: data, count: Int(text.length))
        guard let valid = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else { return nil }
        self = valid
    }
}
