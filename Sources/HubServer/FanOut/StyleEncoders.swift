import EventFormat
import PluginABI

/// An encoder for each way to write times, each with the event it encoded last: an event that several groups want is
/// encoded once a style and encoding, whatever their framings are.
struct StyleEncoders: ~Copyable {
    private struct One: ~Copyable {
        var encoder: EventEncoder
        var text = TextBuffer(capacity: 4096)
        /// Position of the event in `text`; 0 = none.
        var seq: UInt64 = 0
        /// The same as MessagePack.
        var packed = TextBuffer(capacity: 64)
        var packedSeq: UInt64 = 0
    }

    /// What `encode` knows an encoding and a style by.
    private static let packed = 8
    private static let record = 16

    private var first = One(encoder: EventEncoder(timeStyle: .microseconds))
    private var milliseconds = One(encoder: EventEncoder(timeStyle: .milliseconds))
    private var seconds = One(encoder: EventEncoder(timeStyle: .seconds))
    private var nanoseconds = One(encoder: EventEncoder(timeStyle: .nanoseconds))
    private var iso = One(encoder: EventEncoder(timeStyle: .iso))

    init() {}

    /// The number under which `encode` knows an encoding and a style.
    func index(of style: TimeStyle, _ encoding: StreamEncoding = .json) -> Int {
        let index =
            switch style {
            case .microseconds: 0
            case .milliseconds: 1
            case .seconds: 2
            case .nanoseconds: 3
            case .iso: 4
            }
        return switch encoding {
        case .json: index
        case .msgpack: Self.packed + index
        case .binary: Self.record
        }
    }

    /// The bytes of an event, good until the next call with the same style; of a record its own.
    @inline(__always)
    mutating func encode(
        _ record: UnsafePointer<hub_record>, style: Int, definitions: borrowing DefinitionTable
    ) -> UnsafeRawBufferPointer {
        switch style {
        case 0: Self.encode(record, &first, definitions)
        case Self.record: RecordPointer(record).bytes
        default: encodeOther(record, style, definitions)
        }
    }

    private mutating func encodeOther(
        _ record: UnsafePointer<hub_record>, _ style: Int, _ definitions: borrowing DefinitionTable
    ) -> UnsafeRawBufferPointer {
        switch style {
        case 1: Self.encode(record, &milliseconds, definitions)
        case 2: Self.encode(record, &seconds, definitions)
        case 3: Self.encode(record, &nanoseconds, definitions)
        case 4: Self.encode(record, &iso, definitions)
        case Self.packed: Self.pack(record, &first, definitions)
        case Self.packed + 1: Self.pack(record, &milliseconds, definitions)
        case Self.packed + 2: Self.pack(record, &seconds, definitions)
        case Self.packed + 3: Self.pack(record, &nanoseconds, definitions)
        default: Self.pack(record, &iso, definitions)
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

    private static func pack(
        _ record: UnsafePointer<hub_record>, _ one: inout One, _ definitions: borrowing DefinitionTable
    ) -> UnsafeRawBufferPointer {
        if one.packedSeq != record.pointee.seq {
            let text = encode(record, &one, definitions)
            one.packed.clear()
            MessagePack.append(json: text, to: &one.packed)
            one.packedSeq = record.pointee.seq
        }
        return one.packed.bytes
    }
}
