public import PluginABI

/// What every plugin instance is: made with its host, told to start and to stop.
///
/// An instance is called by one thread at a time (the thread may change between calls), so it needs no locks and need
/// not be `Sendable`. Conform a class or a struct to one of ``Provider``, ``PullProvider``, ``Indicator`` or ``Sink``
/// and register it in a ``Library``. Whatever an instance throws reaches the host as a status and a text; throw a
/// ``PluginError`` to choose both.
public protocol Plugin {
    /// Makes an instance. Settings may be read, nothing may be started: no thread, no file, no request.
    ///
    /// `hub check` makes an instance only to ask ``checkSettings()``, so bad settings should be reported there rather
    /// than here.
    init(host: Host) throws

    /// Says what is wrong with the settings beyond what their schema can say. Pure: it changes nothing.
    ///
    /// Throw a ``PluginError`` with ``PluginError/pointer`` set, so that the operator is shown the line. Use
    /// ``SettingsProblems`` to report several at once.
    mutating func checkSettings() throws

    /// Begins to work. Host services may be used from here on.
    mutating func start(now: Now) throws

    /// Ends the work; may be called more than once, and without ``start(now:)`` before it.
    mutating func stop()
}

extension Plugin {
    /// Finds nothing wrong.
    public mutating func checkSettings() throws {}
    /// Does nothing.
    public mutating func start(now: Now) throws {}
    /// Does nothing.
    public mutating func stop() {}
}

/// The time at a callback. There is no clock function: in lockstep the host's clock is virtual.
@frozen
public struct Now: Sendable {
    /// Nanoseconds since the Unix epoch, UTC.
    public let wallNanoseconds: Int64
    /// Nanoseconds of a clock that never jumps; its zero means nothing.
    public let monotonicNanoseconds: Int64

    /// Makes a time, for tests.
    @inlinable
    public init(wallNanoseconds: Int64, monotonicNanoseconds: Int64) {
        self.wallNanoseconds = wallNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
    }

    @usableFromInline
    init(_ now: hub_now) {
        wallNanoseconds = now.wall_ns
        monotonicNanoseconds = now.mono_ns
    }
}
