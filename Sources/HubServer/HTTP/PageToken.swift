/// The text of `meta.next`: where the next page of a walk begins, and the state that all its pages show.
///
/// Opaque to clients. Bound to the route and its other parameters by a checksum, so that a token of another walk is refused
/// instead of giving pages that do not fit together. Not a secret and not a permission.
struct PageToken: Sendable, Hashable {
    /// Epoch of the first page's state.
    var epoch: String
    /// The state of the first page: nothing after this position is shown.
    var asOf: UInt64
    /// What the first page resolved `from` and `to` to, so that times relative to now stay where they were.
    var from: Int64?
    var to: Int64?
    /// Where the next page begins; what the numbers mean is the route's business.
    var place: [Int64]

    /// - Parameter binding: the route and all its parameters but `cursor`.
    func text(binding: UInt64) -> String {
        var bytes = payload
        withUnsafeBytes(of: Self.checksum(bytes, binding).littleEndian) { bytes.append(contentsOf: $0) }
        return Base64URL.encode(bytes)
    }

    /// Reads a token; `nil` if it is none, was altered, or belongs to another route or other parameters.
    init?(_ text: String, binding: UInt64) {
        guard let bytes = Base64URL.decode(text), bytes.count > 8 else { return nil }
        let payload = Array(bytes.dropLast(8))
        let sum = bytes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard sum == Self.checksum(payload, binding) else { return nil }
        var reader = Reader(bytes: payload)
        guard let length = reader.byte(), let epoch = reader.text(Int(length)), let asOf = reader.number(),
            let bits = reader.byte()
        else { return nil }
        self.epoch = epoch
        self.asOf = UInt64(bitPattern: asOf)
        if bits & 1 != 0 {
            guard let value = reader.number() else { return nil }
            from = value
        }
        if bits & 2 != 0 {
            guard let value = reader.number() else { return nil }
            to = value
        }
        place = []
        while let value = reader.number() { place.append(value) }
    }

    init(epoch: String, asOf: UInt64, from: Int64? = nil, to: Int64? = nil, place: [Int64]) {
        self.epoch = epoch
        self.asOf = asOf
        self.from = from
        self.to = to
        self.place = place
    }

    /// What a token is bound to: the path and the parameters but `cursor` and `limit`, in any order.
    static func binding(path: String, query: QueryText) -> UInt64 {
        let pairs = query.pairs.filter { $0.name != "cursor" && $0.name != "limit" }
            .map { "\($0.name)=\($0.value)" }.sorted()
        return checksum(Array(([path] + pairs).joined(separator: "\u{0}").utf8), 0)
    }

    private var payload: [UInt8] {
        var bytes = [UInt8(min(epoch.utf8.count, 255))]
        bytes.append(contentsOf: epoch.utf8.prefix(255))
        func append(_ number: Int64) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        append(Int64(bitPattern: asOf))
        bytes.append((from == nil ? 0 : 1) | (to == nil ? 0 : 2))
        if let from { append(from) }
        if let to { append(to) }
        for number in place { append(number) }
        return bytes
    }

    /// FNV-1a, 64 bits.
    private static func checksum(_ bytes: [UInt8], _ binding: UInt64) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ binding
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 0

        mutating func byte() -> UInt8? {
            guard at < bytes.count else { return nil }
            at += 1
            return bytes[at - 1]
        }

        mutating func text(_ count: Int) -> String? {
            guard at + count <= bytes.count else { return nil }
            at += count
            return String(validating: bytes[(at - count)..<at], as: UTF8.self)
        }

        mutating func number() -> Int64? {
            guard at + 8 <= bytes.count else { return nil }
            at += 8
            let value = bytes[(at - 8)..<at].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Int64(bitPattern: value)
        }
    }
}
