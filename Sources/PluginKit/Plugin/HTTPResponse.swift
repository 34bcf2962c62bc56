import PluginABI

/// An HTTP answer; everything in it dies when the callback returns.
public struct HTTPResponse {
    private let raw: UnsafePointer<hub_response>

    init(_ raw: UnsafePointer<hub_response>) { self.raw = raw }

    /// HTTP status; 0 = there was no answer, ``failure`` says why.
    public var status: Int { Int(raw.pointee.http_status) }
    /// Why there was no answer.
    public var failure: PluginError.Status? { PluginError.Status(rawValue: raw.pointee.status) }
    /// The whole body.
    public var body: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: raw.pointee.body.data, count: Int(raw.pointee.body.length))
    }
    /// The first header of that name, whatever its case.
    public func header(_ name: String) -> String? {
        let wanted = name.lowercased()
        for index in 0..<Int(raw.pointee.header_count)
        where String(raw.pointee.header_names[index]).lowercased() == wanted {
            return String(raw.pointee.header_values[index])
        }
        return nil
    }
}
