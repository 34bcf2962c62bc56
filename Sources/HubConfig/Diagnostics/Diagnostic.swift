/// One problem of a configuration, or one remark about it, with its place.
///
/// Holds nothing that was expanded from `${…}` and no secret: it may be printed and logged.
public struct Diagnostic: Sendable, Hashable {
    /// How bad it is. Only errors keep a configuration from being used.
    public enum Severity: String, Sendable, Hashable {
        case error, warning, note
    }

    /// Where something stands.
    public struct Place: Sendable, Hashable {
        /// The file as it was given, or `--set #1`.
        public var file: String
        /// Counted from 1; 0 where the file as a whole is meant.
        public var line: Int
        /// Counted from 1, in Unicode scalars.
        public var column: Int
        /// How many columns are meant, at least 1.
        public var length: Int
        /// The line as it stands in the file, secrets blotted out.
        public var sourceLine: String
        /// The place is in a `--set` of the command line, which has no lines.
        public var isOverride: Bool

        public init(
            file: String, line: Int = 0, column: Int = 0, length: Int = 1, sourceLine: String = "",
            isOverride: Bool = false
        ) {
            self.file = file
            self.line = line
            self.column = column
            self.length = length
            self.sourceLine = sourceLine
            self.isOverride = isOverride
        }
    }

    /// Another place that belongs to the problem, such as the first of two that clash.
    public struct Related: Sendable, Hashable {
        public var place: Place
        public var message: String

        public init(place: Place, message: String) {
            self.place = place
            self.message = message
        }
    }

    public var severity: Severity
    public var place: Place
    /// The full path of the key, `providers.zerodha.settings.acess_token`; empty where the text is no YAML.
    public var path: String
    /// What is wrong, and what to do.
    public var message: String
    public var related: [Related]

    public init(
        _ severity: Severity, place: Place, path: String = "", message: String, related: [Related] = []
    ) {
        self.severity = severity
        self.place = place
        self.path = path
        self.message = message
        self.related = related
    }
}

extension Sequence where Element == Diagnostic {
    /// Whether any of them is an error.
    public var hasErrors: Bool { contains { $0.severity == .error } }
}
