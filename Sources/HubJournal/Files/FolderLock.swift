/// One process at a time writes to a data folder.
///
/// The lock is on the open file `lock`, so it ends with the process however that ends; the pid in the file is only for telling
/// people who has it.
final class FolderLock: Sendable {
    private let descriptor: Int32
    private let files: any FileLayer

    init(folder: String, process: Int32, files: any FileLayer) throws(JournalError) {
        let path = "\(folder)/lock"
        // `self` is complete only once the lock is taken: a complete object that is thrown away closes its file once more.
        let opened: Int32
        do throws(FileFault) {
            opened = try files.open(path, .creating)
        } catch {
            throw .from(error, folder: folder, files: files, needed: 4096)
        }
        let isTaken: Bool
        do throws(FileFault) {
            isTaken = try files.lock(opened, path: path)
        } catch {
            files.close(opened)
            throw .system(error)
        }
        guard isTaken else {
            let text = (try? files.read(path)).flatMap { $0 } ?? []
            files.close(opened)
            let digits = String(decoding: text.prefix { (48...57).contains($0) }, as: UTF8.self)
            throw .locked(folder: folder, process: Int32(digits))
        }
        descriptor = opened
        self.files = files
        // On a full disk the pid may not fit; the lock holds all the same.
        try? files.write(Array("\(process)\n".utf8), to: opened, path: path)
    }

    deinit { files.close(descriptor) }
}

extension JournalError {
    /// A fault in the data folder, in the words of whoever has to mend it.
    static func from(_ fault: FileFault, folder: String, files: any FileLayer, needed: Int64) -> JournalError {
        if fault.isFull {
            return .diskFull(folder: folder, freeBytes: (try? files.freeBytes(folder)) ?? -1, neededBytes: needed)
        }
        return fault.isRefusal ? .notWritable(folder: folder, code: fault.code) : .system(fault)
    }
}
