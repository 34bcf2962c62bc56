extension SettingsTree {
    /// The tree as compact JSON, keys in their order.
    public func json() -> [UInt8] {
        var out: [UInt8] = []
        write(into: &out, canonical: false)
        return out
    }

    /// The tree as compact JSON text, keys in their order.
    public var jsonText: String { String(decoding: json(), as: UTF8.self) }

    /// Bytes that are the same for settings that mean the same: compact JSON, keys sorted by their bytes, whole numbers
    /// without a point. For digests.
    public var canonicalBytes: [UInt8] {
        var out: [UInt8] = []
        write(into: &out, canonical: true)
        return out
    }

    private func write(into out: inout [UInt8], canonical: Bool) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += String(value).utf8
        case .number(let value): JSONText.write(value, into: &out)
        case .text(let value): JSONText.write(value, into: &out)
        case .list(let items):
            out.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                item.write(into: &out, canonical: canonical)
            }
            out.append(UInt8(ascii: "]"))
        case .map(let entries):
            let ordered =
                canonical ? entries.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) } : entries
            out.append(UInt8(ascii: "{"))
            for (index, entry) in ordered.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                JSONText.write(entry.0, into: &out)
                out.append(UInt8(ascii: ":"))
                entry.1.write(into: &out, canonical: canonical)
            }
            out.append(UInt8(ascii: "}"))
        }
    }
}

enum JSONText {
    /// The shortest decimal that reads back to the same double; whole ones below 2^63 have no point.
    static func write(_ value: Double, into out: inout [UInt8]) {
        guard value.isFinite else {
            out += "null".utf8
            return
        }
        if let whole = Int64(exactly: value) {
            out += String(whole).utf8
        } else {
            out += value.description.utf8
        }
    }

    static func write(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += [UInt8(ascii: "\\"), UInt8(ascii: "\"")]
            case UInt8(ascii: "\\"): out += [UInt8(ascii: "\\"), UInt8(ascii: "\\")]
            case 0x0a: out += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0x0d: out += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case 0x09: out += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                out += "\\u00".utf8
                out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
