import EventFormat
import HubModel
import HubRuntime
import Synchronization

/// Every instrument by name: canonical symbols, and bare names that several of them may share.
///
/// An immutable value; `SymbolDirectories` makes a new one when definitions have changed.
final class SymbolDirectory: Sendable {
    /// Sorted by their bytes.
    let symbols: [Symbol]
    private let known: Set<String>
    private let byName: [String: [String]]

    init(_ texts: Set<String>) {
        symbols = texts.compactMap { try? Symbol($0) }.sorted()
        known = Set(symbols.map(\.text))
        byName = Dictionary(grouping: symbols.map(\.text)) { text in
            String(text[text.index(after: text.firstIndex(of: ":") ?? text.startIndex)...])
        }
    }

    func contains(_ symbol: String) -> Bool { known.contains(symbol) }

    /// What a name stands for: a canonical symbol, or a bare name that is unambiguous.
    func resolve(_ name: String) -> SymbolMatch {
        if known.contains(name), let symbol = try? Symbol(name) { return .found(symbol) }
        if !name.utf8.contains(UInt8(ascii: ":")) {
            let candidates = byName[name] ?? []
            if candidates.count == 1, let symbol = try? Symbol(candidates[0]) { return .found(symbol) }
            if candidates.count > 1 { return .ambiguous(candidates.sorted()) }
            // Perhaps the venue is all that is missing from a name with a slip in it.
            let nearest = NameDistance.nearest(to: name, among: byName.keys.sorted())
            return .unknown(nearest: nearest.flatMap { byName[$0] } ?? [])
        }
        let nearest = NameDistance.nearest(to: name, among: symbols.lazy.map(\.text))
        return .unknown(nearest: nearest.map { [$0] } ?? [])
    }

    /// All symbols that match a glob, sorted.
    func symbols(matching pattern: SymbolPattern) -> [Symbol] { symbols.filter { pattern.matches($0) } }

    /// One instrument for a route that takes one.
    func one(_ name: String) throws(Problem) -> Symbol {
        if GlobOverlap.isGlob(name) {
            throw Problem(.badSymbol, "'\(name)' is a pattern, and this route takes one instrument")
        }
        switch resolve(name) {
        case .found(let symbol): return symbol
        case .ambiguous(let candidates):
            let list = candidates.joined(separator: " or ")
            throw Problem(
                .ambiguousSymbol, "\(name) is the name of several instruments",
                faults: [.init("symbol", "write \(list)")], candidates: candidates)
        case .unknown(let nearest):
            let bare = name.utf8.contains(UInt8(ascii: ":")) ? name : "X:\(name)"
            do {
                _ = try Symbol(bare)
            } catch {
                throw Problem(
                    .badSymbol, "'\(name)' is not a symbol; expected VENUE:NAME such as NSE:RELIANCE",
                    faults: [.init("symbol", error.description)])
            }
            let meant = nearest.first.map { "; did you mean \($0)?" } ?? ""
            throw Problem(.unknownSymbol, "there is no instrument \(name)\(meant)", candidates: nearest)
        }
    }
}

/// Keeps the directory up to date with the definitions.
final class SymbolDirectories: Sendable {
    private let engine: any EngineAccess
    private let cached = Mutex<(version: Int, directory: SymbolDirectory)?>(nil)

    init(_ engine: any EngineAccess) {
        self.engine = engine
    }

    /// The directory of all instruments defined so far, and of those the configuration names.
    func current() -> SymbolDirectory {
        let version = engine.definitions.version
        if let directory = cached.withLock({ $0.flatMap { $0.version == version ? $0.directory : nil } }) {
            return directory
        }
        var texts = Set<String>()
        for stream in engine.definitions.snapshot().streams where !stream.symbol.isEmpty { texts.insert(stream.symbol) }
        for pipeline in engine.configuration.pipelines {
            for symbol in pipeline.instruments { texts.insert(symbol.text) }
        }
        let directory = SymbolDirectory(texts)
        cached.withLock { $0 = (version, directory) }
        return directory
    }
}

/// The instruments a list of names and globs stands for.
struct SymbolSelection {
    /// In the order asked; those of a glob sorted; each once.
    private(set) var symbols: [Symbol] = []
    /// Symbols that were named and not only matched.
    private(set) var named: Set<String> = []
    private(set) var notFound: [String] = []
    private(set) var failed: [ListMeta.Failure] = []
    private(set) var patterns: [SymbolPattern] = []

    /// - Parameters:
    ///   - names: symbols, bare names and globs.
    ///   - limit: of instruments in all.
    ///   - canAsk: whether somebody can be asked about an instrument that the hub does not know.
    /// - Throws: `bad_symbol`, naming every one that is none; `too_many_symbols`.
    init(
        _ names: [String], in directory: SymbolDirectory, limit: Int, canAsk: (String) -> Bool = { _ in false }
    ) throws(Problem) {
        var faults: [Problem.Fault] = []
        var seen = Set<String>()
        for name in names {
            if GlobOverlap.isGlob(name) {
                do {
                    let pattern = try SymbolPattern(name)
                    patterns.append(pattern)
                    for symbol in directory.symbols(matching: pattern) where seen.insert(symbol.text).inserted {
                        symbols.append(symbol)
                    }
                } catch {
                    faults.append(.init("symbols", error.description))
                }
                continue
            }
            switch directory.resolve(name) {
            case .found(let symbol):
                named.insert(symbol.text)
                patterns.append(SymbolPattern(symbol))
                if seen.insert(symbol.text).inserted { symbols.append(symbol) }
            case .ambiguous(let candidates):
                let list = candidates.joined(separator: " or ")
                failed.append(.init(symbol: name, code: .ambiguousSymbol, detail: "write \(list)"))
            case .unknown:
                do {
                    let symbol = try Symbol(name.utf8.contains(UInt8(ascii: ":")) ? name : "X:\(name)")
                    guard symbol.text == name, canAsk(name) else {
                        notFound.append(name)
                        continue
                    }
                    named.insert(name)
                    patterns.append(SymbolPattern(symbol))
                    if seen.insert(name).inserted { symbols.append(symbol) }
                } catch {
                    faults.append(.init("symbols", error.description))
                }
            }
        }
        if let first = faults.first { throw Problem(.badSymbol, "symbols: \(first.message)", faults: faults) }
        guard symbols.count <= limit else {
            throw Problem(.tooManySymbols, "\(symbols.count) instruments match, and at most \(limit) can be asked for")
        }
    }
}
