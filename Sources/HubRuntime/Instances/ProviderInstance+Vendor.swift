import HubCapture
package import PluginABI

extension ProviderInstance {
    /// Hands on what came from the vendor, as long as there is room for what the plugin may make of it.
    ///
    /// - Returns: false where there is none: what waits stays, and the network stops reading.
    func deliver(now: hub_now) -> Bool {
        guard let link = context.link else { return true }
        let mailbox = link.mailbox
        while true {
            if deliveries.isEmpty {
                deliveries = mailbox.take()[...]
                if deliveries.isEmpty { return true }
            }
            while let entry = deliveries.first {
                guard hasRoomForCallback() else { return false }
                deliveries.removeFirst()
                // A callback's time is that at which its bytes arrived.
                let arrived = hub_now(wall_ns: entry.arrivedNanoseconds, mono_ns: now.mono_ns)
                if let delivery = link.inspect(entry.delivery, now: now) { deliver(delivery, now: arrived) }
                if mailbox.done(entry) { link.resume() }
            }
        }
    }

    /// Hands one message to the plugin and shows the sequencer what it makes of it.
    package func receive(_ bytes: UnsafeBufferPointer<UInt8>, isText: Bool, connection: UInt32, now: hub_now) {
        guard let call = provider.pointee.on_message else { return }
        let plugin = plugin
        let message = hub_bytes(data: bytes.baseAddress, length: UInt64(bytes.count))
        run(now) { out, error in call(plugin, connection, isText ? 1 : 0, message, out, now, error) }
    }

    func deliver(_ delivery: VendorDelivery, now: hub_now) {
        context.tap?.take(CaptureInput(delivery), now)
        let plugin = plugin
        let provider = provider.pointee
        switch delivery {
        case .opened(let connection):
            guard let call = provider.on_open else { return }
            run(now) { out, error in call(plugin, connection, out, now, error) }
        case .message(let connection, let isText, let bytes):
            bytes.withUnsafeBufferPointer { receive($0, isText: isText, connection: connection, now: now) }
        case .closed(let connection, let code, let reason):
            guard let call = provider.on_close else { return }
            reason.withHubText { reason in
                run(now) { out, error in call(plugin, connection, code, reason, out, now, error) }
            }
        case .refused(let connection, let answer):
            guard let call = provider.on_refused else { return }
            answer.withABI { response in
                run(now) { out, error in call(plugin, connection, response, out, now, error) }
            }
        case .answered(let request, let answer):
            guard let call = provider.on_response else { return }
            answer.withABI { response in
                run(now) { out, error in call(plugin, request, response, out, now, error) }
            }
        }
    }
}

extension VendorAnswer {
    /// Calls `body` with the answer as the ABI has it; the pointers die when it returns.
    fileprivate func withABI(_ body: (UnsafePointer<hub_response>) -> Void) {
        var texts: [UInt8] = []
        var ends: [Int] = []
        for header in headers {
            texts.append(contentsOf: header.name.utf8)
            ends.append(texts.count)
            texts.append(contentsOf: header.value.utf8)
            ends.append(texts.count)
        }
        texts.withUnsafeBytes { space in
            var from = 0
            let pieces = ends.map { end -> hub_text in
                defer { from = end }
                let start = end > from ? (space.baseAddress! + from).assumingMemoryBound(to: CChar.self) : nil
                return hub_text(data: start, length: UInt64(end - from))
            }
            let names = stride(from: 0, to: pieces.count, by: 2).map { pieces[$0] }
            let values = stride(from: 1, to: pieces.count, by: 2).map { pieces[$0] }
            names.withUnsafeBufferPointer { names in
                values.withUnsafeBufferPointer { values in
                    self.body.withUnsafeBufferPointer { bytes in
                        var response = hub_response()
                        response.struct_size = UInt32(MemoryLayout<hub_response>.size)
                        response.http_status = UInt32(httpStatus)
                        response.status = failure
                        response.header_names = names.baseAddress
                        response.header_values = values.baseAddress
                        response.header_count = UInt64(names.count)
                        response.body = hub_bytes(data: bytes.baseAddress, length: UInt64(bytes.count))
                        withUnsafePointer(to: response, body)
                    }
                }
            }
        }
    }
}
