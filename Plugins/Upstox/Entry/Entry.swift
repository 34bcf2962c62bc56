public import PluginABI
import PluginKit
import UpstoxCore

private let library = Library([.provider(Upstox.self, Upstox.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func upstoxEntry() -> UnsafePointer<hub_entry>? { library.entry }
