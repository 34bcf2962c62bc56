import EventFormat
import HubModel
import HubRuntime
import PluginABI

/// Turns lines of event objects into a batch of records; lines that cannot be read are told and left out. Pure.
struct ImportReader {
    /// A line that was refused.
    struct Fault: Sendable, Hashable {
        /// From 1.
        var line: Int
        /// Byte of the line, from 1.
        var column: Int
        var message: String
    }

    /// So many faults are told; the others are only counted.
    static let mostFaults = 100

    private(set) var symbols: [String] = []
    private(set) var marketCentres: [String] = []
    private(set) var records: [UInt8] = []
    /// Lines with something on them.
    private(set) var rows = 0
    private(set) var refused = 0
    /// Lines that were passed over.
    private(set) var skipped = 0
    private(set) var faults: [Fault] = []

    private struct Key: Hashable {
        var symbol: String
        var centre: String
    }

    /// - Parameter skipping: so many of the first lines were taken in before.
    init(_ body: UnsafeRawBufferPointer, skipping: Int = 0) {
        records.reserveCapacity(body.count / 2)
        var decoder = EventDecoder()
        var places: [Key: UInt32] = [:]
        var number = 0
        var start = 0
        while start < body.count {
            number += 1
            let end = body[start...].firstIndex(of: UInt8(ascii: "\n")) ?? body.count
            let line = UnsafeRawBufferPointer(rebasing: body[start..<end])
            start = end + 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
            rows += 1
            if rows <= skipping {
                skipped += 1
                continue
            }
            let before = records.count
            do throws(EventTextError) {
                let names = try decoder.decode(line, into: &records)
                let place = try place(of: names, &places)
                records.withUnsafeMutableBytes { bytes in
                    bytes.storeBytes(of: place, toByteOffset: before + 4, as: UInt32.self)
                }
            } catch {
                records.removeSubrange(before...)
                refused += 1
                if faults.count < Self.mostFaults {
                    faults.append(Fault(line: number, column: error.column, message: error.message))
                }
            }
        }
    }

    private mutating func place(
        of names: EventDecoder.Names, _ places: inout [Key: UInt32]
    ) throws(EventTextError) -> UInt32 {
        let key = Key(symbol: names.symbol, centre: names.venue)
        if let place = places[key] { return place }
        do {
            let symbol = try Symbol(names.symbol)
            guard symbol.text == names.symbol else {
                throw EventTextError(column: 1, "symbol: '\(names.symbol)' is to be written \(symbol.text)")
            }
        } catch let error as EventTextError {
            throw error
        } catch {
            throw EventTextError(column: 1, "symbol: \(error)")
        }
        let place = UInt32(symbols.count)
        places[key] = place
        symbols.append(names.symbol)
        marketCentres.append(names.venue)
        return place
    }
}
