import Foundation

/// The seed of random tests: `HUB_SEED`, or one of its own.
let seed = ProcessInfo.processInfo.environment["HUB_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0...UInt64.max)

/// Splitmix64.
struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// A few bytes of a JSON changed, taken out, put in or cut off.
    mutating func mutated(_ original: [UInt8]) -> [UInt8] {
        let spice = Array("{}[]\",:\\u0d89.eE+-tfn \n\u{1}".utf8)
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<5, using: &self) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(spice.randomElement(using: &self) ?? 0, at: place)
            case 2: bytes[place] = spice.randomElement(using: &self) ?? 0
            case 3: bytes.removeSubrange(place...)
            default: bytes[place] = UInt8.random(in: 0...255, using: &self)
            }
        }
        return bytes
    }
}
