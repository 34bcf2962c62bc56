import JSONReading
import PluginKit

/// The instrument list: by canonical symbol and by instrument key.
struct UpstoxInstruments {
    private var all: [UpstoxInstrument] = []
    private var symbols: [String] = []
    private var bySymbol: [String: Int32] = [:]
    private var byKey: [String: Int32] = [:]
    /// Records that could not be named, and those of a symbol that was there already.
    private(set) var passed = 0

    var count: Int { all.count }

    /// Reads the list: one array of records.
    init(_ bytes: UnsafeRawBufferPointer, each: (Listing) -> Void) throws {
        var reader = JSONReader(bytes, scratch: JSONScratch())
        do throws(JSONError) {
            try reader.enterArray()
            while try reader.nextElement() {
                guard try reader.kind() == .object else {
                    try reader.skip()
                    continue
                }
                let instrument = try UpstoxInstrument(&reader)
                guard let symbol = instrument.symbol, bySymbol[symbol] == nil else {
                    passed += 1
                    continue
                }
                bySymbol[symbol] = Int32(all.count)
                byKey[instrument.key] = Int32(all.count)
                all.append(instrument)
                symbols.append(symbol)
                each(instrument.listing(symbol))
            }
        } catch {
            throw PluginError(.protocolViolation, "Upstox's instrument list cannot be read: \(error)")
        }
        guard !all.isEmpty else { throw PluginError(.protocolViolation, "Upstox's instrument list is empty") }
    }

    /// The instrument of a canonical symbol, or of the instrument key that the operator gave it.
    func instrument(of symbol: String, named name: String? = nil) -> UpstoxInstrument? {
        if let name { return byKey[name].map { all[Int($0)] } }
        return bySymbol[symbol].map { all[Int($0)] }
    }

    /// The key of an instrument; one that the operator gave need not be in the list.
    func key(of symbol: String, named name: String? = nil) -> String? { name ?? instrument(of: symbol)?.key }

    /// The canonical symbol of an instrument key.
    func symbol(ofKey key: String) -> String? { byKey[key].map { symbols[Int($0)] } }
}
