import JSONReading

/// Any JSON: what can be read can be passed, and ends at the same byte.
final class JSONSubject: FuzzSubject {
    private let scratch = JSONScratch()

    func take(_ bytes: UnsafeRawBufferPointer) throws {
        let read = end(bytes) { (reader) throws(JSONError) in try tree(&reader) }
        let passed = end(bytes) { (reader) throws(JSONError) in try reader.skip() }
        switch (read, passed) {
        case (.success(let left), .success(let right)) where left != right:
            throw FuzzFailure("reading ends at byte \(left), passing at \(right)")
        case (.success, .failure(let error)): throw FuzzFailure("it can be read, but not passed: \(error)")
        case (.failure(let error), _) where !(0...bytes.count).contains(error.offset):
            throw FuzzFailure("an error at byte \(error.offset) of \(bytes.count)")
        default: break
        }
    }

    private func end(
        _ bytes: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws(JSONError) -> Void
    ) -> Result<Int, JSONError> {
        var reader = JSONReader(bytes, scratch: scratch)
        do throws(JSONError) {
            try body(&reader)
            return .success(reader.offset)
        } catch {
            return .failure(error)
        }
    }

    private func tree(_ reader: inout JSONReader) throws(JSONError) {
        switch try reader.kind() {
        case .object:
            try reader.enterObject()
            while let key = try reader.nextKey() {
                _ = key.string
                try tree(&reader)
            }
        case .array:
            try reader.enterArray()
            while try reader.nextElement() { try tree(&reader) }
        case .text: _ = try reader.text().string
        case .number: _ = try reader.number()
        case .flag: _ = try reader.flag()
        case .null: try reader.skip()
        }
    }
}
