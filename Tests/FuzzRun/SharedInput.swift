import Glibc

/// The input that a worker decodes just now, in a file that it shares with its overseer: what killed it is known when it is
/// dead.
final class SharedInput {
    static let most = 1 << 16
    private static let head = 16
    private let base: UnsafeMutableRawPointer

    private init(_ descriptor: Int32) {
        let count = Self.head + Self.most
        let isSized = ftruncate(descriptor, off_t(count)) == 0
        let place = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        precondition(isSized && place != MAP_FAILED, "no memory to share with a worker")
        base = place!
        close(descriptor)
    }

    convenience init(opening path: String) {
        let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
        precondition(descriptor >= 0, "\(path) cannot be opened")
        self.init(descriptor)
    }

    deinit { munmap(base, Self.head + Self.most) }

    /// Inputs so far.
    var rounds: UInt64 { base.load(as: UInt64.self) }

    var bytes: [UInt8] {
        let count = min(Int(base.load(fromByteOffset: 8, as: UInt64.self)), Self.most)
        return Array(UnsafeRawBufferPointer(start: base + Self.head, count: count))
    }

    func put(_ bytes: [UInt8]) {
        let count = min(bytes.count, Self.most)
        bytes.withUnsafeBytes {
            (base + Self.head).copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: count)
        }
        base.storeBytes(of: UInt64(count), toByteOffset: 8, as: UInt64.self)
        base.storeBytes(of: rounds + 1, as: UInt64.self)
    }
}
