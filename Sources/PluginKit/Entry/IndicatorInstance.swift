import PluginABI

final class IndicatorInstance<P: Indicator>: Instance {
    private var author: P
    private var definitions: [hub_definition]?
    // What the host's copies of the definitions point at, freed with the instance.
    private var owned: [UnsafeMutableRawPointer] = []

    init(_ author: P) {
        self.author = author
        super.init()
    }

    deinit { for memory in owned { memory.deallocate() } }

    override func table(_ id: String) -> UnsafeRawPointer? {
        guard id == "hub.indicator/1" else { return nil }
        return UnsafeRawPointer(P.peeks ? Tables.peekingIndicator : Tables.indicator)
    }
    override func checkSettings() throws { try author.checkSettings() }
    override func start(_ now: Now) throws { try author.start(now: now) }
    override func stop() { author.stop() }

    private func known() throws -> [hub_definition] {
        if let definitions { return definitions }
        let made = try author.definitions().map { definition in
            var raw = hub_definition()
            raw.struct_size = UInt32(MemoryLayout<hub_definition>.size)
            raw.warm_up = definition.warmUp
            raw.name = own(definition.name)
            raw.outputs = own(definition.outputs.map(own))
            raw.output_count = UInt64(definition.outputs.count)
            raw.intervals = definition.intervals.flatMap(own)
            raw.interval_count = UInt64(definition.intervals?.count ?? 0)
            return raw
        }
        definitions = made
        return made
    }

    private func own(_ text: String) -> hub_text {
        let copy = Immortal.text(text)
        if let data = copy.data { owned.append(UnsafeMutableRawPointer(mutating: data)) }
        return copy
    }

    private func own<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
        let copy = Immortal.array(elements)
        if let copy { owned.append(UnsafeMutableRawPointer(mutating: copy)) }
        return copy
    }

    override func definitionCount() -> UInt32 { UInt32((try? known().count) ?? 0) }
    override func definition(_ index: UInt32, _ out: UnsafeMutablePointer<hub_definition>) -> Bool {
        guard let all = try? known(), index < all.count else { return false }
        out.pointee = all[Int(index)]
        return true
    }
    override func open(_ series: UInt32, _ definition: Int, _ interval: UInt32) throws {
        try author.open(series: series, definition: definition, intervalSeconds: interval)
    }
    override func update(_ bars: UnsafeBufferPointer<hub_series_bar>, _ output: Output, _ now: Now) throws {
        try author.update(bars, into: output, now: now)
    }
    override func peek(_ bars: UnsafeBufferPointer<hub_series_bar>, _ output: Output, _ now: Now) throws {
        try author.peek(bars, into: output, now: now)
    }
    override func save(_ series: UInt32, _ writer: StateWriter) throws { try author.save(series: series, to: writer) }
    override func load(_ series: UInt32, _ state: UnsafeRawBufferPointer) throws {
        try author.load(series: series, from: state)
    }
}

extension Tables {
    nonisolated(unsafe) static let indicator = Immortal.value(makeIndicator(peeks: false))
    nonisolated(unsafe) static let peekingIndicator = Immortal.value(makeIndicator(peeks: true))

    private static func makeIndicator(peeks: Bool) -> hub_indicator_1 {
        var table = hub_indicator_1(
            count: { plugin in Instance.with(plugin) { $0.definitionCount() } },
            definition: { plugin, index, out in
                Instance.with(plugin) { $0.definition(index, out!) } ? 0 : PluginError.Status.notFound.rawValue
            },
            open: { plugin, series, definition, interval, error in
                Instance.attempt(plugin, error) { try $0.open(series, Int(definition), interval) }
            },
            update: { plugin, bars, count, out, now, error in
                let bars = UnsafeBufferPointer(start: bars, count: Int(count))
                return Instance.attempt(plugin, error) { try $0.update(bars, Output(out!), Now(now)) }
            },
            peek: nil,
            save: { plugin, series, writer, error in
                Instance.attempt(plugin, error) { try $0.save(series, StateWriter(writer!)) }
            },
            load: { plugin, series, state, error in
                let bytes = UnsafeRawBufferPointer(start: state.data, count: Int(state.length))
                return Instance.attempt(plugin, error) { try $0.load(series, bytes) }
            })
        if peeks {
            table.peek = { plugin, bars, count, out, now, error in
                let bars = UnsafeBufferPointer(start: bars, count: Int(count))
                return Instance.attempt(plugin, error) { try $0.peek(bars, Output(out!), Now(now)) }
            }
        }
        return table
    }
}
