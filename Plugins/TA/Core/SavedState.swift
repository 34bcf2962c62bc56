import PluginKit

/// The saved state of one series: `TA` and the format's version, what it is a state of, then the timeline.
///
/// The version counts up whenever the layout of any recurrence's state changes; another version, definition or
/// convention is refused, and the host starts the series anew.
enum SavedState {
    private static let version: UInt8 = 1
    private static let magic: [UInt8] = [UInt8(ascii: "T"), UInt8(ascii: "A"), version]

    static func write(_ series: Series, _ definition: Definition, _ conventions: Conventions)
        -> [UInt8]
    {
        var bytes = magic
        let subject = Array(subject(definition, conventions).utf8)
        bytes.append(raw: UInt16(subject.count).littleEndian)
        bytes += subject
        series.save(to: &bytes)
        return bytes
    }

    static func read(
        _ bytes: UnsafeRawBufferPointer, into series: Series, _ definition: Definition,
        _ conventions: Conventions
    ) throws(PluginError) {
        guard bytes.count >= magic.count + 2, bytes[0] == magic[0], bytes[1] == magic[1] else {
            throw PluginError(
                .configuration, "the saved state of \(definition.name) is not one of this plugin")
        }
        guard bytes[2] == version else {
            throw PluginError(
                .unsupported,
                "the saved state of \(definition.name) has version \(bytes[2]), this plugin reads \(version)"
            )
        }
        let length = Int(
            UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: magic.count, as: UInt16.self)))
        let start = magic.count + 2
        let expected = subject(definition, conventions)
        guard start + length <= bytes.count else {
            throw PluginError(
                .configuration, "the saved state of \(expected) ends too early, at \(bytes.count) bytes")
        }
        let found = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
        guard found == expected else {
            throw PluginError(
                .configuration, "the saved state is of \(found), the series computes \(expected)")
        }
        do throws(TimelineError) {
            try series.load(UnsafeRawBufferPointer(rebasing: bytes[(start + length)...]))
        } catch {
            guard case .unreadable(let reason) = error else { return }
            throw PluginError(.configuration, "the saved state of \(expected) is damaged: \(reason)")
        }
    }

    private static func subject(_ definition: Definition, _ conventions: Conventions) -> String {
        "\(definition.name) \(conventions.preset.rawValue) \(conventions.dayStartNanoseconds)"
    }
}
