public import PluginABI

/// A record in memory, read in place.
///
/// Nothing is copied and nothing is owned: a pointer is good only as long as the chunk it was taken from. The typed
/// accessors do not check the kind or the size; `RecordShape` does, for records that come from elsewhere.
public struct RecordPointer {
    public let base: UnsafePointer<hub_record>

    @inlinable
    public init(_ base: UnsafePointer<hub_record>) { self.base = base }

    @inlinable
    public init(_ raw: UnsafeRawPointer) { base = raw.assumingMemoryBound(to: hub_record.self) }

    @inlinable public var raw: UnsafeRawPointer { UnsafeRawPointer(base) }
    /// `HUB_TRADE` … `HUB_DEFINE`.
    @inlinable public var kind: Int { Int(base.pointee.kind) }
    /// Size in lines of 64 bytes, 1 to 255.
    @inlinable public var lines: Int { Int(base.pointee.lines) }
    @inlinable public var byteCount: Int { Int(base.pointee.lines) * Int(HUB_LINE) }
    /// `HUB_FLAG_…` bits.
    @inlinable public var flags: UInt16 { base.pointee.flags }
    /// The dense stream id; 0 is the hub itself.
    @inlinable public var stream: UInt32 { base.pointee.stream }
    @inlinable public var seq: UInt64 { base.pointee.seq }
    /// Nanoseconds since the epoch; 0 where the source gave none.
    @inlinable public var eventNanoseconds: Int64 { base.pointee.ts_event }
    /// Nanoseconds since the epoch.
    @inlinable public var receivedNanoseconds: Int64 { base.pointee.ts_recv }
    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: raw, count: byteCount) }

    @inlinable public var asTrade: UnsafePointer<hub_trade> { raw.assumingMemoryBound(to: hub_trade.self) }
    @inlinable public var asQuote: UnsafePointer<hub_quote> { raw.assumingMemoryBound(to: hub_quote.self) }
    @inlinable public var asTick: UnsafePointer<hub_tick> { raw.assumingMemoryBound(to: hub_tick.self) }
    @inlinable public var asBook: UnsafePointer<hub_book> { raw.assumingMemoryBound(to: hub_book.self) }
    @inlinable public var asBar: UnsafePointer<hub_bar> { raw.assumingMemoryBound(to: hub_bar.self) }
    @inlinable public var asValue: UnsafePointer<hub_value> { raw.assumingMemoryBound(to: hub_value.self) }
    @inlinable public var asGreeks: UnsafePointer<hub_greeks> { raw.assumingMemoryBound(to: hub_greeks.self) }
    @inlinable public var asSignal: UnsafePointer<hub_signal> { raw.assumingMemoryBound(to: hub_signal.self) }
    @inlinable public var asStatus: UnsafePointer<hub_trading_status> {
        raw.assumingMemoryBound(to: hub_trading_status.self)
    }
    @inlinable public var asGap: UnsafePointer<hub_gap> { raw.assumingMemoryBound(to: hub_gap.self) }
    @inlinable public var asControl: UnsafePointer<hub_control> { raw.assumingMemoryBound(to: hub_control.self) }
    @inlinable public var asPosition: UnsafePointer<hub_position> { raw.assumingMemoryBound(to: hub_position.self) }
    @inlinable public var asConfiguration: UnsafePointer<hub_configuration> {
        raw.assumingMemoryBound(to: hub_configuration.self)
    }
    @inlinable public var asDefineStream: UnsafePointer<hub_define_stream> {
        raw.assumingMemoryBound(to: hub_define_stream.self)
    }
    @inlinable public var asDefineValue: UnsafePointer<hub_define_value> {
        raw.assumingMemoryBound(to: hub_define_value.self)
    }

    /// First byte of a book's levels (`hub_level`): `bids` best first, then `asks`.
    @inlinable public var bookLevels: UnsafePointer<hub_level> {
        (raw + 40).assumingMemoryBound(to: hub_level.self)
    }
    /// First output of a value record.
    @inlinable public var valueOutputs: UnsafePointer<Double> { (raw + 56).assumingMemoryBound(to: Double.self) }
    /// `what` of a control or define record.
    @inlinable public var what: Int { Int((raw + 32).load(as: UInt8.self)) }
}
