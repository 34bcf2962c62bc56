import PluginABI
import PluginTestSupport
import VendorStages

/// Messages of a vendor's stream, given to the plugin as its connection would.
final class StreamSubject: FuzzSubject {
    private let make: () throws -> VendorStage
    private let isText: Bool
    private var stage: VendorStage
    private var rounds = 0
    /// A stage keeps what it was told; it is replaced before that is much.
    private static let mostRounds = 500

    init(isText: Bool, _ make: @escaping () throws -> VendorStage) throws {
        self.make = make
        self.isText = isText
        stage = try make()
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws {
        rounds += 1
        // Who was told that the key is refused listens no more.
        if rounds > Self.mostRounds || !stage.hub.host.vendor.closings.isEmpty {
            rounds = 0
            stage = try make()
        }
        do {
            try stage.hub.message(bytes, isText: isText, on: 1)
        } catch is Refusal {
            guard stage.hub.take().isEmpty else { throw FuzzFailure("a refused message made records") }
            return
        }
        try Soundness.check(stage.hub.take(), streams: stage.hub.host.streams.count, zero: true)
    }
}
