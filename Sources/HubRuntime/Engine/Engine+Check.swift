public import HubConfig
public import Logging
import PluginABI

extension Engine {
    /// Makes each instance, asks it about its settings, and destroys it again: what `hub check` can know beyond schemas.
    public static func checkPlugins(
        _ configuration: Configuration, _ plugins: PluginRegistry, makeLogger: (String) -> Logger
    ) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        let components: [any ComponentConfiguration] =
            configuration.providers + configuration.indicators + configuration.sinks
        for component in components {
            let context = InstanceContext(
                name: component.name, settings: component.settings, isSimulated: false,
                logger: makeLogger(component.name),
                takes: { _ in true })
            do {
                let opened = try plugins.open(component.plugin.id)
                let instance = try PluginInstance(
                    entry: opened.library.entry, id: component.plugin.id, context: context)
                defer { instance.destroy() }
                try instance.checkSettings()
            } catch let failure as PluginFailure {
                diagnostics.append(
                    component.settings.diagnostic(
                        pointer: failure.pointer, message: failure.text, file: configuration.path))
            } catch {
                diagnostics.append(
                    component.settings.diagnostic(pointer: "", message: "\(error)", file: configuration.path))
            }
        }
        return diagnostics
    }
}
