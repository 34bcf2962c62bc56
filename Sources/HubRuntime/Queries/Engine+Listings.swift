import HubStore
import Logging
import PluginABI

extension Engine {
    public var queries: QueryDesk? { isLockstep ? nil : queryDesk }

    /// Has every provider with a list of instruments tell it, and puts what they tell into the store. In lockstep nothing is
    /// asked for beside the data.
    func startListings() {
        guard !isLockstep else { return }
        for provider in providers where provider.hasListings {
            let name = provider.name
            provider.context.listings.onDone.withLock { done in
                done = { [weak self] told in self?.take(told, from: name) }
            }
            refreshListings(of: provider)
        }
    }

    /// Asks a provider for its list again.
    func refreshListings(of provider: ProviderInstance) {
        _ = provider.post { [logger] instance, now in
            do throws(PluginFailure) {
                try instance.refreshListings(now: now)
            } catch {
                logger.warning("\(instance.name): its list of instruments is not to be had: \(error.text)")
            }
        }
    }

    /// On a thread of its own: the list is long, and the feed thread must not wait for the disk.
    private func take(_ told: Result<[Listing], QueryFailure>, from name: String) {
        switch told {
        case .failure(let failure):
            logger.warning("\(name): its list of instruments was not told, the earlier one stands: \(failure.detail)")
        case .success(let listings):
            let thread = WorkerThread(name: "listings")
            thread.start { [weak self] in
                guard let self, isRunning.load(ordering: .acquiring) else { return }
                do {
                    try listingTurn.withLock { _ in try store.takeListings(listings, provider: name) }
                    logger.info("\(name) lists \(listings.count) instruments")
                } catch {
                    logger.warning("\(name): its list of instruments was not stored: \(error)")
                }
            }
        }
    }
}

extension ProviderInstance {
    var hasListings: Bool { catalogTable?.pointee.refresh != nil }

    /// On the instance's thread.
    func refreshListings(now: hub_now) throws(PluginFailure) {
        guard isStarted, let refresh = catalogTable?.pointee.refresh else { return }
        context.tap?.take(.refreshListings, now)
        try PluginFailure.check("refreshing the list of instruments") { error in refresh(plugin, now, error) }
    }
}
