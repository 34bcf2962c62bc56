import PluginABI
import PluginKit

/// A host with settings and a log, as the hub hands one to a plugin.
final class TestHost {
    enum Setting {
        case text(String)
        case list([String])
    }

    let raw: UnsafeMutablePointer<hub_host>
    private(set) var logged: [(level: UInt32, message: String)] = []
    private var settings: [String: Setting]
    private var texts: [String: UnsafeMutablePointer<CChar>] = [:]
    private let settingsTable: UnsafeMutablePointer<hub_host_settings_1>
    private let logTable: UnsafeMutablePointer<hub_host_log_1>

    init(_ settings: [String: Setting]) {
        self.settings = settings
        raw = .allocate(capacity: 1)
        settingsTable = .allocate(capacity: 1)
        logTable = .allocate(capacity: 1)
        settingsTable.initialize(
            to: hub_host_settings_1(
                text: { host, path, value in TestHost.of(host).text(String(path), value!) },
                integer: { _, _, _ in 0 },
                number: { _, _, _ in 0 },
                boolean: { _, _, _ in 0 },
                count: { host, path in
                    if case .list(let items) = TestHost.of(host).settings[String(path)] {
                        Int64(items.count)
                    } else {
                        -1
                    }
                },
                key: { _, _, _, _ in 0 }))
        logTable.initialize(
            to: hub_host_log_1(
                log: { host, level, message in TestHost.of(host).logged.append((level, String(message))) },
                level: { _ in 0 }))
        raw.initialize(
            to: hub_host(
                struct_size: UInt32(MemoryLayout<hub_host>.size), abi_major: 0, abi_minor: 1, reserved: 0,
                data: Unmanaged.passUnretained(self).toOpaque(),
                get_extension: { host, id in
                    switch String(id) {
                    case "hub.host.settings/1": UnsafeRawPointer(TestHost.of(host).settingsTable)
                    case "hub.host.log/1": UnsafeRawPointer(TestHost.of(host).logTable)
                    default: nil
                    }
                }))
    }

    deinit {
        for text in texts.values { text.deallocate() }
        raw.deallocate()
        settingsTable.deallocate()
        logTable.deallocate()
    }

    private static func of(_ host: UnsafePointer<hub_host>?) -> TestHost {
        Unmanaged<TestHost>.fromOpaque(host!.pointee.data).takeUnretainedValue()
    }

    private func text(_ path: String, _ value: UnsafeMutablePointer<hub_text>) -> Int32 {
        var found: String?
        if case .text(let text) = settings[path] { found = text }
        if found == nil, let slash = path.lastIndex(of: "/"),
            let index = Int(path[path.index(after: slash)...]),
            case .list(let items) = settings[String(path[..<slash])], items.indices.contains(index)
        {
            found = items[index]
        }
        guard let found else { return 0 }
        if texts[path] == nil {
            let bytes = Array(found.utf8CString)
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            copy.initialize(from: bytes, count: bytes.count)
            texts[path] = copy
        }
        value.pointee = hub_text(data: UnsafePointer(texts[path]!), length: UInt64(found.utf8.count))
        return 1
    }
}

/// Space for the records of a call, as the host gives it.
final class TestOutput {
    private let space: UnsafeMutableRawPointer
    private let capacityLines: Int
    private let raw: UnsafeMutablePointer<hub_out>

    init(lines: Int) {
        capacityLines = lines
        space = .allocate(byteCount: lines * 64, alignment: 64)
        // Not zero, so that a byte the plugin leaves unwritten shows.
        space.initializeMemory(as: UInt8.self, repeating: 0xAA, count: lines * 64)
        raw = .allocate(capacity: 1)
        raw.initialize(to: hub_out(at: nil, end: nil, host: nil, more: { _, _ in 0 }))
        clear()
    }

    deinit {
        space.deallocate()
        raw.deallocate()
    }

    func clear() {
        raw.pointee.at = space.assumingMemoryBound(to: UInt8.self)
        raw.pointee.end = raw.pointee.at + capacityLines * 64
    }

    var output: Output { Output(raw) }

    /// The value records emitted since `clear()`.
    var values: [EmittedValue] {
        var found: [EmittedValue] = []
        var at = UnsafeRawPointer(space)
        while at < UnsafeRawPointer(raw.pointee.at) {
            let record = at.assumingMemoryBound(to: hub_value.self)
            found.append(EmittedValue(record))
            at += Int(record.pointee.head.lines) * 64
        }
        return found
    }
}

/// A value record, copied.
struct EmittedValue: Equatable {
    let series: UInt32
    let definition: UInt32
    let barTime: Int64
    let revision: UInt16
    let cause: UInt64
    let isReady: Bool
    let isStable: Bool
    /// As bits, so that NaN equals itself.
    let outputs: [UInt64]
    let trailingBytes: [UInt8]

    init(_ record: UnsafePointer<hub_value>) {
        let value = record.pointee
        series = value.head.stream
        definition = value.definition
        barTime = value.bar_time
        revision = value.revision
        cause = value.cause
        isReady = value.bits & UInt8(HUB_VALUE_READY) != 0
        isStable = value.bits & UInt8(HUB_VALUE_STABLE) != 0
        let raw = UnsafeRawPointer(record)
        outputs = (0..<Int(value.outputs)).map {
            raw.load(fromByteOffset: 56 + $0 * 8, as: UInt64.self)
        }
        let end = 56 + Int(value.outputs) * 8
        trailingBytes = (end..<(Int(value.head.lines) * 64)).map {
            raw.load(fromByteOffset: $0, as: UInt8.self)
        }
    }

    var numbers: [Double] { outputs.map { Double(bitPattern: $0) } }
}
