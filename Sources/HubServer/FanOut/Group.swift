import EventFormat
import NIOCore
import PluginABI

/// What connections must have in common to share their messages.
struct GroupKey: Hashable, Sendable {
    var filter: SubscriptionFilter
    var style: TimeStyle
    var framing = Framing.webSocket(.json, deflateBits: 0)
}

/// A filter that is read for every record, with what decides over nearly all of them in plain memory: a structure with arrays
/// would be copied for each.
final class SharedFilter {
    let compiled: CompiledFilter
    private let excludedFlags: UInt16
    private let isEverything: Bool
    /// By stream, a bit a kind.
    private let kinds: UnsafeMutableBufferPointer<UInt16>

    init(_ compiled: CompiledFilter) {
        self.compiled = compiled
        excludedFlags = compiled.excludedFlags
        isEverything = compiled.isEverything
        kinds = .allocate(capacity: compiled.streams)
        for stream in 0..<compiled.streams {
            kinds.initializeElement(at: stream, to: compiled.dataKinds(ofStream: UInt32(stream)))
        }
    }

    deinit { kinds.deallocate() }

    /// Whether the record is to be delivered.
    @inline(__always)
    func matches(_ record: UnsafePointer<hub_record>) -> Bool {
        if isEverything { return record.pointee.flags & excludedFlags == 0 }
        let stream = Int(record.pointee.stream)
        let kind = record.pointee.kind
        guard CompiledFilter.isPlain(kind), stream < kinds.count else { return compiled.matches(record) }
        return kinds[stream] >> UInt16(kind) & 1 != 0 && record.pointee.flags & excludedFlags == 0
    }
}

/// All clients with the same filter, framing and way to write times: their messages are built once.
///
/// Belongs to the event loop of its fan-out.
final class Group {
    /// A member may be at most this far behind before it has to read on its own.
    static let maximumFrames = 64
    static let maximumBytes = 4 << 20

    let key: GroupKey
    /// What is delivered, laid out by stream.
    private(set) var filter: SharedFilter
    /// Where in the fan-out's encoders the style of this group is.
    let encoder: Int
    /// Connections that are given frames as they are made.
    private(set) var members: ContiguousArray<StreamConnection> = []
    /// Connections that are just being read for together with others.
    var readers: ContiguousArray<StreamConnection> = []
    /// Connections of this filter in all, those that read on their own included.
    var connections = 0
    /// Matching events since the group exists: what a connection was given is measured against it.
    private(set) var totalEvents: UInt64 = 0

    private var builder: FrameBuilder
    /// Where it is among the groups of its fan-out, and whether it stands in the list that every record goes through.
    var index = -1
    var isWide = false
    /// Whether the fan-out has noted that frames have to be made.
    var isDirty = false

    /// Frames that some member has not been given yet, oldest first.
    private(set) var frames: ContiguousArray<Frame> = []
    private(set) var frameBytes = 0
    /// Number of `frames[0]`; frames are numbered from the group's beginning.
    private(set) var firstFrame = 0
    /// Number of the next frame.
    var endFrame: Int { firstFrame + frames.count }

    /// Number of the first message that members were not offered yet.
    var undelivered = 0

    init(key: GroupKey, filter: CompiledFilter, encoder: Int, sealer: FrameSealer) {
        self.key = key
        builder = FrameBuilder(key.framing, sealer: sealer)
        self.filter = SharedFilter(filter)
        self.encoder = encoder
    }

    @inline(__always)
    func count() { totalEvents &+= 1 }

    /// Takes in streams and values that were defined since.
    func update(_ definitions: borrowing DefinitionTable) {
        var newer = filter.compiled
        newer.update(definitions)
        filter = SharedFilter(newer)
    }

    func join(_ connection: StreamConnection) {
        connection.memberIndex = members.count
        connection.nextFrame = endFrame
        members.append(connection)
    }

    func leave(_ connection: StreamConnection) {
        let index = connection.memberIndex
        guard index >= 0, index < members.count, members[index] === connection else { return }
        if key.framing.encoding == .binary {
            connection.builder.defined.formUnion(defined(before: connection.nextFrame))
        }
        let last = members.removeLast()
        if last !== connection {
            members[index] = last
            last.memberIndex = index
        }
        connection.memberIndex = -1
    }

    /// Adds an event to the message under construction.
    @inline(__always)
    func add(
        _ event: UnsafeRawBufferPointer, _ record: UnsafePointer<hub_record>, _ definitions: borrowing DefinitionTable
    ) {
        if builder.isFull(adding: event.count) { cut() }
        builder.append(event, record, definitions)
    }

    /// What members have been told of once they have all messages.
    var defined: DefinedSet { builder.defined }

    /// What a member has been told of that has the messages before a number.
    func defined(before frame: Int) -> DefinedSet {
        var given = builder.defined
        for reference in builder.introduced { given.remove(reference) }
        for frame in frames.suffix(max(0, endFrame - frame)) {
            for reference in frame.introduced { given.remove(reference) }
        }
        return given
    }

    /// Ends the message under construction.
    func cut() {
        guard !builder.isEmpty else { return }
        let frame = builder.cut()
        frames.append(frame)
        frameBytes += frame.buffer.readableBytes
    }

    func frame(_ number: Int) -> Frame { frames[number - firstFrame] }

    /// Lets go of frames that everybody has, and of those that are too many. Who still needed one of these has to leave.
    func trim() -> [StreamConnection] {
        var keep = endFrame
        for member in members where member.nextFrame < keep { keep = member.nextFrame }
        while endFrame - keep > Self.maximumFrames || bytes(from: keep) > Self.maximumBytes { keep += 1 }
        let late = members.filter { $0.nextFrame < keep }
        for member in late { member.detach() }
        drop(before: keep)
        return late
    }

    private func bytes(from number: Int) -> Int {
        frames[(number - firstFrame)...].reduce(0) { $0 + $1.buffer.readableBytes }
    }

    private func drop(before number: Int) {
        let count = number - firstFrame
        guard count > 0 else { return }
        for frame in frames.prefix(count) { frameBytes -= frame.buffer.readableBytes }
        if count == frames.count {
            frames.removeAll(keepingCapacity: true)
        } else {
            frames.removeFirst(count)
        }
        firstFrame = number
    }
}
