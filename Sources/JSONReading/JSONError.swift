/// Why bytes are not the JSON that was asked for, and where.
public struct JSONError: Error, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Equatable, Sendable {
        /// The bytes end inside a value.
        case truncated
        /// This byte cannot stand here.
        case unexpectedByte
        /// Another kind of value was asked for.
        case otherKind(expected: JSONKind)
        case badNumber
        case badText
        /// More than ``JSONReader/deepest`` lists and objects inside each other.
        case tooDeep
        /// Something stands behind the value.
        case trailingBytes
    }

    public var problem: Problem
    /// Bytes before the place.
    public var offset: Int

    /// Makes an error.
    public init(_ problem: Problem, offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String {
        let text =
            switch problem {
            case .truncated: "the JSON ends in the middle of a value"
            case .unexpectedByte: "this byte cannot stand here in JSON"
            case .otherKind(let kind): "expected \(kind.words)"
            case .badNumber: "this is not a number of JSON, or beyond all doubles"
            case .badText: "a text has a control character or an escape that JSON does not know"
            case .tooDeep: "lists and objects are nested more than \(JSONReader.deepest) deep"
            case .trailingBytes: "something stands behind the JSON"
            }
        return "\(text) (byte \(offset))"
    }
}

/// What a value is, told from its first byte.
public enum JSONKind: UInt8, Sendable {
    case object, array, text, number, flag, null

    var words: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .text: "a text"
        case .number: "a number"
        case .flag: "true or false"
        case .null: "null"
        }
    }
}
