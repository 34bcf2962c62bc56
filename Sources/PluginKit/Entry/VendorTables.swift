import PluginABI

/// Texts that live until they are replaced: what an answer of a plugin points to until the next call.
final class KeptTexts {
    private var memory: [UnsafeMutablePointer<CChar>] = []
    private(set) var identifiers: (names: UnsafeMutablePointer<hub_text>, values: UnsafeMutablePointer<hub_text>)?

    func clear() {
        for text in memory { text.deallocate() }
        memory = []
        identifiers?.names.deallocate()
        identifiers?.values.deallocate()
        identifiers = nil
    }

    func keep(_ text: String) -> hub_text {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { return hub_text(data: nil, length: 0) }
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        UnsafeMutableRawPointer(copy).copyMemory(from: bytes, byteCount: bytes.count)
        memory.append(copy)
        return hub_text(data: copy, length: UInt64(bytes.count))
    }

    /// Keeps a listing, in place of what was kept before.
    func keep(_ listing: Listing, in out: UnsafeMutablePointer<hub_listing>) {
        clear()
        out.pointee.type = UInt32(listing.type.rawValue)
        out.pointee.symbol = keep(listing.symbol)
        out.pointee.name = keep(listing.name)
        out.pointee.currency = keep(listing.currency)
        out.pointee.isin = keep(listing.isin)
        out.pointee.figi = keep(listing.figi)
        out.pointee.underlying = keep(listing.underlying)
        out.pointee.sector = keep(listing.sector)
        out.pointee.tick_size = listing.tickSize ?? .nan
        out.pointee.lot_size = listing.lotSize ?? .nan
        out.pointee.multiplier = listing.multiplier ?? .nan
        out.pointee.strike = listing.strike ?? .nan
        out.pointee.expiry = listing.expiry ?? 0
        out.pointee.right = listing.right.rawValue
        out.pointee.identifier_count = UInt64(listing.identifiers.count)
        guard !listing.identifiers.isEmpty else {
            (out.pointee.identifier_names, out.pointee.identifier_values) = (nil, nil)
            return
        }
        let names = UnsafeMutablePointer<hub_text>.allocate(capacity: listing.identifiers.count)
        let values = UnsafeMutablePointer<hub_text>.allocate(capacity: listing.identifiers.count)
        for (index, identifier) in listing.identifiers.enumerated() {
            (names + index).initialize(to: keep(identifier.name))
            (values + index).initialize(to: keep(identifier.value))
        }
        identifiers = (names, values)
        out.pointee.identifier_names = UnsafePointer(names)
        out.pointee.identifier_values = UnsafePointer(values)
    }

    deinit { clear() }
}

extension Tables {
    nonisolated(unsafe) static let query = Immortal.value(
        hub_query_1(
            query: { plugin, query, now, error in
                Instance.attempt(plugin, error) { instance in
                    guard let query = Query(query!) else {
                        throw PluginError(.unsupported, "this plugin knows no such query")
                    }
                    try instance.query(query, Now(now))
                }
            },
            cancel: { plugin, query in Instance.with(plugin) { $0.cancel(query) } },
            batch: { plugin in Instance.with(plugin) { UInt32($0.quoteBatch()) } },
            spans: { plugin, count in
                let spans = Instance.with(plugin) { $0.querySpans() }
                count?.pointee = UInt64(spans.count)
                return Spans.immortal(spans)
            }))

    nonisolated(unsafe) static let catalog = Immortal.value(
        hub_catalog_1(
            refresh: { plugin, now, error in
                Instance.attempt(plugin, error) { try $0.refreshCatalog(Now(now)) }
            },
            describe: { plugin, symbol, out, error in
                Instance.attempt(plugin, error) { instance in
                    guard let listing = instance.listing(String(symbol)) else {
                        throw PluginError(.notFound, "not an instrument of this provider")
                    }
                    instance.answer.keep(listing, in: out!)
                }
            },
            find: { plugin, identifier, symbol, error in
                Instance.attempt(plugin, error) { instance in
                    guard let found = instance.symbol(String(identifier)) else {
                        throw PluginError(.notFound, "not an identifier of this provider")
                    }
                    instance.answer.clear()
                    symbol!.pointee = instance.answer.keep(found)
                }
            }))

    nonisolated(unsafe) static let login = Immortal.value(
        hub_login_1(
            url: { plugin, redirect, state, out, now, error in
                Instance.attempt(plugin, error) { instance in
                    var url = try instance.loginURL(String(redirect), String(state), Now(now))
                    url.withUTF8 { bytes in
                        _ = out!.pointee.write(out, bytes.baseAddress, UInt64(bytes.count))
                    }
                }
            },
            exchange: { plugin, redirect, names, values, count, now, error in
                Instance.attempt(plugin, error) { instance in
                    let fields = (0..<Int(count)).map { (name: String(names![$0]), value: String(values![$0])) }
                    try instance.exchange(fields, String(redirect), Now(now))
                }
            }))
}

/// The spans of the image's plugins, made once each.
private enum Spans {
    // Asked for at [scan] and at the start of an instance, by one thread; a second table of the same content does no harm.
    static func immortal(_ spans: [QuerySpan]) -> UnsafePointer<hub_query_span>? {
        Immortal.array(spans.map { hub_query_span(interval: $0.interval, days: $0.days) })
    }
}
