import CHubSystem
import Crypto
import Glibc
import PluginABI
import Synchronization

/// A shared library of plugins, loaded for the life of the process.
///
/// What is loaded are the very bytes that were hashed, from a sealed copy in memory: a file that is exchanged in between
/// changes nothing. The copy has no folder, so a library cannot find others beside itself (`$ORIGIN`); what it needs has to
/// be linked in or known to the system. A library is never unloaded, since Swift images cannot be.
///
/// Opening runs the library's constructors and its `init`: do it in a child first (`PluginScanner`).
public final class PluginLibrary: Sendable {
    /// Where the file was found.
    public let path: String
    /// 64 lower-case hexadecimal digits.
    public let sha256: String
    /// What it holds, in its own order.
    public let descriptors: [PluginDescriptor]
    /// Makes instances (`PluginInstance`). Entries live for ever and do not change.
    nonisolated(unsafe) let entry: UnsafePointer<hub_entry>

    private static let opened = Mutex<[String: PluginLibrary]>([:])

    /// The name of the one symbol a library exports.
    static let symbol = "hub_plugin_entry"

    private init(
        path: String, sha256: String, entry: UnsafePointer<hub_entry>, descriptors: [PluginDescriptor]
    ) {
        self.path = path
        self.sha256 = sha256
        self.entry = entry
        self.descriptors = descriptors
    }

    /// Loads a library, or gives the one that was loaded from the same bytes before.
    ///
    /// - Parameter expected: the SHA-256 it must have; `nil` = any.
    /// - Throws: why it cannot be used. Nothing but its constructors has run when the version of its ABI is refused.
    public static func open(_ path: String, expecting expected: String? = nil) throws(PluginRefusal) -> PluginLibrary {
        let file = try FileBytes.read(path)
        let sha256 = file.sha256
        if let expected, expected != sha256 {
            throw PluginRefusal(
                file: path,
                reason: "has changed since it was examined (SHA-256 \(sha256.prefix(12))…, was "
                    + "\(expected.prefix(12))…); start the hub again")
        }
        // Held while loading: two threads must not load the same bytes twice.
        let result = opened.withLock { known -> Result<PluginLibrary, PluginRefusal> in
            if let library = known[sha256] { return .success(library) }
            return Result { () throws(PluginRefusal) in
                let library = try load(file, path: path, sha256: sha256)
                known[sha256] = library
                return library
            }
        }
        return try result.get()
    }

    // MARK: Loading

    private static func load(_ file: FileBytes, path: String, sha256: String) throws(PluginRefusal) -> PluginLibrary {
        try SharedObject.check(file, path: path)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let copy = file.bytes.withUnsafeBytes { hub_memory_file(name, $0.baseAddress, $0.count) }
        guard copy >= 0 else {
            throw PluginRefusal(file: path, reason: "cannot be copied into memory: \(String(cString: strerror(errno)))")
        }
        // The descriptor stays open: the loader takes a name it has seen before for the same library, and a name used
        // again would be another one's.
        guard let handle = dlopen("/proc/self/fd/\(copy)", RTLD_NOW | RTLD_LOCAL | Int32(RTLD_NODELETE)) else {
            let reason = String(cString: dlerror()).replacing("/proc/self/fd/\(copy)", with: name)
            throw PluginRefusal(file: path, reason: "cannot be loaded: \(reason)")
        }
        guard let address = dlsym(handle, symbol) else { throw noEntry(path) }
        let function = unsafeBitCast(address, to: (@convention(c) () -> UnsafePointer<hub_entry>?).self)
        guard let entry = function() else {
            throw PluginRefusal(file: path, reason: "gives no entry: \(symbol) answers NULL; its author has to mend it")
        }
        try check(entry, path: path)
        let descriptors = try initialize(entry, path: path)
        return PluginLibrary(path: path, sha256: sha256, entry: entry, descriptors: descriptors)
    }

    static func noEntry(_ path: String) -> PluginRefusal {
        PluginRefusal(
            file: path,
            reason:
                "is a shared library but no plugin: it does not export \(symbol); remove it from the plugin folder, "
                + "or export the symbol with default visibility")
    }

    /// Refuses what must not be called, before anything of it is.
    private static func check(_ entry: UnsafePointer<hub_entry>, path: String) throws(PluginRefusal) {
        func refuse(_ reason: String) -> PluginRefusal { PluginRefusal(file: path, reason: reason) }
        guard entry.pointee.magic == HUB_MAGIC else {
            throw refuse(
                "is no plugin: its entry begins with \(String(entry.pointee.magic, radix: 16)), expected "
                    + "\(String(HUB_MAGIC, radix: 16)); build it against this hub's headers")
        }
        let (major, minor) = (entry.pointee.abi_major, entry.pointee.abi_minor)
        // Before 1.0 any revision may change anything.
        guard major == HUB_ABI_MAJOR, major != 0 || minor == HUB_ABI_MINOR else {
            throw refuse(
                "is built for plugin ABI \(major).\(minor), this hub speaks \(HUB_ABI_MAJOR).\(HUB_ABI_MINOR); build it "
                    + "again with this hub's headers, or get the release made for this hub")
        }
        let size = entry.pointee.struct_size
        guard size >= MemoryLayout<hub_entry>.size else {
            throw refuse(
                "has an entry of \(size) bytes, expected \(MemoryLayout<hub_entry>.size); build it against this hub's "
                    + "headers")
        }
        guard entry.pointee.`init` != nil, entry.pointee.count != nil, entry.pointee.descriptor != nil,
            entry.pointee.create != nil
        else { throw refuse("has an entry without init, count, descriptor or create; its author has to mend it") }
    }

    private static func initialize(
        _ entry: UnsafePointer<hub_entry>, path: String
    ) throws(PluginRefusal) -> [PluginDescriptor] {
        do {
            try PluginFailure.check("init") { entry.pointee.`init`($0) }
        } catch {
            throw PluginRefusal(file: path, reason: "cannot be used: \(error.text)")
        }
        let count = entry.pointee.count()
        guard (1...256).contains(count) else {
            throw PluginRefusal(
                file: path, reason: "holds \(count) plugins; expected 1 to 256; its author has to mend it")
        }
        var descriptors: [PluginDescriptor] = []
        for index in 0..<count {
            guard let raw = entry.pointee.descriptor(index) else {
                throw PluginRefusal(
                    file: path, reason: "gives no descriptor \(index) of \(count); its author has to mend it")
            }
            let descriptor = try PluginDescriptor(raw, file: path, index: index)
            guard !descriptors.contains(where: { $0.id == descriptor.id }) else {
                throw PluginRefusal(
                    file: path, reason: "holds the plugin '\(descriptor.id)' twice; its author has to mend it")
            }
            let offered = HostExtension.offered(to: descriptor.kind)
            if let missing = descriptor.required.first(where: { !offered.contains($0) }) {
                throw PluginRefusal(
                    file: path,
                    reason: "(\(descriptor.id)) needs the host extension '\(missing)', which this hub does not offer; "
                        + "get a newer hub, or a release of the plugin that does without")
            }
            descriptors.append(descriptor)
        }
        return descriptors
    }

    /// What a scanning child does before it goes: the library's `deinit`, where it has one.
    func leave() {
        entry.pointee.`deinit`?()
    }
}

extension FileBytes {
    /// 64 lower-case hexadecimal digits.
    var sha256: String { Hexadecimal.text(SHA256.hash(data: bytes)) }
}
