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

    // Called only where the type is a ``QueryProvider``.

    /// Symbols that one query for quotes may have.
    static var quoteBatch: Int { get }
    /// The widest span of one query for bars, per interval.
    static var querySpans: [QuerySpan] { get }
    /// A question; answered with ``Host/answer(_:records:)`` or ``Host/answer(_:json:)`` and ``Host/answered(_:next:)``, at
    /// once or after requests. What it throws is the answer itself.
    mutating func query(_ query: Query, now: Now) throws
    /// Nobody waits for the answer any more.
    mutating func cancel(query: UInt64)

    // Called only where the type is a ``CatalogProvider``.

    /// Ask for the list of instruments again; ``Host/add(_:)`` and ``Host/catalogDone(_:)`` take it.
    mutating func refreshCatalog(now: Now) throws
    /// What is known of a canonical symbol.
    mutating func listing(of symbol: String) -> Listing?
    /// The canonical symbol of one of the vendor's identifiers.
    mutating func symbol(of identifier: String) -> String?

    // Called only where the type is a ``LoginProvider``.

    /// The page to log in at.
    mutating func loginURL(redirect: String, state: String, now: Now) throws -> String
    /// What the browser brought back, values as tokens; requests with captures follow, then
    /// ``Host/loginDone(_:)``.
    mutating func exchange(_ fields: [(name: String, value: String)], redirect: String, now: Now) throws
}

/// A provider that answers on demand: the newest prices, history, profiles, news.
public protocol QueryProvider: Provider {}

/// A provider that knows which instruments it has, and what the vendor calls them.
public protocol CatalogProvider: Provider {}

/// A provider whose credential a person has to fetch in a browser.
public protocol LoginProvider: Provider {}

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
    /// One symbol at a time.
    public static var quoteBatch: Int { 1 }
    /// No limits are known.
    public static var querySpans: [QuerySpan] { [] }
    /// Offers nothing.
    public mutating func query(_ query: Query, now: Now) throws {
        throw PluginError(.unsupported, "this provider answers no queries")
    }
    /// Does nothing.
    public mutating func cancel(query: UInt64) {}
    /// Has no list.
    public mutating func refreshCatalog(now: Now) throws {
        throw PluginError(.unsupported, "this provider has no list of instruments")
    }
    /// Knows nothing.
    public mutating func listing(of symbol: String) -> Listing? { nil }
    /// Knows nothing.
    public mutating func symbol(of identifier: String) -> String? { nil }
    /// Needs no login.
    public mutating func loginURL(redirect: String, state: String, now: Now) throws -> String {
        throw PluginError(.unsupported, "this provider needs no login")
    }
    /// Needs no login.
    public mutating func exchange(_ fields: [(name: String, value: String)], redirect: String, now: Now) throws {
        throw PluginError(.unsupported, "this provider needs no login")
    }
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
