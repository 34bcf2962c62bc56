import PluginABI

extension Output {
    /// Which analysis a signal comes from. Raw values are those of `hub/record.h`.
    public enum SignalKind: UInt8, Sendable {
        case pattern = 1
        case alert = 2
        case model = 3
    }

    /// Where a signal points.
    public enum Direction: UInt8, Sendable {
        case none = 0
        case bullish = 1
        case bearish = 2
        case neutral = 3
    }

    /// Phases of a trading day. Raw values are those of `hub/record.h`.
    public enum Phase: UInt8, Sendable {
        case unknown = 0
        case closed = 1
        /// Extended trading before the session.
        case pre = 2
        /// The auction before the session.
        case preOpen = 3
        case open = 4
        case pause = 5
        /// The auction after the session.
        case closing = 6
        /// Extended trading after the session.
        case post = 7
    }

    /// A signal: `strength` from 0 to 1 or NaN, interval in seconds or 0. False: no room.
    @discardableResult
    public func signal(
        _ stream: UInt32, timeNanoseconds: Int64, kind: SignalKind, name: String, direction: Direction = .none,
        strength: Double = .nan, intervalSeconds: UInt32 = 0, text: String = "", flags: RecordFlags = []
    ) -> Bool {
        guard let space = reserve(kind: .signal, fixed: 48, texts: [name, text]) else { return false }
        let record = space.assumingMemoryBound(to: hub_signal.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.signal = kind.rawValue
        record.pointee.direction = direction.rawValue
        record.pointee.reserved = 0
        record.pointee.interval = intervalSeconds
        record.pointee.strength = strength
        return true
    }

    /// Trading state of an instrument (its stream) or of a venue (stream 0). `halted` nil, a next phase of `unknown`
    /// and limits of NaN = not given. False: no room.
    @discardableResult
    public func tradingStatus(
        _ stream: UInt32, timeNanoseconds: Int64, venue: String, phase: Phase, halted: Bool? = nil,
        reason: String = "", nextPhase: Phase = .unknown, nextTimeNanoseconds: Int64 = 0, lowerLimit: Double = .nan,
        upperLimit: Double = .nan, flags: RecordFlags = []
    ) -> Bool {
        guard let space = reserve(kind: .tradingStatus, fixed: 64, texts: [venue, reason]) else { return false }
        let record = space.assumingMemoryBound(to: hub_trading_status.self)
        record.pointee.head.flags = flags.rawValue
        record.pointee.head.stream = stream
        record.pointee.head.ts_event = timeNanoseconds
        record.pointee.phase = phase.rawValue
        record.pointee.next_phase = nextPhase.rawValue
        record.pointee.halted = halted.map { $0 ? 1 : 0 } ?? 255
        record.pointee.reserved = (0, 0, 0, 0, 0)
        record.pointee.next_time = nextTimeNanoseconds
        record.pointee.lower_limit = lowerLimit
        record.pointee.upper_limit = upperLimit
        return true
    }

    /// Space for a record whose texts follow `fixed` bytes, each with its length in front; the texts are written, what
    /// is left of the last line is zero. nil: it does not fit into one call or one record.
    private func reserve(kind: RecordKind, fixed: Int, texts: [String]) -> UnsafeMutableRawPointer? {
        let bytes = fixed + texts.reduce(0) { $0 + 2 + $1.utf8.count }
        let lines = (bytes + 63) / 64
        guard texts.allSatisfy({ $0.utf8.count <= Int(UInt16.max) }), lines <= 255,
            let space = reserve(lines: lines, kind: kind.rawValue)
        else { return nil }
        var at = space + fixed
        for text in texts {
            at.storeBytes(of: UInt16(text.utf8.count).littleEndian, as: UInt16.self)
            at += 2
            for byte in text.utf8 {
                at.storeBytes(of: byte, as: UInt8.self)
                at += 1
            }
        }
        at.initializeMemory(as: UInt8.self, repeating: 0, count: space + lines * 64 - at)
        return space
    }
}
