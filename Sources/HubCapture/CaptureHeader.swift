public import HubModel

/// What a capture file begins with: whose it is, and which part of what.
///
/// In the file: `HUBCAP` and two bytes of the version, then one frame with a JSON object in it.
public struct CaptureHeader: Sendable, Equatable {
    /// The name in `hub.yaml`.
    public var provider: String
    public var plugin: String
    public var pluginVersion: String
    /// Of the hub that recorded it.
    public var hub: String
    /// When the recording of this session began: names the session. In a file of several sessions that of the first.
    public var sessionNanoseconds: Int64
    /// `nil`: both lanes in one, as `hub record` writes it.
    public var lane: CaptureFrame.Lane?
    /// Of the files of one lane of a session, from 1 on.
    public var number = 1
    /// Only what is made from here on was asked for; what stands before it brings the plugin there.
    public var fromNanoseconds: Int64 = 0

    public init(provider: String, plugin: String, pluginVersion: String, hub: String, sessionNanoseconds: Int64) {
        self.provider = provider
        self.plugin = plugin
        self.pluginVersion = pluginVersion
        self.hub = hub
        self.sessionNanoseconds = sessionNanoseconds
    }

    static let magic = Array("HUBCAP".utf8)
    static let version: UInt16 = 1

    public var bytes: [UInt8] {
        var bytes = Self.magic
        withUnsafeBytes(of: Self.version.littleEndian) { bytes.append(contentsOf: $0) }
        let start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0, 0, 0, 0, 0])
        bytes += tree.json()
        CaptureCoding.seal(&bytes, start)
        return bytes
    }

    private var tree: SettingsTree {
        .map([
            ("provider", .text(provider)), ("plugin", .text(plugin)), ("plugin_version", .text(pluginVersion)),
            ("hub", .text(hub)), ("session_ns", .integer(sessionNanoseconds)),
            ("lane", lane.map { .text($0.rawValue) } ?? .null), ("number", .integer(Int64(number))),
            ("from_ns", .integer(fromNanoseconds)),
        ])
    }

    init?(json bytes: [UInt8]) {
        guard let tree = try? SettingsTree(json: bytes), let provider = tree["provider"]?.textValue,
            let plugin = tree["plugin"]?.textValue, let pluginVersion = tree["plugin_version"]?.textValue,
            let hub = tree["hub"]?.textValue, let session = tree["session_ns"]?.integerValue
        else { return nil }
        self.init(
            provider: provider, plugin: plugin, pluginVersion: pluginVersion, hub: hub, sessionNanoseconds: session)
        lane = tree["lane"]?.textValue.flatMap { CaptureFrame.Lane(rawValue: $0) }
        number = Int(clamping: tree["number"]?.integerValue ?? 1)
        fromNanoseconds = tree["from_ns"]?.integerValue ?? 0
    }
}

/// Why a capture cannot be written or read, in words for the operator.
public struct CaptureError: Error, Equatable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
