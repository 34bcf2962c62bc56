public import HubConfig

extension Engine {
    /// The cache and the broker over the providers that answer questions. In lockstep nobody is asked: what a run gives must
    /// not depend on when a client wants to know something.
    static func makeQueryDesk(
        _ configuration: Configuration, _ providers: [ProviderInstance], _ lock: FoldLock, _ supervisor: Supervisor
    ) -> QueryDesk {
        var ports: [any QueryPort] = []
        nonisolated(unsafe) let supervisor = supervisor
        for (index, provider) in providers.enumerated() where configuration.hub.clock == .real {
            guard let settings = configuration.provider(provider.name) else { continue }
            let port = InstanceQueryPort(provider, settings) {
                lock.withLock { (supervisor.health[index].state, supervisor.health[index].reason) }
            }
            if !port.kinds.isEmpty { ports.append(port) }
        }
        return QueryDesk(
            broker: QueryBroker(
                ports: ports, pipelines: configuration.pipelines, settings: configuration.hub.query,
                simulators: Set(
                    configuration.providers.filter { $0.plugin.traits.contains(.simulated) }.map(\.name))),
            settings: configuration.hub.cache)
    }
}

extension Plans {
    /// Venue → name of the calendar that the operator gave it.
    public static func calendarNames(_ configuration: Configuration) -> [String: String] { calendars(configuration) }
}
