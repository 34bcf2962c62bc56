import FinnhubCore
public import PluginABI
import PluginKit

private let library = Library([.provider(Finnhub.self, Finnhub.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func finnhubEntry() -> UnsafePointer<hub_entry>? { library.entry }
