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
        guard case .reading = feed, let group, isWritable, walk == nil, !isHeld else { return .nothing }
        if ownPosition >= lastPosition {
            finish(at: ownPosition)
            return .nothing
        }
        let reachable = min(fanOut.position, lastPosition)
        if ownPosition > reachable { return .ahead }
        if ownPosition == reachable { return arrive() }
        if needsPlan(group) { return .nothing }
        let target = min(reachable, conflation.plan?.through ?? .max)
        if let chunk = pending {
            pending = nil
            return read(chunk, through: target, for: group)
        }
        if reader == nil { reader = fanOut.log.reader(after: ownPosition) }
        guard let reader else { return .nothing }
        switch reader.next(maxBytes: maxBytes * sparsity) {
        case .caughtUp:
            // The fan-out has seen all there is: nothing between here and there matched.
            ownPosition = target
            return arrive()
        case .hole(let after, let before):
            // The journal has let it go; the store has some of it.
            beginWalk(after: max(after, ownPosition), before: before)
            return walk == nil ? .again : .nothing
        case .records(let chunk):
            return read(chunk, through: target, for: group)
        }
    }

    /// Sends what matches and is due of some records.
    private func read(_ chunk: UnsafeRawBufferPointer, through target: UInt64, for group: Group) -> Slice {
        let window = window(chunk, through: target, for: group)
        let reached = send(chunk, through: window.through, for: group)
        // A write can find that the socket is gone.
        guard case .reading = feed else { return .nothing }
        switch window.stop {
        case .wait(let deadline):
            ownPosition = max(ownPosition, window.through)
            pending = UnsafeRawBufferPointer(rebasing: chunk[window.offset...])
            wait(until: deadline)
            return .nothing
        case .end:
            finish(at: max(ownPosition, window.through))
            return .nothing
        case .none:
            ownPosition = max(ownPosition, reached)
            if planIsDone(at: ownPosition), ownPosition < fanOut.position { return isWritable ? .again : .nothing }
            if ownPosition >= target {
                ownPosition = target
                return arrive()
            }
            return isWritable ? .again : .nothing
        }
    }

    /// Sends what matches of some records, up to a position; answers how far they reach.
    private func send(_ chunk: UnsafeRawBufferPointer, through target: UInt64, for group: Group) -> UInt64 {
        guard let plan = conflation.plan else { return encode(chunk, through: target, for: group) }
        let chosen = plan.select(chunk, through: target)
        chosen.records.withUnsafeBytes { _ = encode($0, through: target, for: group) }
        return chosen.last
    }

    private func encode(_ chunk: UnsafeRawBufferPointer, through target: UInt64, for group: Group) -> UInt64 {
        let reached = fanOut.encode(chunk, through: target, for: group, into: &builder)
        if reached.received != 0 {
            readReceived = reached.received
            clock.note(received: reached.received)
        }
        var frames = reached.full
        if !builder.isEmpty { frames.append(builder.cut()) }
        let found = frames.reduce(0) { $0 + $1.buffer.readableBytes }
        if found < FanOut.readingBytes / 4 {
            sparsity = min(sparsity * 2, FanOut.sparseReading)
        } else if found > FanOut.readingBytes {
            sparsity = 1
        }
        for frame in frames { deliver(frame) }
        return reached.seq
    }

    /// Every matching event up to where the fan-out stands, or up to the end, was sent.
    private func arrive() -> Slice {
        if ownPosition >= lastPosition {
            finish(at: ownPosition)
            return .nothing
        }
        guard session.bound == nil else {
            reachHead()
            return .ahead
        }
        join()
        return .nothing
    }

    func deliver(_ frame: Frame) {
        guard !isEnded else { return }
        ownPosition = max(ownPosition, frame.last)
        count(frame.events)
        write(frame.buffer)
    }

    // MARK: What the journal has let go

    /// Begins to read what the store has of positions that the journal has let go; what it has not is told on the way.
    private func beginWalk(after: UInt64, before: UInt64) {
        guard let group else { return }
        let filter = HistoryKinds.search(group.key.filter, fanOut.definitions)
        walk = HistoryWalk(after: after, before: before, cursor: services.openHistory(after, before, filter))
        continueWalk()
    }

    /// Asks the store for the next records, off the loop, or goes on with those that were not due.
    func continueWalk() {
        guard var walk, !walk.isAsking, isWritable, !isHeld else { return }
        if let held = walk.held {
            walk.held = nil
            self.walk = walk
            return read(held.chunk, from: held.offset, of: walk)
        }
        walk.isAsking = true
        self.walk = walk
        let asked = walk
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        services.history(asked.cursor, on: context.eventLoop) { result in
            bound.value.take(result, of: asked)
        }
    }

    private func take(_ result: Result<HistoryChunk, any Error>, of asked: HistoryWalk) {
        // The filter may have changed meanwhile, or the connection may be gone.
        guard case .reading = feed, var walk, walk.cursor === asked.cursor else { return }
        walk.isAsking = false
        self.walk = walk
        switch result {
        case .failure(let error):
            services.logger.error("the store could not be read", metadata: ["error": "\(error)"])
            end(.internalFault, closeCode: 1011, message: "history could not be read", retryAfterMilliseconds: 1000)
        case .success(let chunk):
            if isHeld {
                // Paused meanwhile: the cursor is already behind it.
                walk.held = (chunk, 0)
                self.walk = walk
            } else {
                read(chunk, from: 0, of: walk)
            }
        }
    }

    /// Sends what matches and is due of records out of the store.
    private func read(_ chunk: HistoryChunk, from offset: Int, of walk: HistoryWalk) {
        guard let group else { return }
        let target = min(walk.before - 1, lastPosition, conflation.plan?.through ?? .max)
        var window = Window(through: target, offset: 0)
        // A write can find the socket free at once, which must not take the walk on from in here: what is not due yet comes first.
        self.walk?.isAsking = true
        chunk.records.withUnsafeBytes { bytes in
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            window = self.window(rest, through: target, for: group)
            _ = send(rest, through: window.through, for: group)
        }
        guard case .reading = feed else { return }
        self.walk?.isAsking = false
        switch window.stop {
        case .wait(let deadline):
            ownPosition = max(ownPosition, window.through)
            var waiting = walk
            waiting.after = ownPosition
            waiting.held = (chunk, offset + window.offset)
            self.walk = waiting
            return wait(until: deadline)
        case .end: return finish(at: max(ownPosition, window.through))
        case .none: break
        }
        ownPosition = max(ownPosition, min(chunk.last, target))
        if ownPosition >= lastPosition { return finish(at: ownPosition) }
        if planIsDone(at: ownPosition) {
            // What is behind the range is looked at first.
            self.walk = nil
            fanOut.enqueue(self)
            return
        }
        if let hole = chunk.hole.flatMap({ StreamHole($0, of: group.key.filter.selector) }) {
            send([.hole(hole)])
            // A write can find that the socket is gone.
            guard case .reading = feed else { return }
        }
        if chunk.isLast {
            self.walk = nil
            ownPosition = max(ownPosition, walk.before - 1)
            fanOut.enqueue(self)
        } else {
            self.walk?.after = chunk.last
            continueWalk()
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
    /// Records that were read and are not due yet, and where in them.
    var held: (chunk: HistoryChunk, offset: Int)?

    let cursor: HistoryCursor

    init(after: UInt64, before: UInt64, cursor: HistoryCursor) {
        self.after = after
        self.before = before
        self.cursor = cursor
    }
}
