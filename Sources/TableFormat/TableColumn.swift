public import EventFormat

/// A column of a table: its name and what stands in it.
///
/// Every column may be null: what an object leaves out is null in its row.
public struct TableColumn: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Text; a list of texts with `;` between them; any other list or map as JSON.
        case text
        /// A whole number of at most 64 bits.
        case integer
        case number
        case flag
        /// Nanoseconds since the Unix epoch, shown as the style of the table says.
        case time
        /// Days since the Unix epoch.
        case date
        /// One of these words, by its index: a dictionary in Arrow.
        case word([String])
    }

    public var name: String
    public var kind: Kind

    public init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// The shapes in which a list can be had.
public enum TableShape: String, Sendable, Hashable, CaseIterable {
    case json, csv, ndjson, arrow

    /// The media type of an answer.
    public var mediaType: String {
        switch self {
        case .json: "application/json"
        case .csv: "text/csv; charset=utf-8"
        case .ndjson: "application/x-ndjson"
        case .arrow: "application/vnd.apache.arrow.stream"
        }
    }

    /// Ending of a file's name.
    public var fileExtension: String { self == .arrow ? "arrows" : rawValue }

    /// The style in which rows must be written to become this shape: Arrow has times of its own, so text has no place there.
    public func style(_ wanted: TimeStyle) -> TimeStyle {
        self == .arrow && wanted == .iso ? .nanoseconds : wanted
    }
}
