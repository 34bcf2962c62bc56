import EventFormat
import NIOCore
import PluginABI

/// Replays: the pace, the pause and the end.
extension StreamConnection {
    /// How much of some records may be sent now.
    struct Window {
        enum Stop {
            /// All of it, as far as the position asked for.
            case none
            /// The next event is due at that uptime.
            case wait(UInt64)
            /// The next event is beyond the end of the replay.
            case end
        }

        /// The last position of it.
        var through: UInt64
        /// Where the first record beyond it begins, in bytes.
        var offset: Int
        var stop = Stop.none
    }

    /// Whether nothing may be read just now, although the socket takes more.
    var isHeld: Bool { clock.isPaused || timer != nil }

    /// The last position that may be sent.
    var lastPosition: UInt64 { session.bound?.through ?? .max }

    /// Looks how much of these records is due and belongs to the replay.
    func window(_ chunk: UnsafeRawBufferPointer, through target: UInt64, for group: Group) -> Window {
        let whole = Window(through: target, offset: chunk.count)
        let end = session.bound?.nanoseconds
        guard clock.isPaced || end != nil, let base = chunk.baseAddress else { return whole }
        let uptime = NIODeadline.now().uptimeNanoseconds
        let filter = group.filter
        var offset = 0
        while offset < chunk.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            guard record.pointee.seq <= target else { break }
            if filter.compiled.matches(record) {
                let before = record.pointee.seq - 1
                if let end, EventTime.nanoseconds(record) >= end {
                    return Window(through: before, offset: offset, stop: .end)
                }
                if let deadline = clock.due(received: record.pointee.ts_recv, uptime: uptime) {
                    return Window(through: before, offset: offset, stop: .wait(deadline))
                }
            }
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
        }
        return whole
    }

    /// Rests until an event is due.
    func wait(until deadline: UInt64) {
        timer?.cancel()
        // A timer for each of many events that are due within a millisecond would cost more than they do.
        let earliest = NIODeadline.now().uptimeNanoseconds + 1_000_000
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(deadline: .uptimeNanoseconds(max(deadline, earliest))) {
            bound.value.timer = nil
            bound.value.readOn()
        }
    }

    /// Reads on where it stopped.
    func readOn() {
        guard case .reading = feed, !isHeld else { return }
        if walk != nil { continueWalk() } else { fanOut.enqueue(self) }
    }

    /// Does what an operation on the replay asks for, and answers it.
    func perform(_ command: ReplayCommand, _ id: OperationID?) {
        let uptime = NIODeadline.now().uptimeNanoseconds
        timer?.cancel()
        timer = nil
        switch command {
        case .pause:
            clock.pause(uptime: uptime)
            // Whoever rests, perhaps for long, keeps nothing but the position.
            reader = nil
            if walk?.isAsking == false { walk?.held = nil }
        case .resume: clock.resume(uptime: uptime)
        case .speed(let speed): clock.set(speed: speed, uptime: uptime)
        }
        send([
            session.replayed(
                id, isPaused: clock.isPaused, speed: clock.speed, nanoseconds: clock.time(uptime: uptime),
                facts: services.facts())
        ])
        readOn()
    }

    /// The replay has come to its end: every matching event up to there was sent.
    func finish(at seq: UInt64) {
        guard !isEnded else { return }
        rest()
        ownPosition = seq
        clock.pause(uptime: NIODeadline.now().uptimeNanoseconds)
        syncSession()
        send(session.reachedEnd(at: seq, services.facts()))
    }

    /// A stream that goes on until a time to come ends when that has come, also if nothing happens then.
    func endIfOver() {
        guard case .reading = feed, walk == nil, !isHeld, let end = session.bound?.nanoseconds else { return }
        // What was received before is published by now, or will be with a later time.
        guard ownPosition == fanOut.position, fanOut.log.head == ownPosition, services.clock() >= end else { return }
        finish(at: ownPosition)
    }
}
