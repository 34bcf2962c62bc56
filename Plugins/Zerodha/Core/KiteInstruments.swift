import PluginKit

/// The instrument list: by canonical symbol, by token, and by the vendor's own name.
struct KiteInstruments {
    private var all: [KiteInstrument] = []
    private var bySymbol: [String: Int32] = [:]
    private var byToken: [UInt32: Int32] = [:]

    var count: Int { all.count }

    /// Adds an instrument; of two with the same symbol the first counts.
    mutating func add(_ instrument: KiteInstrument) -> Bool {
        guard bySymbol[instrument.symbol] == nil else { return false }
        bySymbol[instrument.symbol] = Int32(all.count)
        byToken[instrument.token] = Int32(all.count)
        all.append(instrument)
        return true
    }

    func instrument(token: UInt32) -> KiteInstrument? { byToken[token].map { all[Int($0)] } }

    /// The instrument of a canonical symbol, or of the vendor's name that the operator gave it: a token, or
    /// `EXCHANGE:TRADINGSYMBOL`.
    func instrument(of symbol: String, named name: String? = nil) -> KiteInstrument? {
        guard let name else { return bySymbol[symbol].map { all[Int($0)] } }
        if let token = UInt32(name) { return instrument(token: token) }
        return bySymbol[name].map { all[Int($0)] }
    }

    /// The token of an instrument; one that the operator gave need not be in the list.
    func token(of symbol: String, named name: String? = nil) -> UInt32? {
        if let name, let token = UInt32(name), token > 0 { return token }
        return instrument(of: symbol, named: name)?.token
    }
}
