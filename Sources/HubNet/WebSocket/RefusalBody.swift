/// The body of an answer that refuses an upgrade, up to a length: it says why. Pure.
struct RefusalBody {
    private enum Mode {
        case length(Int)
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case untilClose
        case complete
    }

    static let limit = 64 << 10

    private(set) var bytes: [UInt8] = []
    /// There was more, which is left out.
    private(set) var isCut = false
    private var mode: Mode
    private var line: [UInt8] = []

    init(_ head: ResponseHead) {
        if head.status == 204 || head.status == 304 {
            mode = .complete
        } else if head.headers.tokens(of: "transfer-encoding").last == "chunked" {
            mode = .chunkSize
        } else if let length = head.headers.value(of: "content-length").flatMap({ Int($0) }), length >= 0 {
            mode = length == 0 ? .complete : .length(length)
        } else {
            mode = .untilClose
        }
    }

    /// Whether no more is to be read.
    var isComplete: Bool {
        if case .complete = mode { true } else { false }
    }

    mutating func take(_ input: ArraySlice<UInt8>) {
        var rest = input
        while !rest.isEmpty {
            switch mode {
            case .complete: return
            case .untilClose: keep(&rest, rest.count)
            case .length(let left):
                let count = min(left, rest.count)
                keep(&rest, count)
                if !isComplete { mode = left == count ? .complete : .length(left - count) }
            case .chunk(let left):
                let count = min(left, rest.count)
                keep(&rest, count)
                if !isComplete { mode = left == count ? .chunkEnd : .chunk(left - count) }
            case .chunkSize, .chunkEnd:
                let byte = rest.removeFirst()
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    if line.count > 1_024 { mode = .complete }
                    continue
                }
                endLine()
            }
        }
    }

    private mutating func endLine() {
        defer { line.removeAll() }
        if case .chunkEnd = mode {
            mode = .chunkSize
            return
        }
        let digits = line.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") }
        let size = digits.count <= 15 ? Int(String(decoding: digits, as: UTF8.self), radix: 16) : nil
        mode = if let size, size > 0 { .chunk(size) } else { .complete }
    }

    private mutating func keep(_ rest: inout ArraySlice<UInt8>, _ count: Int) {
        let room = Self.limit - bytes.count
        bytes.append(contentsOf: rest.prefix(min(count, room)))
        rest.removeFirst(count)
        if count > room {
            isCut = true
            mode = .complete
        }
    }
}
