import Glibc
import Testing

@testable import HubCapture

@Suite("The ring of a recording")
struct RingTests {
    private static let second: Int64 = 1_000_000_000

    private func write(
        _ ring: CaptureRing, _ ordinal: UInt64, _ lane: CaptureFrame.Lane, at seconds: Int64, bytes: Int
    ) throws {
        let frame = CaptureFrame(
            ordinal: ordinal, lane: lane, wallNanoseconds: seconds * Self.second, monotonicNanoseconds: 0,
            input: .message(connection: 1, isText: false, bytes: [UInt8](repeating: 7, count: bytes)))
        try ring.write(encoded([frame]), lane, at: frame.wallNanoseconds)
    }

    private func sizes(_ folder: String) -> Int64 {
        CaptureFile.all(in: folder).reduce(0) { sum, file in
            var facts = stat()
            stat(file.path, &facts)
            return sum + Int64(facts.st_size)
        }
    }

    @Test(
        "whatever is written, all files together never exceed max_size, and what is left is the newest without a hole")
    func size() throws {
        var random = Random()
        let folder = TestFolder()
        let limit: Int64 = 64 << 10
        let ring = try CaptureRing(
            folder: folder.path + "/a/b", header: testHeader, limits: CaptureLimits(maximumBytes: limit))
        for ordinal in 1...UInt64(2000) {
            let length = Int.random(in: 0...2000, using: &random)
            try write(ring, ordinal, .stream, at: Int64(ordinal), bytes: length)
            #expect(ring.bytes <= limit, "HUB_SEED=\(random.seed)")
        }
        #expect(sizes(folder.path + "/a/b") <= limit)
        let left = all(try CaptureSource(folder: folder.path + "/a/b")).map(\.ordinal)
        #expect(left.last == 2000)
        #expect(left == Array(left[0]...2000), "HUB_SEED=\(random.seed)")
        // Most of what may be kept is kept.
        #expect(sizes(folder.path + "/a/b") > limit / 2, "HUB_SEED=\(random.seed)")
    }

    @Test("what streamed goes when it is older than keep; what makes up a plugin's state stays as long as its session")
    func age() throws {
        let folder = TestFolder()
        let limits = CaptureLimits(keepNanoseconds: 100 * Self.second, maximumBytes: 1 << 30)
        let ring = try CaptureRing(folder: folder.path, header: testHeader, limits: limits)
        try write(ring, 1, .state, at: 0, bytes: 10)
        for ordinal in 2...UInt64(1000) { try write(ring, ordinal, .stream, at: Int64(ordinal), bytes: 10) }
        ring.dropOld(now: 1000 * Self.second)
        let left = all(try CaptureSource(folder: folder.path)).map(\.ordinal)
        #expect(left.first == 1)
        #expect(left.count < 120 && left.count >= 100, "\(left.count)")
        #expect(left.last == 1000)
    }

    @Test("an earlier session's state goes with the last of what streamed in it")
    func earlierSession() throws {
        let folder = TestFolder()
        let limits = CaptureLimits(keepNanoseconds: 100 * Self.second, maximumBytes: 1 << 30)
        let first = try CaptureRing(folder: folder.path, header: testHeader, limits: limits)
        try write(first, 1, .state, at: 1, bytes: 10)
        try write(first, 2, .stream, at: 2, bytes: 10)
        first.close()
        var header = testHeader
        header.sessionNanoseconds = 2000
        // A file's time is taken for its newest frame's.
        let second = try CaptureRing(folder: folder.path, header: header, limits: limits)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        #expect(CaptureFile.all(in: folder.path).count == 2)
        try write(second, 1, .state, at: Int64(now.tv_sec) + 50, bytes: 10)
        #expect(all(try CaptureSource(folder: folder.path)).map(\.ordinal) == [1, 2, 1])
        try write(second, 2, .stream, at: Int64(now.tv_sec) + 200, bytes: 10)
        #expect(all(try CaptureSource(folder: folder.path)).map(\.ordinal) == [1, 2])
    }

    @Test("frames of both lanes come back in their order, from several sessions one behind the other")
    func merged() throws {
        var random = Random()
        let folder = TestFolder()
        var written: [CaptureFrame] = []
        for session in 1...3 {
            var header = testHeader
            header.sessionNanoseconds = Int64(session) * 1000
            let ring = try CaptureRing(
                folder: folder.path, header: header, limits: CaptureLimits(maximumBytes: 4 << 20))
            for frame in random.frames(300) {
                try ring.write(encoded([frame]), frame.lane, at: frame.wallNanoseconds)
                written.append(frame)
            }
            ring.close()
        }
        #expect(all(try CaptureSource(folder: folder.path)) == written, "HUB_SEED=\(random.seed)")
        for file in CaptureFile.all(in: folder.path) {
            var facts = stat()
            stat(file.path, &facts)
            #expect(facts.st_mode & 0o777 == 0o600)
        }
    }

    @Test("a copy has what streamed in its range, and the state from before it; without anything in it there is none")
    func copy() throws {
        var random = Random()
        let folder = TestFolder()
        let ring = try CaptureRing(
            folder: folder.path + "/ring", header: testHeader, limits: CaptureLimits(maximumBytes: 64 << 20))
        let frames = random.frames(400)
        for frame in frames { try ring.write(encoded([frame]), frame.lane, at: frame.wallNanoseconds) }
        let output = folder.path + "/out.hubcap"
        let (from, until) = (100 * Self.second, 200 * Self.second)
        let result = try CaptureCopy.run(
            try CaptureSource(folder: folder.path + "/ring"), to: output, from: from, until: until)
        let copied = all(try CaptureSource(file: output))
        let expected = frames.filter {
            $0.wallNanoseconds < until && ($0.wallNanoseconds >= from || $0.lane == .state)
        }
        #expect(copied == expected, "HUB_SEED=\(random.seed)")
        #expect(result.frames == 100 && result.problems.isEmpty)
        #expect(try CaptureSource(file: output).header.fromNanoseconds == from)
        #expect(throws: CaptureError.self) {
            try CaptureCopy.run(try CaptureSource(folder: folder.path + "/ring"), to: output)
        }
        let empty = #expect(throws: CaptureError.self) {
            try CaptureCopy.run(
                try CaptureSource(folder: folder.path + "/ring"), to: folder.path + "/none", from: 9000 * Self.second)
        }
        #expect(empty?.description == "nothing was recorded in that time")
        #expect(access(folder.path + "/none", F_OK) != 0 && access(folder.path + "/none.part", F_OK) != 0)
    }

    @Test("a recording that goes on after an interruption goes on behind its files")
    func goesOn() throws {
        let folder = TestFolder()
        for part in 0..<3 {
            let ring = try CaptureRing(folder: folder.path, header: testHeader, limits: CaptureLimits())
            try write(ring, UInt64(part + 1), .stream, at: 1, bytes: 3)
            ring.close()
        }
        #expect(all(try CaptureSource(folder: folder.path)).map(\.ordinal) == [1, 2, 3])
    }

    @Test("a frame that would push out everything is refused and counted; a disk with too little room is an error")
    func refusals() throws {
        let folder = TestFolder()
        let ring = try CaptureRing(
            folder: folder.path, header: testHeader, limits: CaptureLimits(maximumBytes: 64 << 10))
        try write(ring, 1, .stream, at: 1, bytes: 30_000)
        #expect(ring.refusedFrames == 1)
        try write(ring, 2, .stream, at: 1, bytes: 300)
        #expect(ring.refusedFrames == 1)
        let full = try CaptureRing(
            folder: folder.path, header: testHeader, limits: CaptureLimits(minimumFreeBytes: 1 << 60))
        let error = #expect(throws: CaptureError.self) { try write(full, 1, .stream, at: 1, bytes: 3) }
        #expect(error?.description.contains("min_free") == true)
    }
}
