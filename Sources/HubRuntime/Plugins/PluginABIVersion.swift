import PluginABI

/// The version of the plugin ABI that this hub speaks. While the major version is 0, minor versions must agree too.
public enum PluginABIVersion {
    public static let major = Int(HUB_ABI_MAJOR)
    public static let minor = Int(HUB_ABI_MINOR)
}
