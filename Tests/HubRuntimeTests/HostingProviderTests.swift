import HubConfig
import HubModel
import Logging
import PluginABI
import Synchronization
import Testing

@testable import HubRuntime

/// A provider in C that does what its settings say.
private let puppetSource = """
    #include <stdlib.h>
    #include "hub/hub.h"
    typedef struct { hub_plugin plugin; const hub_host *host; int64_t batch, limit, emitted, again; int mode, calls; } puppet;
    static const hub_host_settings_1 *settings;
    static const hub_host_timer_1 *timer;
    static const hub_host_status_1 *status;
    static const hub_host_emit_1 *emit;
    static int64_t number(puppet *self, const char *path) {
        int64_t value = 0;
        settings->integer(self->host, hub_text_of(path), &value);
        return value;
    }
    static hub_status want(const hub_plugin *plugin, const hub_want *items, uint64_t n, hub_now now, hub_error *e) {
        puppet *self = plugin->data;
        for (uint64_t i = 0; i < n; i++)
            status->subscription(self->host, items[i].handle, HUB_STATE_OK, items[i].symbol);
        return HUB_OK;
    }
    static int trade(puppet *self, hub_out *out, hub_now now) {
        hub_trade *t = hub_emit(out, 1, HUB_TRADE);
        if (!t) return 0;
        memset((char *)t + 32, 0, 32);
        t->head.stream = 1;
        t->head.ts_event = now.wall_ns;
        t->price = 100, t->size = 1, t->trade_id = ++self->emitted;
        return 1;
    }
    static hub_status on_timer(const hub_plugin *plugin, uint32_t id, hub_out *out, hub_now now, hub_error *error) {
        puppet *self = plugin->data;
        self->calls++;
        for (int64_t i = 0; i < self->batch; i++)
            if (!trade(self, out, now)) break;
        if (self->mode == 3) return hub_fail(error, HUB_PROTOCOL, "a message that makes no sense");
        if (self->mode == 4) out->at += 7;
        if (id == 2 && self->mode == 5) timer->set(self->host, 2, now.wall_ns + 5, 0);
        return HUB_OK;
    }
    static const hub_provider_1 provider = {.want = want, .on_timer = on_timer};
    static hub_status pull(const hub_plugin *plugin, uint32_t budget, hub_pull *next, hub_out *out, hub_now now, hub_error *e) {
        puppet *self = plugin->data;
        self->calls++;
        if (self->mode == 6) return e->retry_after_ms = 3000, hub_fail(e, HUB_NETWORK, "no answer");
        if (self->mode == 7) return hub_fail(e, HUB_AUTH, "log in first");
        if (self->mode == 8) { next->what = HUB_PULL_UNTIL; next->until_ns = now.wall_ns; return HUB_OK; }
        if (self->mode == 9) { next->what = HUB_PULL_MORE; return HUB_OK; }
        for (uint32_t i = 0; i < budget && self->emitted < self->limit; i++)
            if (!trade(self, out, now)) return HUB_OVERLOAD;
        if (self->emitted < self->limit) return HUB_OK;
        next->what = HUB_PULL_END;
        return HUB_OK;
    }
    static const hub_provider_pull_1 puller = {pull};
    static const void *extension(const hub_plugin *plugin, hub_text id) {
        puppet *self = plugin->data;
        if (hub_text_equal(id, HUB_PROVIDER_PULL_EXTENSION)) return self->limit ? &puller : NULL;
        return hub_text_equal(id, HUB_PROVIDER_EXTENSION) ? &provider : NULL;
    }
    static hub_status check(const hub_plugin *plugin, hub_error *error) {
        puppet *self = plugin->data;
        if (self->mode != 1) return HUB_OK;
        memcpy(error->pointer, "/mode", 6);
        return hub_fail(error, HUB_CONFIG, "mode 1 is not allowed");
    }
    static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *error) {
        puppet *self = plugin->data;
        uint8_t at[24];
        if (emit->last_position(self->host, at)) memcpy(&self->emitted, at, 8);
        int64_t period = number(self, "/period");
        if (period && timer->set(self->host, 1, now.wall_ns + period, period) != HUB_OK) return HUB_INTERNAL;
        if (self->mode == 5) timer->set(self->host, 2, now.wall_ns + 25, 0);
        return HUB_OK;
    }
    static void stop(const hub_plugin *plugin) {}
    static void destroy(const hub_plugin *plugin) { free(plugin->data); }
    static const hub_descriptor about = {.struct_size = sizeof(hub_descriptor), .kind = HUB_PROVIDER,
        .id = HUB_TEXT("puppet"), .settings_schema = HUB_TEXT("{}")};
    static hub_status init(hub_error *error) { return HUB_OK; }
    static uint32_t count(void) { return 1; }
    static const hub_descriptor *descriptor(uint32_t index) { return &about; }
    static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
        settings = host->get_extension(host, hub_text_of(HUB_HOST_SETTINGS));
        timer = host->get_extension(host, hub_text_of(HUB_HOST_TIMER));
        status = host->get_extension(host, hub_text_of(HUB_HOST_STATUS));
        emit = host->get_extension(host, hub_text_of(HUB_HOST_EMIT));
        puppet *self = calloc(1, sizeof *self);
        self->plugin = (hub_plugin){sizeof(hub_plugin), 0, self, extension, check, start, stop, destroy};
        self->host = host;
        self->batch = number(self, "/batch"), self->limit = number(self, "/limit"), self->mode = number(self, "/mode");
        if (self->mode == 2) return hub_fail(error, HUB_CONFIG, "mode 2 cannot be made"), NULL;
        return &self->plugin;
    }
    static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count,
        descriptor, create};
    HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
    """

@Suite("An instance of a provider")
struct HostingProviderTests {
    private static let library = Result {
        let folder = try PluginFolder()
        return try PluginLibrary.open(folder.compile(puppetSource, to: "puppet.so"))
    }

    private func make(_ settings: SettingsTree, lines: Int = 16_384, ringBytes: Int = 4 << 20) throws
        -> ProviderInstance
    {
        let context = InstanceContext(
            name: "puppet", settings: PluginSettings(settings), isSimulated: true,
            logger: Logger(label: "puppet") { _ in SwiftLogNoOpLogHandler() }, takes: { $0.hasPrefix("SIM:") })
        let base = try PluginInstance(entry: Self.library.get().entry, id: "puppet", context: context)
        try base.checkSettings()
        return try ProviderInstance(base, name: "puppet", maximumLines: lines, ringBytes: ringBytes)
    }

    private func at(_ nanoseconds: Int64) -> hub_now { hub_now(wall_ns: nanoseconds, mono_ns: nanoseconds) }

    /// Takes all records and answers their event times.
    private func drain(_ instance: ProviderInstance) -> [Int64] {
        let waiting = instance.waiting(limit: .max)
        let times = stride(from: 0, to: waiting.count, by: 64).map {
            waiting.load(fromByteOffset: $0 + 8, as: Int64.self)
        }
        instance.consume(waiting.count)
        return times
    }

    @Test("a plugin's own words come back when it cannot be made, and with a pointer when its settings are wrong")
    func failures() throws {
        let making = #expect(throws: PluginFailure.self) { _ = try make(["mode": 2]) }
        #expect(making?.text == "mode 2 cannot be made")
        let checking = #expect(throws: PluginFailure.self) { _ = try make(["mode": 1]) }
        #expect(checking == PluginFailure(status: Int32(HUB_CONFIG), text: "mode 1 is not allowed", pointer: "/mode"))
    }

    @Test("timers fire at their times, keep their pace by the clock and do not make up for what was slept through")
    func timers() throws {
        let instance = try make(["period": 10, "batch": 1])
        try instance.start(wanted: [("SIM:A", 2)], now: at(1000))
        #expect(instance.step(now: at(1009)) == .at(1010))
        #expect(drain(instance) == [])
        #expect(instance.step(now: at(1010)) == .at(1020))
        #expect(instance.step(now: at(1023)) == .at(1030))
        #expect(instance.step(now: at(1057)) == .at(1060))
        #expect(drain(instance) == [1010, 1023, 1057])
        instance.stop()
        instance.destroy()
    }

    @Test("several timers fire in the order of their times, and one may be set from its own callback")
    func timerOrder() throws {
        let instance = try make(["period": 20, "batch": 1, "mode": 5])
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        var times: [Int64] = []
        var now: Int64 = 0
        while now < 42, case .at(let next) = instance.step(now: at(now)) {
            times += drain(instance)
            now = next
        }
        #expect(times == [20, 25, 30, 35, 40, 40])
    }

    @Test("subscriptions are answered by handle, in order")
    func notices() throws {
        let instance = try make(["period": 10])
        try instance.start(wanted: [("SIM:A", 2), ("SIM:B", 2)], now: at(0))
        let answers = instance.takeNotices().compactMap { notice in
            if case .subscription(let handle, let state, let reason) = notice {
                "\(handle) \(state) \(reason)"
            } else {
                nil
            }
        }
        #expect(answers == ["1 \(HUB_STATE_OK) SIM:A", "2 \(HUB_STATE_OK) SIM:B"])
        #expect(instance.definition(of: 2).symbol == "SIM:B")
    }

    @Test("everything a failing callback emitted is dropped")
    func failingCallback() throws {
        let instance = try make(["period": 10, "batch": 5, "mode": 3])
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.step(now: at(10))
        #expect(drain(instance) == [])
        #expect(instance.errors == 1)
        #expect(instance.dropped == 5)
    }

    @Test("a plugin that moves the end of its records to where it cannot be loses the call")
    func crookedEnd() throws {
        let instance = try make(["period": 10, "batch": 5, "mode": 4])
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.step(now: at(10))
        #expect(drain(instance) == [])
        #expect(instance.rejected == 1)
    }

    @Test("a push provider that finds no room loses what it had, which is counted and told as a gap once there is room")
    func overload() throws {
        let instance = try make(["period": 10, "batch": 50], ringBytes: 1 << 12)
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.takeNotices()
        _ = instance.step(now: at(10))
        #expect(instance.overloads == 0)
        _ = instance.step(now: at(20))
        _ = instance.step(now: at(30))
        #expect(instance.overloads == 2)
        #expect(drain(instance).count == 64)
        #expect(instance.takeNotices().isEmpty)
        _ = instance.step(now: at(40))
        #expect(drain(instance).count == 50)
        guard case .gap(let reason, _, _, let from, let to)? = instance.takeNotices().first else {
            Issue.record("no gap was told")
            return
        }
        #expect(Int(reason) == HUB_GAP_OVERLOAD)
        #expect(from == 20)
        #expect(to == 40)
    }

    @Test("more than the limit of one call is refused without being an overload")
    func limitOfOneCall() throws {
        let instance = try make(["period": 10, "batch": 50], lines: 20)
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.step(now: at(10))
        #expect(drain(instance).count == 20)
        #expect(instance.overloads == 0)
    }

    @Test("a pull provider is asked only while there is room, woken when there is, and its end comes after its records")
    func backPressure() throws {
        let instance = try make(["limit": 100_000])
        let woken = Mutex(0)
        instance.onRoom.withLock { $0 = { woken.withLock { $0 += 1 } } }
        try instance.start(wanted: [("SIM:A", 2)], now: at(1))
        _ = instance.takeNotices()
        var taken = 0
        var next = ProviderInstance.Next.now
        var waits = 0
        while next != .never {
            next = instance.step(now: at(1))
            if next == .whenThereIsRoom {
                waits += 1
                #expect(woken.withLock { $0 } == waits - 1)
                taken += drain(instance).count
                #expect(woken.withLock { $0 } == waits)
            }
        }
        #expect(waits > 0)
        #expect(instance.takeNotices().isEmpty, "the end is told once everything before it was taken")
        taken += drain(instance).count
        #expect(taken == 100_000)
        guard case .ended? = instance.takeNotices().first else {
            Issue.record("no end was told")
            return
        }
    }

    @Test("a failed pull is tried again after the plugin's own advice; without a login it is not asked in between")
    func failedPulls() throws {
        let instance = try make(["limit": 10, "mode": 6])
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.takeNotices()
        #expect(instance.step(now: at(0)) == .at(3_000_000_000))
        guard case .feed(let state, let reason)? = instance.takeNotices().first else {
            Issue.record("no state was told")
            return
        }
        #expect(Int(state) == HUB_STATE_RECONNECTING)
        #expect(reason == "no answer")
        let login = try make(["limit": 10, "mode": 7])
        try login.start(wanted: [], now: at(0))
        _ = login.takeNotices()
        _ = login.step(now: at(0))
        guard case .feed(let wanting, _)? = login.takeNotices().first else {
            Issue.record("no state was told")
            return
        }
        #expect(Int(wanting) == HUB_STATE_AUTH_NEEDED)
    }

    @Test(
        "a pull that promises more and brings nothing neither spins nor stops the clock of a lockstep run",
        arguments: [8, 9])
    func emptyPulls(mode: Int64) throws {
        let instance = try make(["limit": 10, "mode": .integer(mode)])
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        var calls = 0
        while instance.step(now: at(0)) == .now {
            calls += 1
            try #require(calls < 1000)
        }
        #expect(instance.due == 1_000_000)
    }

    @Test("a source that resumes is given its last position")
    func resume() throws {
        let instance = try make(["limit": 10])
        instance.context.resume(from: [7] + Array(repeating: 0, count: 23))
        try instance.start(wanted: [("SIM:A", 2)], now: at(0))
        _ = instance.step(now: at(0))
        let waiting = instance.waiting(limit: .max)
        #expect(waiting.count == 3 * 64)
        #expect(waiting.load(fromByteOffset: 48, as: UInt64.self) == 8)
    }

    @Test("two runs on a virtual clock give the same bytes")
    func deterministic() throws {
        func run() throws -> [UInt8] {
            let instance = try make(["period": 10, "batch": 3, "mode": 5])
            try instance.start(wanted: [("SIM:A", 2)], now: at(0))
            var bytes: [UInt8] = []
            while let due = instance.due, due < 500 {
                _ = instance.step(now: at(due), budget: 1, marksUnits: true)
                let waiting = instance.waiting(limit: .max)
                bytes += waiting
                instance.consume(waiting.count)
            }
            return bytes
        }
        let first = try run()
        #expect(first.count > 64 * 100)
        #expect(try run() == first)
    }

    @Test("a loop fires timers on its thread and wakes the sequencer; stopping it stops the instances")
    func loop() throws {
        let instance = try make(["period": 1_000_000, "batch": 1])
        let start = WallClock.now
        try instance.start(wanted: [("SIM:A", 2)], now: at(start))
        let wake = WakeEvent()
        let loop = FeedLoop(
            name: "test", instances: [instance], wallClock: { WallClock.now }, onRecords: { wake.wake() })
        loop.start()
        var times: [Int64] = []
        while times.count < 5 {
            wake.wait(nanoseconds: 10_000_000_000)
            times += drain(instance)
            try #require(WallClock.now - start < 60_000_000_000)
        }
        loop.stop()
        #expect(times.allSatisfy { $0 > start })
        #expect(times == times.sorted())
        instance.destroy()
    }
}
