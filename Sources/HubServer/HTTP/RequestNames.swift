import Synchronization

/// Makes the names of requests, `r-9f31c2a4-1b`: different for every request of a process, and most likely of all.
final class RequestNames: Sendable {
    private let prefix: String
    private let counter = Atomic<UInt64>(0)

    init() {
        prefix = "r-" + String(UInt32.random(in: .min ... .max), radix: 16) + "-"
    }

    func next() -> String {
        prefix + String(counter.add(1, ordering: .relaxed).newValue, radix: 16)
    }

    /// The name a client gave, if it is fit to be repeated.
    static func accepted(_ text: String) -> String? {
        let isFit =
            text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: ":"):
                    true
                default: false
                }
            }
        return isFit && !text.isEmpty ? text : nil
    }
}
