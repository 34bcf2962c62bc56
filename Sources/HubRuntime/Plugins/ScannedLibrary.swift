/// What is known of one file in a plugin folder.
public struct ScannedLibrary: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        /// It can be used: its plugins, in its own order.
        case plugins([PluginDescriptor])
        /// It cannot, and why.
        case refused(String)
        /// A shared library that does not say it is a plugin.
        case foreign
    }

    /// Absolute.
    public var file: String
    /// 64 lower-case hexadecimal digits; empty where the file could not be read.
    public var sha256: String
    /// It came with the hub.
    public var isBundled: Bool
    public var content: Content

    /// Its plugins; none where it cannot be used.
    public var descriptors: [PluginDescriptor] {
        if case .plugins(let descriptors) = content { descriptors } else { [] }
    }

    /// Why it cannot be used.
    public var refusal: PluginRefusal? {
        if case .refused(let reason) = content { PluginRefusal(file: file, reason: reason) } else { nil }
    }

    /// The last part of its path.
    public var fileName: String { file.split(separator: "/").last.map(String.init) ?? file }
}
