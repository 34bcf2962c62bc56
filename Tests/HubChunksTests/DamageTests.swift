import CHubSystem
import HubChunks
import PluginABI
import Testing

/// Bytes that are no chunk give an error; nothing else happens.
struct DamageTests {
    private func error(_ chunk: [UInt8], _ decoder: inout ChunkDecoder) -> ChunkError? {
        var output = RecordBuffer(capacity: 64)
        do {
            try chunk.withUnsafeBytes { try decoder.decode($0, into: &output) }
            return nil
        } catch {
            #expect(output.count == 0, "nothing is appended with an error")
            return error as? ChunkError
        }
    }

    @Test func everyChangedBitIsFound() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        let chunk = liveTrades(300, &random).encoded(by: &encoder)
        for _ in 0..<500 {
            var damaged = chunk
            damaged[random.below(chunk.count)] ^= 1 << UInt8(random.below(8))
            #expect(error(damaged, &decoder) != nil)
        }
    }

    @Test func everyLengthButTheRightOneIsRefused() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        let chunk = liveTrades(40, &random).encoded(by: &encoder)
        for length in 0..<chunk.count { #expect(error(Array(chunk.prefix(length)), &decoder) != nil) }
        #expect(error(chunk + [0], &decoder) != nil)
        #expect(error(chunk, &decoder) == nil)
    }

    @Test func noiseIsRefused() throws {
        var random = SeededGenerator.told()
        var decoder = ChunkDecoder()
        for _ in 0..<300 {
            var noise = (0..<random.below(400)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(error(noise, &decoder) != nil)
            if noise.count > 4 { noise.replaceSubrange(0..<4, with: [0x48, 0x43, 1, UInt8(random.below(2))]) }
            #expect(error(noise, &decoder) != nil)
        }
    }

    /// A chunk that was changed and given a right checksum: the decoder may find other records in it, but must neither
    /// trap nor leave its memory.
    @Test func deceitWithARightChecksumIsSurvived() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        var refused = 0
        for _ in 0..<60 {
            let records = random.oneIn(3) ? liveTrades(1 + random.below(600), &random) : AnyRecords.make(&random)
            let chunk = records.encoded(by: &encoder)
            for _ in 0..<40 {
                var forged = chunk
                // The head, the directory and the headers of columns are where it hurts most.
                for _ in 0...random.below(3) {
                    let place = random.oneIn(2) ? random.below(min(chunk.count, 200)) : random.below(chunk.count)
                    forged[place] =
                        random.oneIn(2) ? forged[place] ^ 1 << UInt8(random.below(8)) : UInt8(random.below(256))
                }
                if random.oneIn(8) { forged.removeLast(random.below(forged.count - 64)) }
                seal(&forged)
                if error(forged, &decoder) != nil { refused += 1 }
            }
        }
        #expect(refused > 0)
    }

    @Test func anErrorSaysWhatWasExpectedAndFound() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        let chunk = liveTrades(300, &random).encoded(by: &encoder)
        var damaged = chunk
        damaged[100] ^= 1
        #expect(error(damaged, &decoder)?.description.contains("checksum") == true)
        #expect(error(Array(chunk.dropLast()), &decoder)?.description.contains("\(chunk.count) bytes") == true)
        var newer = chunk
        newer[2] = 9
        #expect(error(newer, &decoder)?.description == "the chunk is of version 9; this program knows version 1")
    }

    /// Makes length and checksum right again.
    private func seal(_ chunk: inout [UInt8]) {
        chunk.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: UInt32(bytes.count), toByteOffset: 8, as: UInt32.self)
            let head = hub_crc32c(0, bytes.baseAddress, 4)
            let sum = hub_crc32c(head, bytes.baseAddress! + 8, bytes.count - 8)
            bytes.storeBytes(of: sum, toByteOffset: 4, as: UInt32.self)
        }
    }
}
