import FileCore
public import PluginABI
import PluginKit

private let library = Library([.sink(FileSink.self, FileSink.descriptor)])

/// The one symbol of the shared library.
@c(hub_plugin_entry)
public func entry() -> UnsafePointer<hub_entry>? { library.entry }
