import Glibc
import HubConfig
import Logging

/// Writes log lines to standard error, as text for people or as JSON for collectors; one write a line, so lines of
/// different threads never mix.
struct LineLogHandler: LogHandler {
    enum Style: Sendable {
        case text
        case json
    }

    let label: String
    let style: Style
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        let pairs = all.sorted { $0.key < $1.key }
        var line = ""
        switch style {
        case .text:
            line = "\(Self.timestamp()) \(Self.word(event.level)) \(label): \(event.message)"
            for (key, value) in pairs { line += " \(key)=\(value)" }
        case .json:
            line =
                #"{"time":"\#(Self.timestamp())","level":"\#(event.level)","component":\#(Self.quoted(label)),"message":\#(Self.quoted(event.message.description))"#
            for (key, value) in pairs { line += ",\(Self.quoted(key)):\(Self.quoted("\(value)"))" }
            line += "}"
        }
        line += "\n"
        var bytes = Array(line.utf8)
        bytes.withUnsafeMutableBytes { _ = write(2, $0.baseAddress!, $0.count) }
    }

    /// The style that `hub.log.format` asks for.
    static func style(_ format: HubSettings.LogFormat) -> Style {
        switch format {
        case .text: .text
        case .json: .json
        case .auto: isatty(2) == 1 ? .text : .json
        }
    }

    /// The level of a component: the longest prefix that `hub.log.levels` names, else `hub.log.level`.
    static func level(of label: String, in settings: HubSettings.Log) -> Logger.Level {
        let named = settings.levels
            .filter { label == $0.component || label.hasPrefix($0.component + ".") }
            .max { $0.component.count < $1.component.count }
        return level((named?.level ?? settings.level))
    }

    private static func level(_ level: HubSettings.LogLevel) -> Logger.Level {
        switch level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }

    private static func word(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "trace  "
        case .debug: "debug  "
        case .info, .notice: "info   "
        case .warning: "warning"
        case .error, .critical: "error  "
        }
    }

    private static func timestamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        var seconds = now.tv_sec
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let milliseconds = now.tv_nsec / 1_000_000
        let fraction = String(repeating: "0", count: 3 - String(milliseconds).count) + String(milliseconds)
        return "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
            + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
