public import PluginABI
import PluginKit
import SimulatorCore

private let library = Library([.pullProvider(Simulator.self, Simulator.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func simulatorEntry() -> UnsafePointer<hub_entry>? { library.entry }
