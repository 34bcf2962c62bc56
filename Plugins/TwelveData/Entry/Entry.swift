public import PluginABI
import PluginKit
import TwelveDataCore

private let library = Library([.provider(TwelveData.self, TwelveData.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func twelveDataEntry() -> UnsafePointer<hub_entry>? { library.entry }
