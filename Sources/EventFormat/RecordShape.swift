public import PluginABI

/// Whether a record is as large as what it claims to hold.
public enum RecordShape {
    /// Whether every field, level, output and text of the record lies within its lines.
    ///
    /// The `lines * 64` bytes at the pointer must be readable. Kinds that are not known pass: only their head can be
    /// read.
    public static func isWellFormed(_ record: UnsafePointer<hub_record>) -> Bool {
        let pointer = RecordPointer(record)
        guard pointer.lines >= 1 else { return false }
        switch pointer.kind {
        case HUB_TRADE, HUB_QUOTE: return true
        case HUB_TICK, HUB_BAR, HUB_GREEKS: return pointer.lines >= 2
        case HUB_BOOK:
            let book = pointer.asBook.pointee
            return 40 + (Int(book.bids) + Int(book.asks)) * 24 <= pointer.byteCount
        case HUB_VALUE:
            let outputs = Int(pointer.asValue.pointee.outputs)
            return outputs >= 1 && 56 + outputs * 8 <= pointer.byteCount
        case HUB_SIGNAL: return RecordText.fits(record, after: 48, count: 2)
        // A line that ends with the fixed part has no texts: they are empty.
        case HUB_STATUS: return pointer.lines == 1 || RecordText.fits(record, after: 64, count: 2)
        case HUB_GAP: return pointer.lines == 1 || RecordText.fits(record, after: 64, count: 1)
        case HUB_CONTROL:
            switch pointer.what {
            case HUB_CONTROL_POSITION: return true
            case HUB_CONTROL_CONFIGURATION: return pointer.lines >= 2
            default: return RecordText.fits(record, after: 48, count: 4)
            }
        case HUB_DEFINE:
            switch pointer.what {
            case HUB_DEFINE_STREAM: return RecordText.fits(record, after: 56, count: 5)
            case HUB_DEFINE_VALUE:
                return RecordText.fits(record, after: 48, count: 1 + Int(pointer.asDefineValue.pointee.outputs))
            default: return true
            }
        default: return true
        }
    }
}
