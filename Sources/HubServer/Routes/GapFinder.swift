import EventFormat
import HubJournal
import HubModel
import HubRuntime
import PluginABI

/// The gaps that touch a range of an answer: each once, as it was told last.
struct GapFinder {
    let engine: any EngineAccess
    let patterns: [SymbolPattern]
    let style: TimeStyle

    /// - Parameters:
    ///   - from: the range, nanoseconds; `nil` = without that end.
    ///   - asOf: gaps told later do not count.
    /// - Returns: `gap` objects in the order in which they were opened.
    func gaps(from: Int64?, to: Int64?, through asOf: UInt64) throws -> [[UInt8]] {
        // The newest record of each gap, by the position that opened it.
        var records: [UInt64: [UInt8]] = [:]
        try History(engine).gaps(through: asOf) { record in
            let gap = RecordPointer(record).asGap.pointee
            let start = gap.opened_by == 0 ? record.pointee.seq : gap.opened_by
            guard concerns(record) else { return }
            records[start] = Array(
                UnsafeRawBufferPointer(start: record, count: Int(record.pointee.lines) * Int(HUB_LINE)))
        }
        var encoder = EventEncoder(timeStyle: style)
        let definitions = engine.definitions.snapshot()
        var objects: [[UInt8]] = []
        for (_, bytes) in records.sorted(by: { $0.key < $1.key }) {
            bytes.withUnsafeBytes { raw in
                guard let base = raw.baseAddress else { return }
                let record = base.assumingMemoryBound(to: hub_record.self)
                let gap = RecordPointer(record).asGap.pointee
                if let to, gap.from >= to { return }
                if let from, gap.to != 0, gap.to < from { return }
                var text = TextBuffer(capacity: 512)
                encoder.encode(record, definitions: definitions, into: &text)
                objects.append(text.array)
            }
        }
        return objects
    }

    private func concerns(_ record: UnsafePointer<hub_record>) -> Bool {
        let symbols = GapText.symbols(record)
        return symbols.isEmpty
            || symbols.contains { symbol in patterns.contains { GlobOverlap.overlap($0.text, symbol) } }
    }
}
