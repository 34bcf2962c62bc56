import JSONReading

/// A text message of the ticker.
struct KiteText: Equatable {
    var type = ""
    /// A text; empty where it is something else, such as an order.
    var data = ""

    /// nil: not JSON, or not an object.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var reader = JSONReader(bytes, scratch: JSONScratch())
        do throws(JSONError) {
            guard try reader.enterObjectIfAny() else { return nil }
            while let key = try reader.nextKey() {
                switch key {
                case "type": type = try reader.textIfAny()?.string ?? ""
                case "data": data = String(try reader.textIfAny()?.string.prefix(200) ?? "")
                default: try reader.skip()
                }
            }
        } catch {
            return nil
        }
    }
}
