extension Journal {
    /// How many checkpoints are kept: if the newest proves damaged, there is the one before.
    static var keptCheckpoints: Int { 2 }

    /// Keeps the state of the fold after a position, so that a start need only fold what follows. Any thread but the writer's, if
    /// that must not wait for the disk.
    ///
    /// After a crash the newest whole one counts. Older ones than the last two are removed.
    public func writeCheckpoint(seq: UInt64, state: [UInt8]) throws(JournalError) {
        guard !isReadOnly, !isClosed else { throw .notOpenForWriting }
        let result: Result<Void, FileFault> = checkpointLock.withLock { _ in
            do throws(FileFault) {
                let bytes = CheckpointFile.bytes(seq: seq, epoch: epoch, state: state)
                try files.replace(Names.checkpoint(seq: seq), in: folder, with: bytes)
                for old in try checkpoints().dropLast(Self.keptCheckpoints) {
                    try files.remove("\(folder)/\(Names.checkpoint(seq: old))")
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        do throws(FileFault) { try result.get() } catch {
            throw .from(error, folder: options.folder, files: files, needed: Int64(state.count))
        }
    }

    /// The newest checkpoint that is whole and whose position is part of this journal; `nil` if there is none. Any thread.
    public func newestCheckpoint() -> (seq: UInt64, state: [UInt8])? {
        guard let seqs = try? checkpoints() else { return nil }
        for seq in seqs.reversed() {
            guard let bytes = (try? files.read("\(folder)/\(Names.checkpoint(seq: seq))")).flatMap({ $0 }),
                let (epoch, state) = CheckpointFile.read(bytes, seq: seq), judge(epoch: epoch, after: seq) == .valid
            else { continue }
            return (seq, state)
        }
        return nil
    }

    /// Positions of the checkpoints in the folder, oldest first.
    func checkpoints() throws(FileFault) -> [UInt64] {
        try files.names(in: folder).compactMap { Names.number(of: $0, suffix: Names.checkpointSuffix) }
    }
}
