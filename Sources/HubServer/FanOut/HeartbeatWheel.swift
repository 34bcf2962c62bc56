/// When each connection's heartbeat is due: spread over the period by when the connections came, so that they do not all
/// fall on the same moment.
struct HeartbeatWheel {
    private static let slots = 64

    let tickNanoseconds: Int64
    private var slots: [[StreamConnection]] = Array(repeating: [], count: HeartbeatWheel.slots)
    private var current = 0

    init(periodNanoseconds: Int64) {
        tickNanoseconds = max(1, periodNanoseconds / Int64(Self.slots))
    }

    /// First due one period from now.
    mutating func add(_ connection: StreamConnection) {
        connection.heartbeatSlot = current
        slots[current].append(connection)
    }

    mutating func remove(_ connection: StreamConnection) {
        guard connection.heartbeatSlot >= 0 else { return }
        slots[connection.heartbeatSlot].removeAll { $0 === connection }
        connection.heartbeatSlot = -1
    }

    /// Goes one tick on; answers whose heartbeat is due.
    mutating func advance() -> [StreamConnection] {
        current = (current + 1) % Self.slots
        return slots[current]
    }
}
