/// What lies in the folder `journal`, read without changing anything.
struct SegmentFolder {
    /// In order of their first seq.
    var segments: [Segment] = []
    /// Segments whose header cannot be read: name, why.
    var unreadable: [(name: String, why: String)] = []
    var names: [String] = []
    var state: StateFile?
    var clean: CleanMarker?

    static func path(dataFolder: String) -> String { "\(dataFolder)/journal" }

    /// Nothing yet.
    init() {}

    /// Reads state and segments. Refuses a newer format before anything else is looked at.
    init(_ folder: String, files: any FileLayer) throws(JournalError) {
        do throws(FileFault) {
            names = try files.names(in: folder)
            let statePath = "\(folder)/\(Names.state)"
            if let bytes = try files.read(statePath) {
                switch StateFile.read(bytes) {
                case .state(let found): state = found
                case .newer(let version): throw FileFault(newer: version, statePath)
                // Made again from the segments' headers.
                case .unreadable: break
                }
            }
            clean = try files.read("\(folder)/\(Names.clean)").flatMap { CleanMarker($0) }
            for name in names where Names.number(of: name, suffix: Names.segmentSuffix) != nil {
                try load(name, folder, files)
            }
        } catch {
            if error.operation == FileFault.newer {
                throw .newerFormat(
                    path: error.path, found: UInt32(bitPattern: error.code), supported: SegmentHeader.formatVersion)
            }
            throw .from(error, folder: folder, files: files, needed: 0)
        }
    }

    mutating func load(_ name: String, _ folder: String, _ files: any FileLayer) throws(FileFault) {
        let path = "\(folder)/\(name)"
        let firstSeq = Names.number(of: name, suffix: Names.segmentSuffix) ?? 0
        let descriptor = try files.open(path, .reading)
        defer { files.close(descriptor) }
        let size = try files.size(descriptor, path: path)
        guard size >= SegmentHeader.byteCount else {
            unreadable.append((name, "it has only \(size) bytes"))
            return
        }
        // Only the header; the rest is mapped when somebody reads it.
        let base = try files.map(descriptor, bytes: SegmentHeader.byteCount, writable: false, path: path)
        defer { files.unmap(base, bytes: SegmentHeader.byteCount) }
        switch SegmentHeader.read(UnsafeRawPointer(base), fileBytes: size) {
        case .newer(let version):
            throw FileFault(newer: version, path)
        case .unreadable(let why):
            unreadable.append((name, why))
        case .header(let header) where header.firstSeq != firstSeq:
            unreadable.append((name, "its header says that it begins at \(header.firstSeq)"))
        case .header(let header):
            let indexPath = "\(folder)/\(Names.index(first: firstSeq))"
            let segment = Segment(
                header: header, path: path, indexPath: indexPath, base: nil, descriptor: nil, files: files)
            segment.isNameSynced = true
            if let index = IndexFile(indexPath, firstSeq: firstSeq, files: files), index.header.endOffset <= size {
                segment.use(index)
            }
            segments.append(segment)
        }
    }

    /// The state as written, or as the segments' headers tell it: then nothing is known of the last shutdown.
    var knownState: StateFile? {
        if let state { return state }
        guard !segments.isEmpty else { return nil }
        var epochs: [Epoch] = []
        for segment in segments where segment.epoch != epochs.last?.name {
            if !epochs.isEmpty { epochs[epochs.count - 1].last = segment.firstSeq - 1 }
            epochs.append(Epoch(name: segment.epoch, first: segment.firstSeq, last: nil))
        }
        return StateFile(durability: .process, bootID: "", epochs: epochs)
    }
}

extension FileFault {
    fileprivate static let newer = "read the newer format of"
    /// Carries a format's number out of code that otherwise only fails with faults.
    fileprivate init(newer version: UInt32, _ path: String) {
        self.init(Self.newer, path, code: Int32(bitPattern: version))
    }
}
