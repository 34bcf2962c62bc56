/// The page for people, `/`: its own files, part of the binary. The chart's script is not among them: it is fetched when the
/// hub is built and served from a folder beside the binary.
public enum HubPage {
    /// One file of the page.
    public struct File: Sendable {
        /// As it stands in addresses: `main.js`.
        public let name: String
        public let contentType: String
        public let bytes: [UInt8]
        /// Says whether a browser has these very bytes already; with its quotation marks.
        public let entityTag: String

        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
            contentType = HubPage.contentType(of: name)
            entityTag = HubPage.entityTag(of: bytes)
        }
    }

    /// What `/` answers.
    public static let index = File(name: "index.html", bytes: PackageResources.index_html)

    /// What stands under `/page/`, by name.
    public static let files: [String: File] = Dictionary(
        uniqueKeysWithValues: [
            File(name: "style.css", bytes: PackageResources.style_css),
            File(name: "icon.svg", bytes: PackageResources.icon_svg),
            File(name: "theme.js", bytes: PackageResources.theme_js),
            File(name: "main.js", bytes: PackageResources.main_js),
            File(name: "hub.js", bytes: PackageResources.hub_js),
            File(name: "frame.js", bytes: PackageResources.frame_js),
            File(name: "format.js", bytes: PackageResources.format_js),
            File(name: "instruments.js", bytes: PackageResources.instruments_js),
            File(name: "instrument.js", bytes: PackageResources.instrument_js),
            File(name: "chart.js", bytes: PackageResources.chart_js),
            File(name: "series.js", bytes: PackageResources.series_js),
            File(name: "depth.js", bytes: PackageResources.depth_js),
            File(name: "health.js", bytes: PackageResources.health_js),
        ].map { ($0.name, $0) })

    /// Name of the chart's script, under `/page/` and in the folder beside the binary.
    public static let chartScript = "lightweight-charts.js"

    private static func contentType(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }

    /// FNV-1a: tells versions of our own files apart, and is no protection against anybody.
    private static func entityTag(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\"\(String(hash, radix: 16))-\(String(bytes.count, radix: 16))\""
    }
}
