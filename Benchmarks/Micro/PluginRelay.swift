import PluginABI
import VendorStages

/// A plugin's entry that hands messages on to an instance which was started elsewhere, so that the hub's own host can be the
/// other side of it without a vendor to log in to. One at a time.
enum PluginRelay {
    nonisolated(unsafe) private static var inner: (plugin: UnsafePointer<hub_plugin>, on: hub_provider_1)?

    static func entry(to stage: VendorStage) -> UnsafePointer<hub_entry> {
        inner = (stage.hub.plugin, stage.hub.provider.pointee)
        return entry
    }

    nonisolated(unsafe) private static let entry: UnsafePointer<hub_entry> = {
        let place = UnsafeMutablePointer<hub_entry>.allocate(capacity: 1)
        place.initialize(to: hub_entry())
        place.pointee.struct_size = UInt32(MemoryLayout<hub_entry>.size)
        place.pointee.create = { _, _, _ in PluginRelay.plugin }
        return UnsafePointer(place)
    }()

    nonisolated(unsafe) private static let plugin: UnsafePointer<hub_plugin> = {
        let place = UnsafeMutablePointer<hub_plugin>.allocate(capacity: 1)
        place.initialize(to: hub_plugin())
        place.pointee.struct_size = UInt32(MemoryLayout<hub_plugin>.size)
        place.pointee.get_extension = { _, id in
            hub_text_equal(id, HUB_PROVIDER_EXTENSION) != 0 ? UnsafeRawPointer(PluginRelay.provider) : nil
        }
        place.pointee.check_settings = { _, _ in 0 }
        place.pointee.start = { _, _, _ in 0 }
        place.pointee.stop = { _ in }
        place.pointee.destroy = { _ in }
        return UnsafePointer(place)
    }()

    nonisolated(unsafe) private static let provider: UnsafePointer<hub_provider_1> = {
        let place = UnsafeMutablePointer<hub_provider_1>.allocate(capacity: 1)
        place.initialize(to: hub_provider_1())
        place.pointee.want = { _, _, _, _, _ in 0 }
        place.pointee.on_message = { _, connection, isText, message, out, now, error in
            guard let inner = PluginRelay.inner else { return hub_status(HUB_INTERNAL) }
            return inner.on.on_message(inner.plugin, connection, isText, message, out, now, error)
        }
        return UnsafePointer(place)
    }()
}
