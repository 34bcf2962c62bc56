/// Whom to believe. Certificates and host names are always verified.
public struct Trust: Hashable, Sendable {
    /// A file of certificates in PEM: these authorities only. `nil` = those of the system.
    public var certificateFile: String?

    public init(certificateFile: String? = nil) {
        self.certificateFile = certificateFile
    }

    public static let system = Trust()
}
