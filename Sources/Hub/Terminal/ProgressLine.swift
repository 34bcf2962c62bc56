import Foundation

/// How far a long command is: a bar on a terminal, a plain line every few seconds elsewhere. Standard error, so that what the
/// command prints stays clean.
final class ProgressLine {
    private let title: String
    private let isTerminal: Bool
    private let started = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var width = 0

    /// - Parameter title: what is worked on, such as a file's name.
    init(_ title: String) {
        self.title = title
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    /// Shows a state, if the last one was shown long enough.
    ///
    /// - Parameters:
    ///   - done: of `total`, in bytes; `total` nil where nobody knows.
    ///   - note: what else there is to say.
    func update(done: Int, total: Int?, note: String) {
        let now = ContinuousClock.now
        guard now - shown >= (isTerminal ? .milliseconds(100) : .seconds(5)) else { return }
        shown = now
        write(done: done, total: total, note: note)
    }

    /// Shows the last state and ends the line.
    func finish(done: Int, total: Int?, note: String) {
        write(done: done, total: total, note: note)
        if isTerminal { put("\n") }
    }

    /// Ends the line, so that something else can be printed.
    func interrupt() {
        if isTerminal, width > 0 {
            put("\n")
            width = 0
        }
    }

    private func write(done: Int, total: Int?, note: String) {
        let seconds = max(Self.seconds(ContinuousClock.now - started), 0.001)
        let rate = Self.size(Int(Double(done) / seconds)) + "/s"
        var text = title
        if let total, total > 0 {
            let part = min(1, Double(done) / Double(total))
            if isTerminal {
                let filled = Int(part * 24)
                text += " [" + String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled) + "]"
            }
            text += " \(Int(part * 100)) %"
        }
        text += "  \(Self.size(done))  \(rate)"
        if !note.isEmpty { text += "  \(note)" }
        if isTerminal {
            let padding = String(repeating: " ", count: max(0, width - text.count))
            width = text.count
            put("\r" + text + padding)
        } else {
            put(text + "\n")
        }
    }

    private func put(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    /// `12.3 MB`.
    static func size(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB"] {
            if value < 1000 { return unit == "B" ? "\(bytes) B" : String(format: "%.1f %@", value, unit) }
            value /= 1000
        }
        return String(format: "%.1f GB", value)
    }
}
