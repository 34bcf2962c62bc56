import HubCapture
import HubConfig
import Logging

extension ProviderInstance {
    /// Has taken down what comes from the vendor, if the operator wants it. Before the start.
    func record(_ provider: ProviderConfiguration, in configuration: Configuration, version: String, logger: Logger) {
        guard let settings = provider.network.record else { return }
        guard context.link != nil, !isPullProvider else {
            let reason =
                isPullProvider
                ? "the plugin \(provider.plugin.id) makes its records itself, there are no bytes of a vendor"
                : "there is no network in lockstep (hub.clock: virtual)"
            logger.warning("providers.\(name).record has no effect: \(reason)")
            return
        }
        let tap = CaptureTap(
            folder: CaptureFile.folder(of: name, data: configuration.hub.data),
            header: CaptureHeader(
                provider: name, plugin: provider.plugin.id, pluginVersion: provider.plugin.version, hub: version,
                sessionNanoseconds: WallClock.now),
            setup: CaptureSetup(provider).text,
            limits: CaptureLimits(
                keepNanoseconds: settings.keepNanoseconds, maximumBytes: settings.maximumBytes,
                minimumFreeBytes: configuration.hub.retention.minimumFreeBytes),
            secrets: context.secrets, logger: logger)
        context.tap = tap
        tap.start()
    }
}
