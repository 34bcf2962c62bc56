import HubChunks
import Testing

@Test func anEmptyBufferHoldsNoBytes() {
    let buffer = RecordBuffer()
    #expect(buffer.count == 0)
}
