import CZlib

#if canImport(Glibc)
    import Glibc
#endif

/// A folder for the files of one test, removed with it.
final class TestFolder {
    let path: String

    init() {
        var template = Array("/tmp/replay-tests-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    private var files: [String] = []

    private func add(_ name: String) -> String {
        let file = path + "/" + name
        if !files.contains(file) { files.append(file) }
        return file
    }

    func plain(_ name: String, _ text: String) -> String { bytes(name, Array(text.utf8)) }

    func bytes(_ name: String, _ bytes: [UInt8]) -> String {
        let file = add(name)
        let handle = fopen(file, "wb")!
        fwrite(bytes, 1, bytes.count, handle)
        fclose(handle)
        return file
    }

    func gzip(_ name: String, _ text: String) -> String {
        let file = add(name)
        let handle = gzopen(file, "wb")
        let bytes = Array(text.utf8)
        gzwrite(handle, bytes, UInt32(bytes.count))
        gzclose_w(handle)
        return file
    }

    func contents(_ file: String) -> [UInt8] {
        let handle = fopen(file, "rb")!
        defer { fclose(handle) }
        var bytes = [UInt8](repeating: 0, count: 1 << 24)
        let count = fread(&bytes, 1, bytes.count, handle)
        return Array(bytes.prefix(count))
    }
}

/// A generator with a seed of the test's own (xorshift64*).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Rows of trades as a file has them, and as they are meant.
struct MadeTrades {
    struct Trade: Equatable {
        var time: Int64
        var price: Double
        var size: Double
        var exchange: Character
    }

    var text = "ts_event_ns,price,size,exchange,condition,suspicious\n"
    var trades: [Trade] = []

    init(_ count: Int, seed: UInt64, start: Int64 = 1_381_219_200_000_000_000, meanGap: UInt64 = 50_000_000) {
        var generator = SeededGenerator(seed: seed)
        var time = start
        var cents = 16_742
        for _ in 0..<count {
            // Equal times are common.
            time += Bool.random(using: &generator) ? 0 : Int64.random(in: 0...Int64(meanGap) * 4, using: &generator)
            cents += Int.random(in: -3...3, using: &generator)
            let size = Int.random(in: 1...900, using: &generator)
            let exchange = "PQZNT".randomElement(using: &generator)!
            text += "\(time),\(cents / 100).\(cents % 100 < 10 ? "0" : "")\(cents % 100),\(size),\(exchange),1,0\n"
            trades.append(
                Trade(time: time, price: Double(cents) / 100, size: Double(size), exchange: exchange))
        }
    }
}
