import HubChunks
import PluginABI
import Testing

/// What goes in comes out, every byte of it.
struct RoundTripTests {
    @Test func recordsOfAnyKindComeBackByteForByte() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        for round in 0..<300 {
            let records = AnyRecords.make(&random)
            let chunk = records.encoded(by: &encoder)
            let back = try decoder.records(chunk)
            try #require(back == records.bytes, "round \(round), kind \(records.bytes[1]), \(records.count) records")
            // What does not pack costs a header.
            #expect(chunk.count <= records.bytes.count + ChunkHeader.byteCount)
        }
        #expect(encoder.refusedColumns == 0, "no column had to be stored as it is because it did not come back")
    }

    @Test func theLongestRecordsComeBack() throws {
        var random = SeededGenerator.told()
        var records = TestRecords()
        for lines in [255, 1, 254, 255, 2] {
            records.append(lines: lines, kind: HUB_BOOK) { words in
                for word in 0..<lines * 8 { words[word] = random.next() }
            }
        }
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        #expect(try decoder.records(records.encoded(by: &encoder)) == records.bytes)
    }

    @Test func chunksAreAppendedOneBehindTheOther() throws {
        var random = SeededGenerator.told()
        var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
        var output = RecordBuffer(capacity: 64)
        var expected: [UInt8] = []
        for _ in 0..<10 {
            let records = AnyRecords.make(&random)
            expected += records.bytes
            try records.encoded(by: &encoder).withUnsafeBytes { try decoder.decode($0, into: &output) }
        }
        #expect([UInt8](output.bytes) == expected)
    }

    @Test func theSameRecordsGiveTheSameChunk() {
        var random = SeededGenerator.told()
        var used = ChunkEncoder()
        for _ in 0..<20 {
            let records = AnyRecords.make(&random)
            var fresh = ChunkEncoder()
            #expect(records.encoded(by: &used) == records.encoded(by: &fresh))
        }
    }

    @Test func theHeaderSaysWhatTheRecordsCover() throws {
        var records = TestRecords()
        for (seq, event, received) in [(10, 500, 900), (12, -3, 901), (19, 700, 950)] {
            var quote = hub_record()
            (quote.seq, quote.ts_event, quote.ts_recv) = (UInt64(seq), Int64(event), Int64(received))
            records.append(lines: 1, kind: HUB_QUOTE) { words in
                UnsafeMutableRawPointer(words).storeBytes(of: quote, as: hub_record.self)
            }
        }
        var encoder = ChunkEncoder()
        let chunk = records.encoded(by: &encoder)
        // The header is enough; the rest of the chunk need not be read.
        let header = try chunk.prefix(ChunkHeader.byteCount).withUnsafeBytes { try ChunkHeader($0) }
        #expect(header.chunkBytes == chunk.count)
        #expect(header.kind == UInt8(HUB_QUOTE))
        #expect(header.count == 3)
        #expect(header.firstSeq == 10)
        #expect(header.lastSeq == 19)
        #expect(header.eventTimes == -3...700)
        #expect(header.receiveTimes == 900...950)
    }
}
