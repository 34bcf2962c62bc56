public import PluginKit
public final class Zerodha: Provider {
    public init(host: Host) {}
    public func want(_ items: [Want], now: Now) {}
    public static let descriptor = Descriptor(id: "zerodha", name: "Zerodha", vendor: "hub", version: "0.1.0", description: "Kite Connect 3")
}
