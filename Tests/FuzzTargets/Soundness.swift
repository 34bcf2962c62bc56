import JSONReading
import PluginABI
import PluginKit
import PluginTestSupport

/// What a host may expect of whatever a plugin answers.
enum Soundness {
    /// - Parameter zero: whether records of no instrument (a venue's status) are allowed.
    static func check(_ bytes: [UInt8], streams: Int, zero: Bool) throws {
        guard !bytes.isEmpty else { return }
        let records = RecordCollector(holding: bytes)
        defer { withExtendedLifetime(records) {} }
        guard records.isSound else { throw FuzzFailure("a record that no hub would take: \(bytes.prefix(256))") }
        for record in records.records {
            let stream = Int(record.pointee.stream)
            let isVenue = zero && stream == 0 && record.pointee.kind == RecordKind.tradingStatus.rawValue
            guard isVenue || (1...max(1, streams)).contains(stream) else {
                throw FuzzFailure("a record of stream \(stream), and there are \(streams)")
            }
        }
    }

    /// Answers in JSON are put into the hub's own as they are.
    static func check(json: String) throws {
        let scratch = JSONScratch()
        try Array(json.utf8).withUnsafeBytes { bytes in
            var reader = JSONReader(bytes, scratch: scratch)
            do {
                try reader.skip()
                try reader.finish()
            } catch {
                throw FuzzFailure("an answer that is no JSON: \(error): \(json.prefix(400))")
            }
        }
        withExtendedLifetime(scratch) {}
    }
}
