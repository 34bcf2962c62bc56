/// Why the store cannot be opened, read or written.
public enum StoreError: Error, Hashable, Sendable {
    /// A newer hub wrote it. Schemas are numbered from 1.
    case newerSchema(path: String, found: Int, supported: Int)
    /// The file is not a database of the hub's.
    case notAStore(path: String)
    /// The file, in the place of a day's ticks or books, is something else.
    case notATickFile(path: String)
    /// The journal beside it is another one than the store has followed.
    case otherJournal(path: String, epoch: String)
    /// SQLite's or the system's words for what failed. `isFull`: there is no room on the disk.
    case database(path: String, words: String, isFull: Bool)
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .newerSchema(let path, let found, let supported):
            "\(path) has schema \(found), and this hub knows up to schema \(supported): "
                + "run the newer hub, or give this one another folder (hub.data)"
        case .notAStore(let path):
            "\(path) is not a store of the hub's: remove it, or give the hub another folder (hub.data)"
        case .notATickFile(let path):
            "\(path) holds no ticks of the hub's: move it out of the data folder"
        case .otherJournal(let path, let epoch):
            "\(path) has followed epoch \(epoch), which the journal beside it does not know: "
                + "put the right journal back, or move the store away"
        case .database(let path, let words, let isFull):
            isFull ? "the disk of \(path) is full: \(words); the store goes on by itself" : "\(path): \(words)"
        }
    }
}
