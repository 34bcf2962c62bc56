import HubModel
import HubStore
import PluginABI
import Synchronization

extension Listing {
    /// `nil` where it cannot be used: no canonical symbol, or a text that is no UTF-8.
    init?(_ raw: hub_listing) {
        guard let symbol = String(checked: raw.symbol), let canonical = try? Symbol(symbol), canonical.text == symbol,
            let name = String(checked: raw.name), let currency = String(checked: raw.currency),
            let isin = String(checked: raw.isin), let figi = String(checked: raw.figi),
            let underlying = String(checked: raw.underlying), let sector = String(checked: raw.sector)
        else { return nil }
        self.init()
        self.symbol = symbol
        type = UInt8(truncatingIfNeeded: raw.type)
        self.name = name
        self.currency = currency
        self.isin = isin
        self.figi = figi
        self.underlying = underlying
        self.sector = sector
        tickSize = raw.tick_size
        lotSize = raw.lot_size
        multiplier = raw.multiplier
        strike = raw.strike
        expiry = raw.expiry
        right = UInt8(truncatingIfNeeded: raw.right)
        for index in 0..<Int(min(raw.identifier_count, 64)) {
            guard let names = raw.identifier_names, let values = raw.identifier_values,
                let name = String(checked: names[index]), let value = String(checked: values[index]),
                !name.isEmpty, !value.isEmpty
            else { continue }
            identifiers.append((name, value))
        }
    }
}

/// A list of instruments while an instance tells it.
final class ListingIntake: Sendable {
    private struct State {
        var told: [Listing] = []
        var bad = 0
    }

    private let state = Mutex(State())
    /// Takes a list that is whole. Called on the instance's thread: it must not block.
    let onDone = Mutex<(@Sendable (Result<[Listing], QueryFailure>) -> Void)?>(nil)

    /// The longest list there may be; the longest known has about 250,000.
    static let mostListings = 2_000_000

    func add(_ items: UnsafeBufferPointer<hub_listing>) -> hub_status {
        state.withLock { state in
            guard state.told.count + items.count <= Self.mostListings else { return hub_status(HUB_OVERLOAD) }
            for item in items {
                if let listing = Listing(item) { state.told.append(listing) } else { state.bad += 1 }
            }
            return hub_status(HUB_OK)
        }
    }

    func done(_ status: hub_status, _ reason: String) {
        let told = state.withLock { state in
            defer { state = State() }
            return state.told
        }
        let done = onDone.withLock { $0 }
        if Int(status) == HUB_OK {
            done?(.success(told))
        } else {
            done?(.failure(QueryFailure(QueryFailure.Reason(status: status), reason)))
        }
    }
}
