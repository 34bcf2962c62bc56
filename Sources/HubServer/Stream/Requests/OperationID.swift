internal import EventFormat

/// What a client calls its operation; answers carry it back.
enum OperationID: Hashable, Sendable {
    case integer(Int64)
    /// At most 64 characters.
    case text(String)

    static let maximumCharacters = 64
}

extension TextBuffer {
    /// The member `id`, where the client gave one.
    mutating func member(id: OperationID?) {
        switch id {
        case .integer(let number): member("id", number)
        case .text(let text): member("id", text)
        case nil: break
        }
    }
}
