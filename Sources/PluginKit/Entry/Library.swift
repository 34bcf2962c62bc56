public import PluginABI

/// A shared library of plugins: what its one exported symbol returns.
///
/// The whole entry of a plugin, in a target of its own that is built as a dynamic library:
///
/// ```swift
/// public import PluginABI
/// import PluginKit
///
/// private let library = Library([.pullProvider(Dice.self, Dice.descriptor)])
///
/// @c(hub_plugin_entry)
/// public func entry() -> UnsafePointer<hub_entry>? { library.entry }
/// ```
///
/// One library a shared object: each has its own copy of this kit.
public struct Library: @unchecked Sendable {
    // What the pointer names is written once, here, and lives for ever.
    /// What the exported function returns.
    public let entry: UnsafePointer<hub_entry>

    // The functions of hub_entry have no context, so what they answer with is kept for the whole image. Written before
    // the entry is handed out, hence before any of them can be called.
    private nonisolated(unsafe) static var registered: [Registration] = []

    /// Registers plugins. Call it once, from a global constant.
    public init(_ plugins: [Registration]) {
        Library.registered = plugins
        entry = Immortal.value(
            hub_entry(
                magic: 0x3042_5548_5548_4231,
                struct_size: UInt32(MemoryLayout<hub_entry>.size),
                abi_major: 0,
                abi_minor: 1,
                reserved: 0,
                init: { _ in 0 },
                deinit: nil,
                count: { UInt32(Library.registered.count) },
                descriptor: { index in
                    index < Library.registered.count ? Library.registered[Int(index)].descriptor : nil
                },
                create: { host, id, error in
                    guard let host else { return nil }
                    let id = String(id)
                    guard let plugin = Library.registered.first(where: { $0.id == id }) else {
                        let known = Library.registered.map(\.id).joined(separator: ", ")
                        _ = report(
                            PluginError(.notFound, "this library holds no plugin '\(id)'; it holds \(known)"),
                            to: error)
                        return nil
                    }
                    return plugin.create(host: host, error: error)
                }))
    }
}

/// One plugin of a ``Library``: its descriptor and how to make an instance.
public struct Registration: @unchecked Sendable {
    /// The descriptor as the ABI has it.
    public let descriptor: UnsafePointer<hub_descriptor>
    let id: String
    private let make: (Host) throws -> Instance

    private init(
        _ descriptor: Descriptor, kind: UInt32, make: @escaping (Host) throws -> Instance
    ) {
        id = descriptor.id
        self.descriptor = descriptor.immortal(kind: kind)
        self.make = make
    }

    /// A source that is called when something arrives or is due.
    public static func provider<P: Provider>(_ type: P.Type, _ descriptor: Descriptor) -> Registration {
        Registration(descriptor, kind: 1) { ProviderInstance(try P(host: $0)) }
    }

    /// A source that is asked for records.
    public static func pullProvider<P: PullProvider>(_ type: P.Type, _ descriptor: Descriptor) -> Registration {
        Registration(descriptor, kind: 1) { PullProviderInstance(try P(host: $0)) }
    }

    /// Values computed from bars.
    public static func indicator<P: Indicator>(_ type: P.Type, _ descriptor: Descriptor) -> Registration {
        Registration(descriptor, kind: 2) { IndicatorInstance(try P(host: $0)) }
    }

    /// Where records are carried to.
    public static func sink<P: Sink>(_ type: P.Type, _ descriptor: Descriptor) -> Registration {
        Registration(descriptor, kind: 3) { SinkInstance(try P(host: $0)) }
    }

    /// Makes an instance as `hub_entry.create` does; nil = refused, and `error` says why. For tests that run a plugin
    /// without loading its library.
    public func create(host: UnsafePointer<hub_host>, error: UnsafeMutablePointer<hub_error>?)
        -> UnsafePointer<hub_plugin>?
    {
        do {
            return UnsafePointer(try make(Host(host)).plugin)
        } catch let failure {
            _ = report(failure, to: error)
            return nil
        }
    }
}
