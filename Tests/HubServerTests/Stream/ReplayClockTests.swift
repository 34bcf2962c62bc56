import Testing

@testable import HubServer

@Suite("The pace of a replay")
struct ReplayClockTests {
    private let second: Int64 = 1_000_000_000
    private let start: Int64 = 1_736_174_100_000_000_000

    @Test("without a speed nothing waits")
    func unpaced() {
        var clock = ReplayClock(speed: 0)
        #expect(clock.due(received: start, uptime: 5) == nil)
        #expect(clock.due(received: start + 100 * second, uptime: 5) == nil)
    }

    @Test("deadlines are counted from the first event, however late each one is sent")
    func absolute() {
        var clock = ReplayClock(speed: 10)
        #expect(clock.due(received: start, uptime: 1000) == nil)
        for number in 1...100 {
            let received = start + Int64(number) * second
            let due = UInt64(1000 + number * 100_000_000)
            #expect(clock.due(received: received, uptime: due - 100_000_000 + 7) == due)
            // Late by 50 ms: the next one is not.
            #expect(clock.due(received: received, uptime: due + 50_000_000) == nil)
        }
    }

    @Test("a pause stops the time of the replay, not the one of the machine")
    func pause() {
        var clock = ReplayClock(speed: 2)
        _ = clock.due(received: start, uptime: 0)
        clock.pause(uptime: 500_000_000)
        #expect(clock.isPaused)
        #expect(clock.time(uptime: 9_000_000_000) == start + second)
        clock.resume(uptime: 10_000_000_000)
        #expect(clock.due(received: start + 2 * second, uptime: 10_000_000_000) == 10_500_000_000)
        clock.resume(uptime: 20_000_000_000)
        #expect(clock.time(uptime: 10_500_000_000) == start + 2 * second)
    }

    @Test("a new speed goes on from where the replay is, also from as fast as possible and in a pause")
    func speed() {
        var clock = ReplayClock(speed: 1)
        _ = clock.due(received: start, uptime: 0)
        clock.set(speed: 4, uptime: UInt64(second))
        #expect(clock.due(received: start + 5 * second, uptime: UInt64(second)) == UInt64(2 * second))
        var fast = ReplayClock(speed: 0)
        fast.note(received: start)
        fast.set(speed: 1, uptime: 100)
        #expect(fast.due(received: start + 50, uptime: 100) == 150)
        fast.pause(uptime: 120)
        fast.set(speed: 2, uptime: 130)
        fast.resume(uptime: 200)
        #expect(fast.due(received: start + 50, uptime: 200) == 215)
        #expect(fast.time(uptime: 200) == start + 20)
    }

    @Test("a gap longer than any clock is waited for without an overflow")
    func extremes() {
        var clock = ReplayClock(speed: 1e-300)
        _ = clock.due(received: 0, uptime: 0)
        #expect(clock.due(received: .max, uptime: 0) == 1_000_000_000_000_000_000)
        clock.set(speed: 1e300, uptime: 5)
        _ = clock.time(uptime: .max)
    }
}
