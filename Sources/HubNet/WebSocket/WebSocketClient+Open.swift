import NIOCore

/// What happens while it is open.
extension WebSocketClient {
    /// Shorter messages are not worth packing.
    private static let leastPackedBytes = 512
    /// How long the other side has for its part of the closing.
    private static let closeWait = TimeAmount.seconds(2)

    // MARK: - receiving

    func process() {
        guard !isProcessing, !isPaused, let decoder else { return }
        isProcessing = true
        // Out of the object while it is read: the receiver may call back in.
        var buffer = pending
        pending = ByteBuffer()
        var consumed = 0
        var messages = 0
        buffer.withUnsafeReadableBytes { bytes in
            do throws(Violation) {
                while consumed < bytes.count, canTake {
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[consumed...])
                    switch try decoder.next(rest, consumed: &consumed) {
                    case .incomplete: return
                    case .part: break
                    case .message(let message, let isText):
                        guard case .open = phase else { break }
                        messages += 1
                        receiver.received(message, isText: isText)
                    case .ping(let payload): pong(payload)
                    case .pong: pings.answered = pings.sent
                    case .close(let code, let reason): closed(code, reason)
                    }
                }
            } catch {
                refuse(error)
            }
        }
        if let counters, messages > 0 { ProviderCounters.add(messages, to: counters.messagesIn) }
        buffer.moveReaderIndex(forwardBy: consumed)
        pending = buffer.readableBytes > 0 ? buffer : ByteBuffer()
        isProcessing = false
        if let inputEnd, !isPaused { finish(inputEnd) }
    }

    private var canTake: Bool {
        switch phase {
        case .open: !isPaused
        case .closing: true
        default: false
        }
    }

    func pause() {
        guard case .open = phase else { return }
        isPaused = true
    }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        // The time in which nobody listened says nothing of the server.
        lastReceived = .now()
        pings.answered = pings.sent
        process()
        if !isPaused { context?.read() }
    }

    private func pong(_ payload: UnsafeRawBufferPointer) {
        // Who does not read the answers gets no more of them: they would pile up here.
        guard let context, context.channel.isWritable else { return }
        write(.pong, payload)
    }

    private func refuse(_ violation: Violation) {
        guard case .open = phase else {
            finishClosing()
            return
        }
        write(.close, FrameWriter.close(violation.code, violation.reason))
        linger()
        finish(
            WebSocketEnd(
                code: violation.code, reason: violation.reason,
                failure: violation.code == 1009 ? .tooLarge : .protocol, wasOpen: true))
    }

    private func finishClosing() {
        guard case .closing(let end) = phase else { return }
        finish(end)
        context?.close(promise: nil)
    }

    private func closed(_ code: UInt16?, _ reason: String) {
        if case .closing = phase {
            finishClosing()
            return
        }
        write(.close, code.map { FrameWriter.close($0, "") } ?? [])
        linger()
        finish(WebSocketEnd(code: code ?? 1005, reason: reason, failure: nil, wasOpen: true))
    }

    /// Both sides said what they had to: the server hangs up first; if it does not, this side does. (Hanging up at once
    /// would make the kernel throw away the close frame where something was still unread.)
    private func linger() {
        guard let context else { return }
        isPaused = false
        context.read()
        let channel = context.channel
        let task = loop.scheduleTask(in: Self.closeWait) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in task.cancel() }
    }

    // MARK: - sending

    /// - Parameter done: called once the bytes left, or never will.
    func send(_ opcode: FrameHeader.Opcode, _ bytes: [UInt8], done: @escaping @Sendable () -> Void) {
        guard case .open = phase, let context else {
            done()
            return
        }
        let promise = loop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in done() }
        if let counters { ProviderCounters.add(1, to: counters.messagesOut) }
        let frame =
            if bytes.count >= Self.leastPackedBytes, let deflater {
                FrameWriter.frame(
                    opcode, bytes.withUnsafeBytes { deflater.deflate($0) }, isCompressed: true,
                    mask: .random(in: 0...UInt32.max), allocator: context.channel.allocator)
            } else {
                FrameWriter.frame(
                    opcode, bytes, mask: .random(in: 0...UInt32.max), allocator: context.channel.allocator)
            }
        count(out: frame.readableBytes)
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    private func write(_ opcode: FrameHeader.Opcode, _ payload: some Collection<UInt8>) {
        guard let context else { return }
        let frame = FrameWriter.frame(
            opcode, payload, mask: .random(in: 0...UInt32.max), allocator: context.channel.allocator)
        count(out: frame.readableBytes)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    func close(code: UInt16, reason: String) {
        switch phase {
        case .ended, .closing: return
        case .open:
            write(.close, FrameWriter.close(code, reason))
            phase = .closing(
                WebSocketEnd(code: code, reason: UTF8Text.prefix(reason, bytes: 123), failure: nil, wasOpen: true))
            isPaused = false
            context?.read()
            wait(.close, Self.closeWait) { $0.finishClosing() }
            process()
        default: fail(NetworkFailure(.cancelled, "no longer wanted"))
        }
    }

    /// The program ends: says so and goes.
    func abort() {
        switch phase {
        case .ended: break
        case .open:
            write(.close, FrameWriter.close(1001, ""))
            finish(WebSocketEnd(code: 1001, reason: "stopping", failure: .cancelled, wasOpen: true))
        case .closing(let end): finish(end)
        default: fail(NetworkFailure(.cancelled, "stopping"))
        }
        context?.close(promise: nil)
    }

    // MARK: - watching

    func watchIdle() {
        guard let idle = request.idleMilliseconds else { return }
        let limit = TimeAmount.milliseconds(Int64(max(idle, 1)))
        let left = lastReceived + limit - .now()
        if left > .zero || isPaused {
            wait(.idle, isPaused ? limit : left) { $0.watchIdle() }
        } else {
            die("nothing was received for \(idle) ms")
        }
    }

    func schedulePing() {
        guard case .every(let interval, let pongWithin) = request.pings else { return }
        wait(.ping, .milliseconds(Int64(max(interval, 1)))) { client in
            client.pings.sent += 1
            client.write(.ping, withUnsafeBytes(of: client.pings.sent.bigEndian) { Array($0) })
            if pongWithin > 0, client.timers[.pong] == nil { client.awaitPong(client.pings.sent, within: pongWithin) }
            client.schedulePing()
        }
    }

    private func awaitPong(_ number: UInt64, within milliseconds: Int) {
        wait(.pong, .milliseconds(Int64(max(milliseconds, 1)))) { client in
            client.timers[.pong] = nil
            if client.pings.answered < number, !client.isPaused {
                client.die("no pong came within \(milliseconds) ms")
            } else if client.pings.answered < client.pings.sent {
                client.awaitPong(client.pings.sent, within: milliseconds)
            }
        }
    }

    /// The other side is not there any more: there is nobody to say goodbye to.
    private func die(_ reason: String) {
        finish(WebSocketEnd(code: 1006, reason: reason, failure: .timeout, wasOpen: true))
        context?.close(promise: nil)
    }
}
