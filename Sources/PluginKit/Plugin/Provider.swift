import PluginABI

/// A source of records: told what is wanted, called when something arrives or is due.
///
/// Only ``want(_:now:)`` must be written; the other callbacks do nothing by default. What is put into an ``Output`` is
/// taken when the callback returns, and dropped whole (and counted) when it throws.
public protocol Provider: Plugin {
    /// What is wanted of which instrument: absolute per instrument, idempotent, given whole after `start`.
    /// Answer per instrument with ``Host/subscription(_:_:reason:)``.
    mutating func want(_ items: [Want], now: Now) throws
    /// A connection is up.
    mutating func opened(connection: UInt32, into output: Output, now: Now) throws
    /// One whole message came. The bytes die when the callback returns.
    mutating func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection: UInt32, into output: Output, now: Now) throws
    /// A connection is gone.
    mutating func closed(connection: UInt32, code: UInt32, reason: String, into output: Output, now: Now) throws
    /// The upgrade to a WebSocket was answered with a plain HTTP response.
    mutating func refused(connection: UInt32, response: HTTPResponse, into output: Output, now: Now) throws
    /// The answer to a request.
    mutating func response(_ response: HTTPResponse, request: UInt64, into output: Output, now: Now) throws
    /// A timer set with ``Host/setTimer(_:atNanoseconds:everyNanoseconds:)`` is due.
    mutating func timer(_ timer: UInt32, into output: Output, now: Now) throws
}

extension Provider {
    /// Does nothing.
    public mutating func opened(connection: UInt32, into output: Output, now: Now) throws {}
    /// Does nothing.
    public mutating func message(
        _ bytes: UnsafeRawBufferPointer, isText: Bool, connection: UInt32, into output: Output, now: Now
    ) throws {}
    /// Does nothing.
    public mutating func closed(connection: UInt32, code: UInt32, reason: String, into output: Output, now: Now)
        throws
    {}
    /// Does nothing.
    public mutating func refused(connection: UInt32, response: HTTPResponse, into output: Output, now: Now) throws {}
    /// Does nothing.
    public mutating func response(_ response: HTTPResponse, request: UInt64, into output: Output, now: Now) throws {}
    /// Does nothing.
    public mutating func timer(_ timer: UInt32, into output: Output, now: Now) throws {}
}

/// A source that is asked for records, and only while there is room for them: simulators, files, generators.
public protocol PullProvider: Provider {
    /// Emits at most `budget` records that are due at `now` and says what is next.
    mutating func pull(budget: Int, into output: Output, now: Now) throws -> PullResult
}

/// What a ``PullProvider`` says after it was asked.
public enum PullResult: Sendable, Equatable {
    /// More records are due now.
    case more
    /// None is due before this wall time, in nanoseconds.
    case until(Int64)
    /// There will never be another: the source's open bars close.
    case end
}

/// One instrument and what is wanted of it.
public struct Want: Sendable {
    /// The instrument's handle: instance-local, dense from 1; goes into the records' `stream`.
    public let handle: UInt32
    /// Kinds that are wanted; empty = no longer wanted.
    public let kinds: KindSet
    /// Canonical symbol, `VENUE:NAME`.
    public let symbol: String

    /// Makes one, for tests.
    public init(handle: UInt32, kinds: KindSet, symbol: String) {
        self.handle = handle
        self.kinds = kinds
        self.symbol = symbol
    }

    static func list(_ items: UnsafePointer<hub_want>?, _ count: UInt64) -> [Want] {
        guard let items, count > 0 else { return [] }
        // A newer host may have longer items: their first one says how far they are apart.
        let stride = Int(items.pointee.struct_size)
        let base = UnsafeRawPointer(items)
        return (0..<Int(count)).map { index in
            let item = (base + index * stride).assumingMemoryBound(to: hub_want.self)
            return Want(
                handle: item.pointee.handle, kinds: KindSet(rawValue: item.pointee.kinds),
                symbol: String(item.pointee.symbol))
        }
    }
}

/// An HTTP answer; everything in it dies when the callback returns.
public struct HTTPResponse {
    private let raw: UnsafePointer<hub_response>

    init(_ raw: UnsafePointer<hub_response>) { self.raw = raw }

    /// HTTP status; 0 = there was no answer, ``failure`` says why.
    public var status: Int { Int(raw.pointee.http_status) }
    /// Why there was no answer.
    public var failure: PluginError.Status? { PluginError.Status(rawValue: raw.pointee.status) }
    /// The whole body.
    public var body: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: raw.pointee.body.data, count: Int(raw.pointee.body.length))
    }
    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        for index in 0..<Int(raw.pointee.header_count)
        where String(raw.pointee.header_names[index]).lowercased() == wanted {
            return String(raw.pointee.header_values[index])
        }
        return nil
    }
}
