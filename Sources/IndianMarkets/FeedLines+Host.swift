public import PluginKit

/// What a feed tells the host of its connections.
extension FeedLines {
    /// A connection is open: what was lost is known from end to end now.
    ///
    /// - Parameter kinds: what is streamed of an instrument.
    public mutating func opened(_ index: Int, _ host: Host, _ now: Now, kinds: (UInt32) -> KindSet) {
        lines[index].phase = .open
        lines[index].lastFrame = now.wallNanoseconds
        for item in items(of: index) { host.subscription(item.handle, .ok) }
        if let since = lines[index].lostSince {
            lines[index].lostSince = nil
            gap(index, host, kinds, from: since, to: now.wallNanoseconds)
        }
        let down = lines.count { $0.count > 0 && $0.phase != .open }
        if down == 0 {
            host.feed(.ok)
        } else {
            host.feed(.degraded, reason: "\(down) of \(lines.count) connections are not up yet")
        }
    }

    /// A connection is gone: from its last frame on data is lost.
    public mutating func lost(_ index: Int, _ host: Host, kinds: (UInt32) -> KindSet) {
        let wasOpen = lines[index].phase == .open
        lines[index].phase = .down
        guard wasOpen, lines[index].lostSince == nil, lines[index].count > 0 else { return }
        lines[index].lostSince = lines[index].lastFrame
        gap(index, host, kinds, from: lines[index].lastFrame, to: nil)
    }

    /// Says why a connection is not there, as bad as it is for the whole feed.
    public func tellDown(_ reason: String, _ host: Host) {
        host.feed(has(.open) ? .degraded : .reconnecting, reason: reason)
    }

    /// Closes what is there.
    public mutating func stop(_ host: Host) {
        for index in lines.indices where lines[index].phase != .down {
            host.close(UInt32(index + 1))
            lines[index].phase = .down
        }
    }

    private func gap(_ index: Int, _ host: Host, _ kinds: (UInt32) -> KindSet, from: Int64, to: Int64?) {
        let handles = items(of: index).map(\.handle)
        guard !handles.isEmpty else { return }
        host.gap(
            .sourceDown, handles: handles, kinds: handles.reduce(into: KindSet()) { $0.formUnion(kinds($1)) },
            fromNanoseconds: from, toNanoseconds: to)
    }
}
