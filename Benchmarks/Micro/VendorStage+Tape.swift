import PluginKit
import VendorStages

extension VendorStage {
    /// The plugin that a tape is for, streaming what is on it, in the kinds that it can make of it.
    static func of(_ tape: VendorTape, kinds: KindSet) throws -> VendorStage {
        let symbols = tape.instruments.map(\.symbol)
        switch tape.vendor {
        case .zerodha:
            return try .zerodha(
                tape.instruments.map { (name(of: $0.symbol), $0.token) }, streams: symbols, kinds: kinds)
        case .upstox:
            return try .upstox(tape.instruments.map { (name(of: $0.symbol), $0.key) }, streams: symbols, kinds: kinds)
        case .finnhub: return try .finnhub(streams: symbols, kinds: kinds)
        case .twelvedata: return try .twelvedata(streams: symbols, kinds: kinds)
        }
    }

    private static func name(of symbol: String) -> String { String(symbol.drop { $0 != ":" }.dropFirst()) }
}
