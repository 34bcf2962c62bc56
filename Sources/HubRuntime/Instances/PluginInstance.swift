import Glibc
package import PluginABI

/// An instance of a plugin, of whatever kind, through its life: made, checked, started, stopped, destroyed.
///
/// One thread at a time. Calls that are not legal in the state it is in are not made.
package final class PluginInstance {
    private enum State {
        case made, started, stopped, destroyed
    }

    let context: InstanceContext
    let plugin: UnsafePointer<hub_plugin>
    private let host: UnsafePointer<hub_host>
    private var state = State.made

    /// Makes an instance. The entry's library stays loaded.
    package init(entry: UnsafePointer<hub_entry>, id: String, context: InstanceContext) throws(PluginFailure) {
        self.context = context
        host = HostServices.makeHost(context)
        let host = host
        let (made, failure) = PluginFailure.withFreshError { error in
            let made = id.withHubText { id in entry.pointee.create(host, id, error) }
            return (
                made,
                made == nil
                    ? PluginFailure(status: hub_status(HUB_INTERNAL), error: error, what: "making '\(id)'") : nil
            )
        }
        guard let made else {
            throw failure ?? PluginFailure(status: hub_status(HUB_INTERNAL), text: "'\(id)' was not made")
        }
        guard made.pointee.struct_size >= MemoryLayout<hub_plugin>.size, made.pointee.get_extension != nil,
            made.pointee.check_settings != nil, made.pointee.start != nil, made.pointee.stop != nil,
            made.pointee.destroy != nil
        else {
            throw PluginFailure(
                status: hub_status(HUB_INTERNAL),
                text: "'\(id)' makes instances without mandatory functions: its author has to mend it")
        }
        plugin = made
    }

    // Host, context and tables are never freed: the plugin's own threads may hold on to them a little longer.

    /// Calls something that may fail, and turns what it says into a Swift error.
    func call(_ body: (UnsafeMutablePointer<hub_error>) -> hub_status) throws(PluginFailure) {
        try PluginFailure.check("a call", body)
    }

    func `extension`<T>(_ id: String, as type: T.Type) -> UnsafePointer<T>? {
        let found = id.withHubText { id in plugin.pointee.get_extension(plugin, id) }
        return found?.assumingMemoryBound(to: type)
    }

    var isStarted: Bool { state == .started }

    func checkSettings() throws(PluginFailure) {
        try call { error in plugin.pointee.check_settings(plugin, error) }
    }

    func start(now: hub_now) throws(PluginFailure) {
        guard state == .made || state == .stopped else { return }
        try call { error in plugin.pointee.start(plugin, now, error) }
        state = .started
    }

    func stop() {
        guard state == .started else { return }
        state = .stopped
        plugin.pointee.stop(plugin)
    }

    func destroy() {
        stop()
        guard state != .destroyed else { return }
        state = .destroyed
        plugin.pointee.destroy(plugin)
    }
}
