import EventFormat
import PluginABI

/// An encoder for each way to write times, each with the event it encoded last: an event that several groups want is
/// encoded once a style.
struct StyleEncoders: ~Copyable {
    private struct One: ~Copyable {
        var encoder: EventEncoder
        var text = TextBuffer(capacity: 4096)
        /// Position of the event in `text`; 0 = none.
        var seq: UInt64 = 0
    }

    private var first = One(encoder: EventEncoder(timeStyle: .microseconds))
    private var milliseconds = One(encoder: EventEncoder(timeStyle: .milliseconds))
    private var seconds = One(encoder: EventEncoder(timeStyle: .seconds))
    private var nanoseconds = One(encoder: EventEncoder(timeStyle: .nanoseconds))
    private var iso = One(encoder: EventEncoder(timeStyle: .iso))

    init() {}

    /// The number under which `encode` knows a style.
    func index(of style: TimeStyle) -> Int {
        switch style {
        case .microseconds: 0
        case .milliseconds: 1
        case .seconds: 2
        case .nanoseconds: 3
        case .iso: 4
        }
    }

    /// The bytes of an event, good until the next call with the same style.
    @inline(__always)
    mutating func encode(
        _ record: UnsafePointer<hub_record>, style: Int, definitions: borrowing DefinitionTable
    ) -> UnsafeRawBufferPointer {
        switch style {
        case 0: Self.encode(record, &first, definitions)
        case 1: Self.encode(record, &milliseconds, definitions)
        case 2: Self.encode(record, &seconds, definitions)
        case 3: Self.encode(record, &nanoseconds, definitions)
        default: Self.encode(record, &iso, definitions)
        }
    }

    @inline(__always)
    private static func encode(
        _ record: UnsafePointer<hub_record>, _ one: inout One, _ definitions: borrowing DefinitionTable
    ) -> UnsafeRawBufferPointer {
        if one.seq != record.pointee.seq {
            one.text.clear()
            one.encoder.encode(record, definitions: definitions, into: &one.text)
            one.seq = record.pointee.seq
        }
        return one.text.bytes
    }
}
