public import PluginABI
import PluginKit
import TACore

private let library = Library([.indicator(TAIndicator.self, TAIndicator.descriptor)])

/// The one symbol of the shared library.
@c(hub_plugin_entry)
public func entry() -> UnsafePointer<hub_entry>? { library.entry }
