internal import EventFormat
internal import HubModel

extension Schema.KeyRule {
    /// What is wrong with a key; `nil` if nothing is.
    func complaint(_ key: String) -> String? {
        switch self {
        case .any: return nil
        case .name: return Names.complaint(key)
        case .venue:
            guard (try? Symbol("\(key):X")) == nil else { return nil }
            return
                "'\(PathText.shortened(key))' is no venue: expected 1 to 12 capital letters and digits such as NSE"
        case .symbol:
            do throws(SymbolError) {
                _ = try Symbol(key)
                return nil
            } catch {
                return "\(error)"
            }
        case .interval:
            guard Interval(key) == nil else { return nil }
            let all = Interval.allCases.map(\.text).joined(separator: " ")
            return "'\(PathText.shortened(key))' is no interval: expected one of \(all)"
        }
    }
}

/// Names that operators choose.
enum Names {
    static func complaint(_ name: String) -> String? {
        let isName =
            (1...32).contains(name.utf8.count)
            && name.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } ?? false
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        if isName { return nil }
        return
            "'\(PathText.shortened(name))' is no name: a-z 0-9 _ -, beginning with a letter, at most 32"
    }
}
