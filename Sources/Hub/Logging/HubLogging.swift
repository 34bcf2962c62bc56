import HubConfig
import Logging

/// Loggers as the configuration wants them.
enum HubLogging {
    static func factory(_ settings: HubSettings.Log) -> @Sendable (String) -> Logger {
        let style = LineLogHandler.style(settings.format)
        return { label in
            Logger(label: label) { label in
                LineLogHandler(label: label, style: style, logLevel: LineLogHandler.level(of: label, in: settings))
            }
        }
    }

    /// A logger that says nothing: for commands whose output is their own.
    static func quiet(_ label: String) -> Logger {
        Logger(label: label) { _ in SwiftLogNoOpLogHandler() }
    }
}
