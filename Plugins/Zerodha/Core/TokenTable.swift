package import PluginKit

/// What the decoder knows of one subscribed instrument token. Half a cache line.
struct TokenSlot {
    /// The vendor's number; 0 = the slot is free.
    var token: UInt32 = 0
    var handle: UInt32 = 0
    /// What integer prices are divided by; powers of ten up to 10,000,000 are exact in it.
    var divisor: Float = 100
    var bits: Bits = []
    /// First level as it was on the wire at the last quote.
    var bid: Int32 = 0
    var bidQuantity: UInt32 = 0
    var ask: Int32 = 0
    var askQuantity: UInt32 = 0

    /// What is wanted, and what was seen.
    struct Bits: OptionSet {
        var rawValue: UInt32
        static let wantsTick = Bits(rawValue: 1 << 0)
        static let wantsQuote = Bits(rawValue: 1 << 1)
        static let wantsBook = Bits(rawValue: 1 << 2)
        /// A packet came since the token was subscribed on this connection.
        static let seen = Bits(rawValue: 1 << 8)
        /// The first level is known since then.
        static let quoted = Bits(rawValue: 1 << 9)

        static let state: Bits = [.seen, .quoted]

        init(rawValue: UInt32) { self.rawValue = rawValue }

        init(_ kinds: KindSet) {
            self = []
            if kinds.contains(.tick) { insert(.wantsTick) }
            if kinds.contains(.quote) { insert(.wantsQuote) }
            if kinds.contains(.book) { insert(.wantsBook) }
        }
    }
}

/// Tokens to slots: open addressing with linear probing, at most half full, so that a look-up is one cache line more often
/// than not. Grows when instruments are added, never while packets are decoded.
package struct TokenTable: ~Copyable {
    private var slots: UnsafeMutablePointer<TokenSlot>
    private var capacity: Int
    private var shift: UInt32
    private(set) var count = 0

    init(minimumCapacity: Int = 64) {
        var capacity = 16
        while capacity < minimumCapacity * 2 { capacity *= 2 }
        self.capacity = capacity
        shift = UInt32(32 - capacity.trailingZeroBitCount)
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: TokenSlot(), count: capacity)
    }

    deinit { slots.deallocate() }

    @inline(__always)
    private func home(_ token: UInt32) -> Int { Int((token &* 0x9E37_79B1) >> shift) }

    /// The slot of a token; nil = it is not subscribed.
    @inline(__always)
    func find(_ token: UInt32) -> UnsafeMutablePointer<TokenSlot>? {
        guard token != 0 else { return nil }
        var index = home(token)
        while true {
            let slot = slots + index
            if slot.pointee.token == token { return slot }
            if slot.pointee.token == 0 { return nil }
            index = (index &+ 1) & (capacity &- 1)
        }
    }

    /// Adds a token, or changes what is wanted of it.
    package mutating func set(_ token: UInt32, handle: UInt32, kinds: KindSet) {
        guard token != 0 else { return }
        if (count + 1) * 2 > capacity { grow() }
        var index = home(token)
        while slots[index].token != 0, slots[index].token != token { index = (index + 1) & (capacity - 1) }
        if slots[index].token == 0 {
            slots[index] = TokenSlot(token: token, divisor: KiteSegment.divisor(ofToken: token))
            count += 1
        }
        slots[index].handle = handle
        slots[index].bits = slots[index].bits.intersection(.state).union(TokenSlot.Bits(kinds))
    }

    /// Removes a token. Those that stand behind it because its place was taken move up.
    mutating func remove(_ token: UInt32) {
        guard let slot = find(token) else { return }
        let mask = capacity - 1
        var free = slot - slots
        var next = free
        while true {
            next = (next + 1) & mask
            guard slots[next].token != 0 else { break }
            // How far each is from where it would stand best.
            if (next - home(slots[next].token)) & mask >= (next - free) & mask {
                slots[free] = slots[next]
                free = next
            }
        }
        slots[free] = TokenSlot()
        count -= 1
    }

    /// Forgets what was seen of these tokens: what comes next is the first state of a new subscription.
    func forget(_ tokens: some Sequence<UInt32>) {
        for token in tokens {
            if let slot = find(token) { slot.pointee.bits.subtract(.state) }
        }
    }

    private mutating func grow() {
        let old = slots
        let oldCapacity = capacity
        capacity *= 2
        shift -= 1
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: TokenSlot(), count: capacity)
        for index in 0..<oldCapacity where old[index].token != 0 {
            var place = home(old[index].token)
            while slots[place].token != 0 { place = (place + 1) & (capacity - 1) }
            slots[place] = old[index]
        }
        old.deallocate()
    }
}
