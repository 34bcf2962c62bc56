import Foundation
import PluginABI

/// Aligned room for one record: SQLite gives the bytes of a row at any address.
struct RecordScratch: ~Copyable {
    private let room = UnsafeMutableRawPointer.allocate(byteCount: Int(HUB_MAX_LINES * HUB_LINE), alignment: 64)

    deinit { room.deallocate() }

    /// Calls `body` with a copy of the record in `data`; not for data that is no whole record.
    func withRecord(_ data: Data?, _ body: (UnsafePointer<hub_record>) -> Void) {
        data?.withUnsafeBytes { withRecord($0, body) }
    }

    func withRecord(_ data: UnsafeRawBufferPointer, _ body: (UnsafePointer<hub_record>) -> Void) {
        guard data.count >= Int(HUB_LINE), data.count <= Int(HUB_MAX_LINES * HUB_LINE), let base = data.baseAddress
        else { return }
        room.copyMemory(from: base, byteCount: data.count)
        let record = room.assumingMemoryBound(to: hub_record.self)
        guard Int(record.pointee.lines) * Int(HUB_LINE) == data.count else { return }
        body(UnsafePointer(record))
    }
}
