public import PluginABI
import PluginKit
import ReplayCore

private let library = Library([.pullProvider(Replay.self, Replay.descriptor)])

/// The one symbol of the library.
@c(hub_plugin_entry)
public func replayEntry() -> UnsafePointer<hub_entry>? { library.entry }
