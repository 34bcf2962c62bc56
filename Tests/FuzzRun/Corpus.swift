import Foundation
import FuzzTargets

/// The kept inputs of a target.
enum Corpus {
    /// All files of the target's folder, by name.
    static func read(_ folder: String, _ target: FuzzTarget) throws -> [[UInt8]] {
        let folder = URL(filePath: folder).appending(path: target.name)
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw CorpusError(description: "\(folder.path) is not there: each target begins with messages of its own")
        }
        let inputs = try names.sorted().map { Array(try Data(contentsOf: folder.appending(path: $0))) }
        guard !inputs.isEmpty else { throw CorpusError(description: "\(folder.path) is empty: put a message there") }
        return inputs
    }
}

struct CorpusError: Error, CustomStringConvertible {
    let description: String
}
