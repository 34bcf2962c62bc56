import Glibc
import Testing

@testable import HubCapture

/// A folder that goes away with the test.
final class TestFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/hub-capture-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            closedir(stream)
        }
        Glibc.remove(path)
    }

    func write(_ bytes: some Collection<UInt8>, to name: String) -> String {
        let file = "\(path)/\(name)"
        unlink(file)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        var rest = Array(bytes)
        while !rest.isEmpty { rest.removeFirst(Glibc.write(descriptor, rest, rest.count)) }
        return file
    }
}

/// Numbers that look random and are the same for the same seed.
struct Random: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init() {
        let given = getenv("HUB_SEED").flatMap { UInt64(String(cString: $0)) }
        self.init(given ?? SystemRandomNumberGenerator().nextSeed())
    }

    init(_ seed: UInt64) {
        self.seed = seed
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

    mutating func text() -> String {
        String((0..<Int.random(in: 0...12, using: &self)).map { _ in "aé€😀\"\n0:".randomElement(using: &self)! })
    }

    mutating func input() -> CaptureInput {
        let connection = UInt32.random(in: 0...9, using: &self)
        switch Int.random(in: 0..<16, using: &self) {
        case 0: return .start(setup: text())
        case 1: return .want([CaptureWant(symbol: text(), kinds: 6), CaptureWant(symbol: text(), kinds: 0)])
        case 2: return .opened(connection: connection)
        case 3: return .closed(connection: connection, code: 1006, reason: text())
        case 4: return .refused(connection: connection, answer())
        case 5: return .answered(request: next(), answer())
        case 6: return .timer(connection)
        case 7:
            var query = CaptureQuery(id: next(), kind: 2)
            query.symbols = [text(), text()]
            query.text = text()
            query.interval = 60
            query.from = .min
            query.to = .max
            query.next = text()
            return .query(query)
        case 8: return .cancelQuery(next())
        case 9: return .refreshListings
        case 10: return .login(names: [text(), text()], redirect: text())
        case 11: return .stop
        case 12: return .reply(CaptureReply(.define, text(), status: -3, number: .min, bytes: bytes(5)))
        case 13: return .lost(frames: next(), bytes: next())
        default:
            let length = Int.random(in: 0...200, using: &self)
            return .message(connection: connection, isText: Bool.random(using: &self), bytes: bytes(length))
        }
    }

    private mutating func answer() -> CaptureAnswer {
        CaptureAnswer(
            httpStatus: 200, failure: -2, headers: [.init(text(), text())], body: bytes(40),
            isWithheld: Bool.random(using: &self))
    }

    mutating func frames(_ count: Int) -> [CaptureFrame] {
        (1...UInt64(count)).map { ordinal in
            CaptureFrame(
                ordinal: ordinal, lane: Bool.random(using: &self) ? .state : .stream,
                wallNanoseconds: Int64(ordinal) * 1_000_000_000, monotonicNanoseconds: Int64(ordinal), input: input())
        }
    }
}

extension SystemRandomNumberGenerator {
    fileprivate func nextSeed() -> UInt64 {
        var generator = self
        return generator.next() >> 16
    }
}

let testHeader = CaptureHeader(
    provider: "upstox", plugin: "upstox", pluginVersion: "1.2.0", hub: "0.4.0", sessionNanoseconds: 1000)

func encoded(_ frames: [CaptureFrame]) -> [UInt8] {
    var bytes: [UInt8] = []
    for frame in frames { CaptureCoding.append(frame, to: &bytes) }
    return bytes
}

/// The frames of a file, and what is wrong with its end.
func read(_ path: String) throws -> (frames: [CaptureFrame], damage: String?) {
    let reader = try CaptureReader(path: path)
    var frames: [CaptureFrame] = []
    while let frame = reader.next() { frames.append(frame) }
    return (frames, reader.damage)
}

func all(_ source: CaptureSource) -> [CaptureFrame] {
    var frames: [CaptureFrame] = []
    while let frame = source.next() { frames.append(frame) }
    return frames
}
