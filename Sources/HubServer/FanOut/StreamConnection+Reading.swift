import EventFormat
import NIOCore

/// Reading alone: by an own cursor, in slices, until the connection stands where its group stands.
extension StreamConnection {
    /// What a slice of reading came to.
    enum Slice {
        /// There is more to do at once.
        case again
        /// Stands beyond what the fan-out has seen.
        case ahead
        /// Waits for the socket or the store, or reads no more.
        case nothing
    }

    /// Reads and writes one slice.
    func readSlice(maxBytes: Int) -> Slice {
        guard case .reading = feed, let group, isWritable, walk == nil else { return .nothing }
        let target = fanOut.position
        if ownPosition > target { return .ahead }
        if ownPosition == target { return arrive() }
        if reader == nil { reader = fanOut.log.reader(after: ownPosition) }
        guard let reader else { return .nothing }
        switch reader.next(maxBytes: maxBytes) {
        case .caughtUp:
            // The fan-out has seen all there is: nothing between here and there matched.
            ownPosition = target
            return arrive()
        case .hole(let after, let before):
            // The journal has let it go; the store has some of it.
            beginWalk(after: max(after, ownPosition), before: before)
            return walk == nil ? .again : .nothing
        case .records(let chunk):
            let reached = fanOut.encode(chunk, through: target, for: group, into: &builder)
            readReceived = reached.received
            for frame in reached.full { deliver(frame) }
            if !builder.isEmpty { deliver(builder.cut()) }
            // A write can find that the socket is gone.
            guard case .reading = feed else { return .nothing }
            ownPosition = max(ownPosition, reached.seq)
            if ownPosition >= target {
                ownPosition = target
                return arrive()
            }
            return isWritable ? .again : .nothing
        }
    }

    private func arrive() -> Slice {
        join()
        return .nothing
    }

    private func deliver(_ frame: Frame) {
        guard !isEnded else { return }
        ownPosition = max(ownPosition, frame.last)
        count(frame.events)
        write(frame.buffer)
    }

    // MARK: What the journal has let go

    /// Tells the hole, and begins to read what the store has of it.
    private func beginWalk(after: UInt64, before: UInt64) {
        guard let group else { return }
        let types = HistoryKinds.lost(of: group.key.filter.selector)
        if !types.isEmpty {
            send([.hole(StreamHole(after: after, before: before, reason: .retention, types: types))])
        }
        guard HistoryKinds.isKept(of: group.key.filter.selector) else {
            ownPosition = max(ownPosition, before - 1)
            return
        }
        walk = HistoryWalk(after: after, before: before)
        continueWalk()
    }

    /// Asks the store for the next records, off the loop.
    func continueWalk() {
        guard var walk, !walk.isAsking, isWritable else { return }
        walk.isAsking = true
        self.walk = walk
        let asked = walk
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        services.history(after: asked.after, before: asked.before, on: context.eventLoop) { result in
            bound.value.take(result, of: asked)
        }
    }

    private func take(_ result: Result<HistoryChunk, any Error>, of asked: HistoryWalk) {
        // The filter may have changed meanwhile, or the connection may be gone.
        guard case .reading = feed, let group, var walk, walk.after == asked.after, walk.before == asked.before else {
            return
        }
        walk.isAsking = false
        self.walk = walk
        switch result {
        case .failure(let error):
            services.logger.error("the store could not be read", metadata: ["error": "\(error)"])
            end(.internalFault, closeCode: 1011, message: "history could not be read", retryAfterMilliseconds: 1000)
        case .success(let chunk):
            var reached: (seq: UInt64, received: Int64, full: [Frame]) = (0, 0, [])
            chunk.records.withUnsafeBytes {
                reached = fanOut.encode($0, through: walk.before - 1, for: group, into: &builder)
            }
            for frame in reached.full { deliver(frame) }
            if !builder.isEmpty { deliver(builder.cut()) }
            guard case .reading = feed else { return }
            ownPosition = max(ownPosition, chunk.last)
            if chunk.last + 1 >= walk.before {
                self.walk = nil
                ownPosition = max(ownPosition, walk.before - 1)
                fanOut.enqueue(self)
            } else {
                self.walk = HistoryWalk(after: chunk.last, before: walk.before)
                continueWalk()
            }
        }
    }
}

/// A stretch of positions that is read from the store.
struct HistoryWalk {
    /// The last position that is done.
    var after: UInt64
    /// The first position behind the stretch.
    var before: UInt64
    var isAsking = false

    init(after: UInt64, before: UInt64) {
        self.after = after
        self.before = before
    }
}

/// Records out of the store, one behind the other, and the last position that they cover.
struct HistoryChunk: Sendable {
    var records: [UInt8]
    var last: UInt64
}
