public import PluginABI
import PluginKit
import ZerodhaCore

private let library = Library([.provider(Zerodha.self, Zerodha.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func zerodhaEntry() -> UnsafePointer<hub_entry>? { library.entry }
