package import PluginABI
import PluginKit

/// A setting as a test writes it.
package indirect enum Setting: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case text(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case list([Setting])
    case map([(String, Setting)])

    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(arrayLiteral elements: Setting...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (String, Setting)...) { self = .map(elements) }

    subscript(pointer: String) -> Setting? {
        var current = self
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = part.split(separator: "~1", omittingEmptySubsequences: false).joined(separator: "/")
                .split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
            switch current {
            case .list(let items):
                guard let index = Int(key), items.indices.contains(index) else { return nil }
                current = items[index]
            case .map(let items):
                guard let item = items.first(where: { $0.0 == key }) else { return nil }
                current = item.1
            default: return nil
            }
        }
        return current
    }
}

/// A host that keeps what a plugin tells it, for one instance at a time. Not thread-safe.
package final class FakeHost {
    package let settings: Setting
    package var lastPosition: [UInt8]?
    package var log: [String] = []
    package var feed: [(state: UInt32, reason: String)] = []
    package var subscriptions: [UInt32: UInt32] = [:]
    package var gaps: [(reason: UInt32, from: Int64, to: Int64)] = []
    /// (symbol, market centre) of each handle from 1 on; those of `want` come first.
    package var streams: [(symbol: String, marketCentre: String)] = []
    package var described: [UInt32: (currency: String, tickSize: Double, lotSize: Double)] = [:]

    /// What it asked of the network, and what it is answered.
    package var vendor = VendorRecord()

    package private(set) var raw = UnsafeMutablePointer<hub_host>.allocate(capacity: 1)
    private var texts: [UnsafeMutableRawPointer] = []

    package init(_ settings: Setting, lastPosition: [UInt8]? = nil) {
        self.settings = settings
        self.lastPosition = lastPosition
        raw.initialize(
            to: hub_host(
                struct_size: UInt32(MemoryLayout<hub_host>.size), abi_major: 0, abi_minor: 1, reserved: 0, data: nil,
                get_extension: { _, id in
                    switch String(id) {
                    case "hub.host.settings/1": UnsafeRawPointer(FakeHost.settingsTable)
                    case "hub.host.emit/1": UnsafeRawPointer(FakeHost.emitTable)
                    case "hub.host.log/1": UnsafeRawPointer(FakeHost.logTable)
                    case "hub.host.status/1": UnsafeRawPointer(FakeHost.statusTable)
                    default: FakeHost.vendorTable(String(id))
                    }
                }))
        raw.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        raw.deallocate()
        for text in texts { text.deallocate() }
    }

    /// A text that lives as long as this host.
    func lasting(_ string: String) -> hub_text {
        let bytes = Array(string.utf8)
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        copy.copyMemory(from: bytes, byteCount: bytes.count)
        texts.append(copy)
        return hub_text(data: UnsafePointer(copy.assumingMemoryBound(to: CChar.self)), length: UInt64(bytes.count))
    }

    static func of(_ host: UnsafePointer<hub_host>?) -> FakeHost {
        Unmanaged<FakeHost>.fromOpaque(host!.pointee.data!).takeUnretainedValue()
    }

    static func table<Table>(_ table: Table) -> UnsafeMutablePointer<Table> {
        let copy = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        copy.initialize(to: table)
        return copy
    }

    private nonisolated(unsafe) static let settingsTable = table(
        hub_host_settings_1(
            text: { host, path, value in
                guard case .text(let text) = of(host).settings[String(path)] else { return 0 }
                value!.pointee = of(host).lasting(text)
                return 1
            },
            integer: { host, path, value in
                guard case .integer(let integer) = of(host).settings[String(path)] else { return 0 }
                value!.pointee = integer
                return 1
            },
            number: { host, path, value in
                switch of(host).settings[String(path)] {
                case .number(let number): value!.pointee = number
                case .integer(let integer): value!.pointee = Double(integer)
                default: return 0
                }
                return 1
            },
            boolean: { host, path, value in
                guard case .boolean(let boolean) = of(host).settings[String(path)] else { return 0 }
                value!.pointee = boolean ? 1 : 0
                return 1
            },
            count: { host, path in
                switch of(host).settings[String(path)] {
                case .list(let items): Int64(items.count)
                case .map(let items): Int64(items.count)
                default: -1
                }
            },
            key: { host, path, index, key in
                guard case .map(let items) = of(host).settings[String(path)], index < items.count else { return 0 }
                key!.pointee = of(host).lasting(items[Int(index)].0)
                return 1
            }))

    private nonisolated(unsafe) static let emitTable = table(
        hub_host_emit_1(
            define: { host, instrument in
                let host = of(host)
                let stream = (
                    symbol: String(instrument!.pointee.symbol), marketCentre: String(instrument!.pointee.market_centre)
                )
                if let known = host.streams.firstIndex(where: { $0 == stream }) { return UInt32(known + 1) }
                host.streams.append(stream)
                return UInt32(host.streams.count)
            },
            describe: { host, handle, instrument in
                of(host).described[handle] = (
                    String(instrument!.pointee.currency), instrument!.pointee.tick_size, instrument!.pointee.lot_size
                )
                return 0
            },
            last_position: { host, data in
                guard let position = of(host).lastPosition else { return 0 }
                for (index, byte) in position.enumerated() { data![index] = byte }
                return 1
            }))

    private nonisolated(unsafe) static let logTable = table(
        hub_host_log_1(
            log: { host, _, message in of(host).log.append(String(message)) },
            level: { _ in 0 }))

    private nonisolated(unsafe) static let statusTable = table(
        hub_host_status_1(
            feed: { host, state, reason in of(host).feed.append((state, String(reason))) },
            subscription: { host, handle, state, _ in of(host).subscriptions[handle] = state },
            gap: { host, reason, _, _, _, from, to in of(host).gaps.append((reason, from, to)) }))
}
