import Synchronization

/// Places in exports that were made lately, so that one that is gone on with need not be made again from its beginning.
/// Bounded: a few exports, a few hundred places each.
final class ExportMarks: Sendable {
    private struct Export {
        var tag: String
        var marks: [ExportWriter.Mark] = []
        /// Only every so many bytes a place is kept.
        var spacing = 1 << 20
        /// Bytes of the whole export, once its end was seen.
        var total: Int?
    }

    private static let capacity = 64
    private static let marksOfOne = 512
    private let exports = Mutex<[Export]>([])

    /// Notes a place, or the end.
    func note(_ tag: String, _ mark: ExportWriter.Mark, isEnd: Bool) {
        exports.withLock { exports in
            let index: Int
            if let found = exports.firstIndex(where: { $0.tag == tag }) {
                index = found
            } else {
                if exports.count == Self.capacity { exports.removeFirst() }
                exports.append(Export(tag: tag))
                index = exports.count - 1
            }
            if isEnd {
                exports[index].total = mark.bytes
                return
            }
            guard mark.bytes >= (exports[index].marks.last?.bytes ?? 0) + exports[index].spacing else { return }
            exports[index].marks.append(mark)
            guard exports[index].marks.count == Self.marksOfOne else { return }
            exports[index].spacing *= 2
            exports[index].marks = exports[index].marks.enumerated().compactMap {
                $0.offset % 2 == 1 ? $0.element : nil
            }
        }
    }

    /// The last known place at or before a number of bytes.
    func place(_ tag: String, before bytes: Int) -> ExportWriter.Mark? {
        exports.withLock { exports in
            exports.first { $0.tag == tag }?.marks.last { $0.bytes <= bytes }
        }
    }

    /// Bytes of the whole export, if they are known.
    func total(_ tag: String) -> Int? {
        exports.withLock { exports in exports.first { $0.tag == tag }?.total }
    }
}
