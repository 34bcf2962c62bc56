import HubChunks
import PluginABI
import Testing

@Test func anEmptyBufferHoldsNoBytes() {
    let buffer = RecordBuffer()
    #expect(buffer.count == 0)
}

@Test(arguments: [1, 2, 3, 15, 127, 128, 129, 1000, 8191, 8192])
func tradesComeBackAsTheyWere(count: Int) throws {
    var random = SeededGenerator.told()
    let records = liveTrades(count, &random)
    var (encoder, decoder) = (ChunkEncoder(), ChunkDecoder())
    #expect(try decoder.records(records.encoded(by: &encoder)) == records.bytes)
}

@Test func tradesTakeAFewBytesEach() throws {
    var random = SeededGenerator.told()
    let records = liveTrades(8192, &random)
    var encoder = ChunkEncoder()
    let chunk = records.encoded(by: &encoder)
    // The receive time alone is 21 bits of chance.
    #expect(Double(chunk.count) / 8192 < 5.2)
}
