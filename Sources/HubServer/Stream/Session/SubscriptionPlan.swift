internal import EventFormat
internal import HubModel

/// A subscription with its names looked up: what to take in, and what the client is told about it.
struct SubscriptionPlan: Sendable {
    /// An instrument and what will come of it.
    struct Matched: Hashable, Sendable {
        var symbol: String
        var types: [String]
    }

    /// As many are told; `count` counts all.
    static let maximumTold = 1000

    private(set) var patterns: [SymbolPattern] = []
    private(set) var count = 0
    private(set) var matched: [Matched] = []
    private(set) var notFound: [String] = []
    private(set) var denied: [String] = []
    private(set) var pending: [String] = []

    /// Looks up what a request names.
    ///
    /// - Throws: what is wrong with a symbol; `not_configured` for a value nobody computes; `nothing_matched` if no
    /// name is known and
    ///   there is no glob.
    init(
        _ request: SubscribeRequest, catalogue: some StreamCatalogue
    ) throws(StreamError) {
        try Self.checkValues(request, catalogue)
        var faults: [(code: ProblemCode, fault: StreamError.Fault, candidates: [String])] = []
        var nearest: [String] = []
        for (index, name) in request.symbols.enumerated() {
            let pointer = "/symbols/\(index)"
            if GlobOverlap.isGlob(name) {
                do {
                    patterns.append(try SymbolPattern(name))
                } catch {
                    faults.append((.badSymbol, .init(pointer: pointer, message: error.description), []))
                }
                continue
            }
            switch catalogue.resolve(name) {
            case .found(let symbol):
                if let refusal = catalogue.refusal(symbol) {
                    faults.append((.tooManySymbols, .init(pointer: pointer, message: refusal), []))
                } else if catalogue.isAllowed(symbol.text) {
                    patterns.append(SymbolPattern(symbol))
                } else {
                    denied.append(symbol.text)
                }
            case .ambiguous(let candidates):
                let message = "write one of \(candidates.joined(separator: ", "))"
                faults.append((.ambiguousSymbol, .init(pointer: pointer, message: message), candidates))
            case .unknown(let candidates):
                if let message = Self.malformed(name) {
                    faults.append((.badSymbol, .init(pointer: pointer, message: message), []))
                } else {
                    notFound.append(name)
                    nearest += candidates
                }
            }
        }
        if let first = faults.first {
            throw StreamError(
                first.code, "\(first.fault.pointer): \(first.fault.message)", id: request.id,
                faults: faults.prefix(20).map(\.fault), candidates: faults.count == 1 ? first.candidates : [])
        }
        guard !patterns.isEmpty else { throw nothingMatched(request, nearest) }
        collect(request.selector, catalogue)
    }

    /// A name that has a venue must be a symbol; a bare one may be anything a symbol's name may be.
    private static func malformed(_ name: String) -> String? {
        let text = name.utf8.contains(UInt8(ascii: ":")) ? name : "X:\(name)"
        do {
            _ = try Symbol(text)
            return nil
        } catch {
            return "'\(name.prefix(80))' is not a symbol; expected VENUE:NAME such as NSE:RELIANCE"
        }
    }

    /// Values on the stream are those of the configuration; another name would be silence for ever.
    private static func checkValues(
        _ request: SubscribeRequest, _ catalogue: some StreamCatalogue
    ) throws(StreamError) {
        var faults: [StreamError.Fault] = []
        var candidates: [String] = []
        let configured = catalogue.configuredValues
        for (index, type) in (request.types ?? []).enumerated() where type.hasPrefix("value:") {
            let name = String(type.dropFirst(6))
            guard !configured.contains(name) else { continue }
            faults.append(.init(pointer: "/types/\(index)", message: "no such value is configured"))
            candidates += NameDistance.nearest(to: name, among: configured).map { ["value:\($0)"] } ?? []
        }
        guard let first = faults.first else { return }
        let list = configured.prefix(20).joined(separator: ", ")
        throw StreamError(
            .notConfigured,
            configured.isEmpty
                ? "\(first.pointer): no values are configured in hub.yaml"
                : "\(first.pointer): the values configured in hub.yaml are \(list)", id: request.id,
            faults: Array(faults.prefix(20)), candidates: candidates)
    }

    private func nothingMatched(_ request: SubscribeRequest, _ nearest: [String]) -> StreamError {
        var message =
            notFound.isEmpty ? "none of the symbols may be read with this key" : "no instrument \(notFound[0])"
        if let candidate = nearest.first { message += "; did you mean \(candidate)?" }
        var error = StreamError(.nothingMatched, message, id: request.id, candidates: nearest)
        for (index, name) in request.symbols.enumerated().prefix(20) {
            error.faults.append(
                .init(pointer: "/symbols/\(index)", message: denied.contains(name) ? "not allowed" : "unknown"))
        }
        return error
    }

    private mutating func collect(_ selector: EventSelector, _ catalogue: some StreamCatalogue) {
        var seen = Set<String>()
        for pattern in patterns {
            let instruments =
                pattern.isExact
                ? catalogue.instrument(pattern.text).map { [$0] } ?? [] : catalogue.instruments(matching: pattern)
            for instrument in instruments
            where catalogue.isAllowed(instrument.symbol) && seen.insert(instrument.symbol).inserted {
                count += 1
                if instrument.isPending { pending.append(instrument.symbol) }
                guard matched.count < Self.maximumTold else { continue }
                matched.append(Matched(symbol: instrument.symbol, types: Self.types(of: instrument, selector)))
            }
        }
    }

    /// The words of what exists for an instrument and was asked for.
    private static func types(of instrument: StreamInstrument, _ selector: EventSelector) -> [String] {
        let words: [String] = instrument.kinds.compactMap { item in
            guard
                selector.matches(kind: item.kind.rawValue, interval: item.interval, definition: item.definition)
            else { return nil }
            switch item.kind {
            case .bar: return "bar:\(Interval.text(ofSeconds: item.interval))"
            case .value: return "value:\(item.definition)@\(Interval.text(ofSeconds: item.interval))"
            default: return item.kind.name
            }
        }
        return selector.wantsSummary ? words + ["summary"] : words
    }
}
