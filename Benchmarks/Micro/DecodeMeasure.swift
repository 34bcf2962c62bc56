import PluginABI
import PluginKit
import VendorStages

/// What one core decodes: a vendor's bytes in, records in the host's memory out, through the plugin's own `on_message`.
struct DecodeMeasure {
    /// What was done in how long.
    struct Result {
        var items = 0
        var records = 0
        var bytes = 0
        var seconds = 0.0

        var json: String {
            #"{"per_second":\#(Int(Double(items) / seconds)),"records_per_second":\#(Int(Double(records) / seconds)),"#
                + #""bytes_per_second":\#(Int(Double(bytes) / seconds))}"#
        }
    }

    static func run(_ tape: VendorTape, kinds: KindSet, seconds: Double) throws -> Result {
        let stage = try VendorStage.of(tape, kinds: kinds)
        let plugin = stage.hub.plugin
        let provider = stage.hub.provider.pointee
        let now = hub_now(wall_ns: stage.hub.now, mono_ns: stage.hub.now)
        let capacity = 1 << 20
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        let out = UnsafeMutablePointer<hub_out>.allocate(capacity: 1)
        let error = UnsafeMutablePointer<hub_error>.allocate(capacity: 1)
        error.initialize(to: hub_error())
        defer {
            memory.deallocate()
            out.deallocate()
            error.deallocate()
        }
        var result = Result()
        let start = ThreadClock.worked
        repeat {
            for message in tape.messages {
                out.initialize(
                    to: hub_out(
                        at: memory.assumingMemoryBound(to: UInt8.self),
                        end: (memory + capacity).assumingMemoryBound(to: UInt8.self), host: nil, more: { _, _ in 0 }))
                let status = message.withUnsafeBufferPointer { bytes in
                    provider.on_message(
                        plugin, 1, tape.isText ? 1 : 0,
                        hub_bytes(data: bytes.baseAddress, length: UInt64(bytes.count)), out, now, error)
                }
                precondition(status == 0, "a message was refused")
                // What the host does next: it reads every head.
                var at = UnsafeRawPointer(memory)
                while at < UnsafeRawPointer(out.pointee.at.unsafelyUnwrapped) {
                    at += Int(at.load(as: UInt8.self)) * 64
                    result.records += 1
                }
            }
            result.items += tape.items
            result.bytes += tape.bytes
            result.seconds = ThreadClock.worked - start
        } while result.seconds < seconds
        return result
    }
}
