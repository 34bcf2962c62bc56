import HubConfig
import HubModel
import Logging
import PluginABI
import Testing

@testable import HubRuntime

/// An indicator that answers as its settings say, and a sink that acknowledges what it is told to.
private let source = """
    #include <stdlib.h>
    #include "hub/hub.h"
    typedef struct { hub_plugin plugin; const hub_host *host; int64_t mode, ack; int kind; } follower;
    static const hub_text outputs[] = {HUB_TEXT("one"), HUB_TEXT("two")};
    static uint32_t definitions(const hub_plugin *plugin) { return 1; }
    static hub_status definition(const hub_plugin *plugin, uint32_t index, hub_definition *out) {
        out->name = hub_text_of("pair(2)");
        out->outputs = outputs, out->output_count = 2;
        return HUB_OK;
    }
    static hub_status open(const hub_plugin *plugin, uint32_t series, uint32_t d, uint32_t interval, hub_error *error) {
        return HUB_OK;
    }
    static void value(hub_out *out, uint32_t series, uint32_t definition, uint8_t count, uint64_t cause) {
        hub_value *v = hub_emit(out, 2, HUB_VALUE);
        memset((char *)v + 32, 0, 96);
        v->head.stream = series, v->definition = definition, v->outputs = count, v->cause = cause, v->values[0] = 42;
    }
    static hub_status update(const hub_plugin *plugin, const hub_series_bar *bars, uint64_t n, hub_out *out, hub_now now,
                             hub_error *error) {
        uint64_t seq = bars[0].bar->head.seq;
        value(out, 7, 0, 2, seq);           /* a series that was never opened */
        value(out, 0xffffffff, 0, 2, seq);  /* one that cannot be */
        value(out, 1, 1, 2, seq);           /* another definition */
        value(out, 1, 0, 1, seq);           /* another number of outputs */
        value(out, 1, 0, 28, seq);          /* more than its lines hold */
        value(out, 1, 0, 2, seq + 1);       /* a bar it was not given */
        hub_trade *trade = hub_emit(out, 1, HUB_TRADE);
        memset((char *)trade + 32, 0, 32);
        trade->head.stream = 1;
        value(out, 1, 0, 2, seq);           /* what was asked for */
        return HUB_OK;
    }
    static const hub_indicator_1 indicator = {definitions, definition, open, update};
    static hub_status write(const hub_plugin *plugin, const hub_batch *batch, hub_now now, hub_error *error) {
        follower *self = plugin->data;
        const hub_host_sink_1 *host = self->host->get_extension(self->host, hub_text_of(HUB_HOST_SINK));
        host->ack(self->host, batch->last_seq + self->ack);
        return HUB_OK;
    }
    static hub_status flush(const hub_plugin *plugin, int64_t deadline, hub_error *error) { return HUB_OK; }
    static const hub_sink_1 sink = {.write = write, .flush = flush};
    static const void *extension(const hub_plugin *plugin, hub_text id) {
        if (hub_text_equal(id, HUB_INDICATOR_EXTENSION)) return &indicator;
        return hub_text_equal(id, HUB_SINK_EXTENSION) ? &sink : NULL;
    }
    static hub_status check(const hub_plugin *plugin, hub_error *error) { return HUB_OK; }
    static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *error) { return HUB_OK; }
    static void stop(const hub_plugin *plugin) {}
    static void destroy(const hub_plugin *plugin) { free(plugin->data); }
    static const hub_descriptor about = {.struct_size = sizeof(hub_descriptor), .kind = HUB_INDICATOR,
        .id = HUB_TEXT("follower")};
    static hub_status init(hub_error *error) { return HUB_OK; }
    static uint32_t count(void) { return 1; }
    static const hub_descriptor *descriptor(uint32_t index) { return &about; }
    static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
        const hub_host_settings_1 *settings = host->get_extension(host, hub_text_of(HUB_HOST_SETTINGS));
        follower *self = calloc(1, sizeof *self);
        self->plugin = (hub_plugin){sizeof(hub_plugin), 0, self, extension, check, start, stop, destroy};
        self->host = host;
        int64_t lacking = 0;
        settings->integer(host, hub_text_of("/ack"), &self->ack);
        if (settings->integer(host, hub_text_of("/lacking"), &lacking) && lacking) self->plugin.start = NULL;
        return &self->plugin;
    }
    static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count,
        descriptor, create};
    HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
    """

@Suite("Instances of indicators and sinks")
struct HostingFollowerTests {
    private static let library = Result {
        let folder = try PluginFolder()
        return try PluginLibrary.open(folder.compile(source, to: "follower.so"))
    }

    private func make(_ settings: SettingsTree) throws -> PluginInstance {
        let context = InstanceContext(
            name: "follower", settings: PluginSettings(settings), isSimulated: false,
            logger: Logger(label: "follower") { _ in SwiftLogNoOpLogHandler() }, takes: { _ in false })
        return try PluginInstance(entry: Self.library.get().entry, id: "follower", context: context)
    }

    @Test("of what an indicator says only values count that answer a bar it was given, as its definition has them")
    func indicator() throws {
        let instance = try IndicatorInstance(make(.empty), maximumLines: 1024)
        try instance.start(now: hub_now())
        #expect(instance.definitions.map(\.name) == ["pair(2)"])
        #expect(instance.definitions.first?.outputs == ["one", "two"])
        try instance.open(series: 1, definition: 0, interval: 60)
        var bar = hub_bar()
        bar.head.seq = 9
        var causes: [UInt64] = []
        try withUnsafePointer(to: bar) { bar in
            try instance.update([hub_series_bar(series: 1, reserved: 0, bar: bar)], now: hub_now()) { value in
                causes.append(value.pointee.cause)
                #expect(value.pointee.values == 42)
            }
        }
        #expect(causes == [9])
        #expect(instance.rejected == 7)
    }

    @Test("a sink cannot acknowledge what it was never given", arguments: [Int64(0), 1, 1 << 40])
    func acknowledging(beyond: Int64) throws {
        let instance = try SinkInstance(make(["ack": .integer(beyond)]))
        #expect(instance.acknowledged == 0)
        try instance.write(records: [], first: 1, last: 100, now: 0)
        #expect(instance.acknowledged == 100)
        try instance.write(records: [], first: 101, last: 200, now: 0)
        #expect(instance.acknowledged == 200)
    }

    @Test("an instance without its mandatory functions is refused rather than called")
    func lacking() throws {
        let failure = #expect(throws: PluginFailure.self) { _ = try make(["lacking": 1]) }
        #expect(failure?.text.contains("without mandatory functions") == true)
        let other = #expect(throws: PluginFailure.self) {
            _ = try ProviderInstance(make(.empty), name: "x", maximumLines: 16)
        }
        #expect(other?.text.contains(HUB_PROVIDER_EXTENSION) == true)
    }
}
