import HubStore
import PluginABI
import Synchronization

/// Texts of one instance that outlive the process: where they are kept.
struct InstanceStore: Sendable {
    var text: @Sendable (_ key: String) -> String?
    /// `nil` removes it. False: it could not be kept.
    var setText: @Sendable (_ text: String?, _ key: String) -> Bool

    static let none = InstanceStore(text: { _ in nil }, setText: { _, _ in false })
}

extension InstanceStore {
    /// In the hub's store, under the instance's name.
    init(of instance: String, in store: Store) {
        text = { try? store.text(forKey: "plugin/\(instance)/\($0)") }
        setText = { text, key in (try? store.setText(text, forKey: "plugin/\(instance)/\(key)")) != nil }
    }
}

extension InstanceContext {
    /// What was kept under a key, in memory that stays until the next call of this.
    func storedValue(_ key: String) -> hub_bytes? {
        guard let text = instanceStore.text(key) else { return nil }
        let bytes: [UInt8]
        if text.utf8.first == UInt8(ascii: "t") {
            bytes = Array(text.utf8.dropFirst())
        } else {
            let digits = Array(text.utf8.dropFirst())
            bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
            }
        }
        return answerMemory.hold(bytes)
    }

    /// Keeps bytes under a key: as text where they are, so that people who look into the store can read them.
    func keep(_ bytes: [UInt8], _ key: String) -> Bool {
        if bytes.isEmpty { return instanceStore.setText(nil, key) }
        if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) {
            return instanceStore.setText("t" + text, key)
        }
        return instanceStore.setText("x" + Hexadecimal.text(bytes), key)
    }

    /// The end of an exchange that a login began.
    func loginEnded(status: Int32, reason: String) {
        let waiter = loginWaiter.withLock { waiter in
            defer { waiter = nil }
            return waiter
        }
        waiter?(status == HUB_OK ? nil : PluginFailure(status: status, text: reason.isEmpty ? "refused" : reason))
    }
}

/// Memory that an answer of the host points into, until the next one. Used by the instance's own thread.
final class AnswerMemory: @unchecked Sendable {
    private var memory: UnsafeMutableRawBufferPointer?

    func hold(_ bytes: [UInt8]) -> hub_bytes {
        memory?.deallocate()
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
        copy.copyBytes(from: bytes)
        memory = copy
        return hub_bytes(data: copy.baseAddress!.assumingMemoryBound(to: UInt8.self), length: UInt64(bytes.count))
    }

    deinit { memory?.deallocate() }
}
