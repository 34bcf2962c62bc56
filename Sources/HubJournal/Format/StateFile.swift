/// What the journal remembers of itself beside its segments: the file `state`, a few lines of text.
///
///     hub journal 1
///     durability process
///     boot 6f1c…
///     epoch 7c1f9a02d4e8b310 1 184466
///     epoch 0b13d5a2c4e86f97 184467 -
///     crc 1a2b3c4d
///
/// Format version, what the last run promised, the boot it ran in, and every epoch with its first and last position.
struct StateFile: Hashable {
    var durability: JournalDurability
    var bootID: String
    /// Oldest first; the last one is running.
    var epochs: [Epoch]

    private static let title = "hub journal "

    var bytes: [UInt8] {
        var text = "\(Self.title)\(SegmentHeader.formatVersion)\ndurability \(durability.rawValue)\nboot \(bootID)\n"
        for epoch in epochs {
            text += "epoch \(epoch.name) \(epoch.first) \(epoch.last.map { String($0) } ?? "-")\n"
        }
        var writer = ByteWriter()
        writer.append(text.utf8)
        writer.append("crc \(String(writer.checksum, radix: 16))\n".utf8)
        return writer.bytes
    }

    enum Reading {
        case state(StateFile)
        case newer(UInt32)
        case unreadable
    }

    static func read(_ bytes: [UInt8]) -> Reading {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\n")
        guard let first = lines.first, first.hasPrefix(title), let version = UInt32(first.dropFirst(title.count)) else {
            return .unreadable
        }
        guard version <= SegmentHeader.formatVersion else { return .newer(version) }
        guard let last = lines.last, last.hasPrefix("crc "), let checksum = UInt32(last.dropFirst(4), radix: 16) else {
            return .unreadable
        }
        var writer = ByteWriter()
        writer.append(text.utf8.prefix(text.utf8.count - last.utf8.count - 1))
        guard writer.checksum == checksum else { return .unreadable }

        var state = StateFile(durability: .process, bootID: "", epochs: [])
        for line in lines.dropFirst().dropLast() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            switch words.first {
            case "durability" where words.count == 2:
                guard let durability = JournalDurability(rawValue: String(words[1])) else { return .unreadable }
                state.durability = durability
            case "boot" where words.count == 2:
                state.bootID = String(words[1])
            case "epoch" where words.count == 4:
                guard let first = UInt64(words[2]) else { return .unreadable }
                state.epochs.append(Epoch(name: String(words[1]), first: first, last: UInt64(words[3])))
            default:
                return .unreadable
            }
        }
        return state.epochs.isEmpty ? .unreadable : .state(state)
    }
}

/// The file `clean`: there from a clean shutdown until the next start. It tells the epoch and head of then.
struct CleanMarker: Hashable {
    var epoch: String
    var head: UInt64

    var bytes: [UInt8] { Array("\(epoch) \(head)\n".utf8) }

    init(epoch: String, head: UInt64) {
        self.epoch = epoch
        self.head = head
    }

    init?(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first?.split(separator: " ") ?? []
        guard words.count == 2, let head = UInt64(words[1]) else { return nil }
        self.init(epoch: String(words[0]), head: head)
    }
}
