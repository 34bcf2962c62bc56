import HubCapture
import PluginABI

/// What a provider is to stream.
extension ProviderInstance {
    /// Tells it what it is to stream, or no longer; handles are dense and the same from run to run.
    func tell(_ wanted: [(symbol: String, kinds: UInt32)], now: hub_now) throws(PluginFailure) {
        context.tap?.take(.want(wanted.map { CaptureWant(symbol: $0.symbol, kinds: $0.kinds) }), now)
        let handles = wanted.map { context.handle(symbol: $0.symbol) }
        let plugin = plugin
        let texts = wanted.map { ContiguousArray($0.symbol.utf8CString) }
        var items: [hub_want] = []
        // The texts are alive until the end of this function, and arrays do not move while nobody changes them.
        for (index, text) in texts.enumerated() {
            let data = text.withUnsafeBufferPointer { $0.baseAddress }
            items.append(
                hub_want(
                    struct_size: UInt32(MemoryLayout<hub_want>.size), handle: handles[index],
                    kinds: wanted[index].kinds, reserved: 0,
                    symbol: hub_text(data: data, length: UInt64(text.count - 1))))
        }
        try withExtendedLifetime(texts) { () throws(PluginFailure) in
            try PluginFailure.check("want") { error in
                provider.pointee.want(plugin, items, UInt64(items.count), now, error)
            }
        }
    }

    /// Queues what changed for the instance's thread. False: there is no room.
    func change(_ wanted: [(symbol: String, kinds: UInt32)]) -> Bool {
        // One that did not start streams nothing, whatever is wanted of it.
        // A playback is told what its capture was told.
        guard isStarted, context.playback == nil else { return true }
        return post { instance, now in
            guard instance.isStarted else { return }
            do throws(PluginFailure) {
                try instance.tell(wanted, now: now)
                // One that had nothing to do looks again.
                instance.pullAgainNanoseconds = min(instance.pullAgainNanoseconds, now.wall_ns)
            } catch {
                instance.context.log(.warning, "\(instance.name): \(wanted.count) instruments: \(error.text)")
                let isFinal = [HUB_AUTH, HUB_CONFIG, HUB_ENTITLEMENT].contains(Int(error.status))
                guard isFinal else { return }
                let state = Int(error.status) == HUB_AUTH ? HUB_STATE_AUTH_NEEDED : HUB_STATE_FAILED
                instance.context.notice(.feed(state: UInt8(state), reason: error.text))
            }
        }
    }
}
