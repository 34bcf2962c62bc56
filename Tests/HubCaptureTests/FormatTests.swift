import Glibc
import Testing

@testable import HubCapture

@Suite("Capture files")
struct FormatTests {
    @Test("whatever was written is read again, field by field")
    func roundTrip() throws {
        var random = Random()
        let frames = random.frames(500)
        let folder = TestFolder()
        let file = folder.write(testHeader.bytes + encoded(frames), to: "a.hubcap")
        let found = try read(file)
        #expect(found.frames == frames, "HUB_SEED=\(random.seed)")
        #expect(found.damage == nil)
        #expect(try CaptureReader(path: file).header == testHeader)
    }

    @Test("a file that was cut off at any byte gives every frame that is whole, and says where it ends")
    func tornTail() throws {
        var random = Random()
        let frames = random.frames(12)
        let folder = TestFolder()
        var ends = [testHeader.bytes.count]
        var bytes = testHeader.bytes
        for frame in frames {
            CaptureCoding.append(frame, to: &bytes)
            ends.append(bytes.count)
        }
        for cut in 0..<bytes.count {
            let file = folder.write(bytes[..<cut], to: "torn.hubcap")
            guard cut >= ends[0] else {
                let error = #expect(throws: CaptureError.self) { try CaptureReader(path: file) }
                let isEmpty = cut == 0
                #expect(
                    error?.description.contains(isEmpty ? "is no capture" : "ends within its header") == true,
                    "\(cut): \(error?.description ?? "")")
                continue
            }
            let whole = ends.lastIndex { $0 <= cut }!
            let found = try read(file)
            #expect(found.frames == Array(frames[..<whole]), "cut at \(cut), HUB_SEED=\(random.seed)")
            #expect((found.damage == nil) == (ends[whole] == cut), "cut at \(cut): \(found.damage ?? "")")
            if let damage = found.damage {
                #expect(damage.contains("byte \(ends[whole])") && damage.contains("ends within"))
            }
        }
    }

    @Test("one changed byte is noticed: no frame is read that was not written")
    func changedByte() throws {
        var random = Random()
        let frames = random.frames(8)
        let folder = TestFolder()
        let bytes = testHeader.bytes + encoded(frames)
        for at in 0..<bytes.count {
            var changed = bytes
            changed[at] ^= UInt8.random(in: 1...255, using: &random)
            let file = folder.write(changed, to: "changed.hubcap")
            guard let found = try? read(file) else { continue }
            #expect(found.damage != nil, "byte \(at), HUB_SEED=\(random.seed)")
            #expect(Array(frames.prefix(found.frames.count)) == found.frames, "byte \(at), HUB_SEED=\(random.seed)")
        }
    }

    @Test("garbage is no capture, a newer version is named, a missing file is one that cannot be read")
    func garbage() throws {
        let folder = TestFolder()
        var random = Random()
        for length in [0, 1, 5, 100, 100_000] {
            let file = folder.write(random.bytes(length).map { $0 | 0x80 }, to: "garbage")
            let error = #expect(throws: CaptureError.self) { try CaptureReader(path: file) }
            #expect(error?.description.contains("is no capture") == true)
        }
        var newer = testHeader.bytes
        newer[6] = 9
        let error = #expect(throws: CaptureError.self) {
            try CaptureReader(path: folder.write(newer, to: "newer"))
        }
        #expect(error?.description.contains("version 9") == true)
        let missing = #expect(throws: CaptureError.self) { try CaptureReader(path: folder.path + "/none") }
        #expect(missing?.description.contains("No such file") == true)
    }

    @Test("garbage behind a header with right checksums gives frames or damage, never a crash")
    func forged() throws {
        let folder = TestFolder()
        var random = Random()
        for _ in 0..<300 {
            var bytes = testHeader.bytes
            let start = bytes.count
            bytes += [UInt8](repeating: 0, count: CaptureCoding.frameHead)
            bytes.append(UInt8.random(in: 0...36, using: &random))
            bytes += random.bytes(Int.random(in: 0...80, using: &random))
            CaptureCoding.seal(&bytes, start)
            _ = try read(folder.write(bytes, to: "forged"))
        }
    }

    @Test("what is masked keeps its length and its checksum")
    func masked() throws {
        let folder = TestFolder()
        var bytes = testHeader.bytes
        let frame = CaptureFrame(
            ordinal: 1, lane: .stream, wallNanoseconds: 1, monotonicNanoseconds: 2,
            input: .message(connection: 1, isText: true, bytes: Array("key=secret!".utf8)))
        CaptureCoding.append(frame, to: &bytes) { bytes, from in
            for index in from..<bytes.count where bytes[index] == UInt8(ascii: "s") { bytes[index] = UInt8(ascii: "*") }
        }
        let found = try read(folder.write(bytes, to: "masked"))
        #expect(found.damage == nil)
        #expect(
            found.frames.first?.input
                == .message(connection: 1, isText: true, bytes: Array("key=*ecret!".utf8)))
    }
}
