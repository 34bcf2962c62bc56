public import PluginKit

/// News of several symbols, asked for one by one and answered as one list, the newest first.
public struct NewsGroup: Sendable {
    private var left: Int
    private var items: [NewsItem] = []
    private var error: PluginError?
    private let limit: Int?
    private let from: Int64
    private let to: Int64

    /// - Parameter requests: answers to wait for.
    public init(requests: Int, limit: Int?, fromNanoseconds: Int64, toNanoseconds: Int64) {
        left = requests
        self.limit = limit
        from = fromNanoseconds
        to = toNanoseconds
    }

    /// Takes in an answer, or why there is none. Returns what all of them together are, if it was the last.
    public mutating func take(_ news: [NewsItem], _ failure: PluginError?) -> Result<[NewsItem], PluginError>? {
        items += news
        left -= 1
        error = failure ?? error
        guard left <= 0 else { return nil }
        // Some news is better than none.
        if items.isEmpty, let error { return .failure(error) }
        var seen: Set<String> = []
        let merged = items.filter { item in
            let key = item.identifier.isEmpty ? item.url : item.identifier
            guard item.timeNanoseconds >= from, item.timeNanoseconds < to else { return false }
            return key.isEmpty || seen.insert(key).inserted
        }
        return .success(Array(merged.sorted { $0.timeNanoseconds > $1.timeNanoseconds }.prefix(limit ?? .max)))
    }
}
