import EventFormat
import Foundation
import HubModel
import PluginABI
import Testing

@testable import HubRuntime

/// An indicator in C: the sum of all closes, the forming bar's included.
private let source = """
    #include <stdlib.h>
    #include "hub/hub.h"
    static const hub_text outputs[] = {HUB_TEXT("sum")};
    static double sums[64];
    static uint32_t definitions(const hub_plugin *plugin) { return 1; }
    static hub_status definition(const hub_plugin *plugin, uint32_t index, hub_definition *out) {
        out->name = hub_text_of("total()");
        out->outputs = outputs, out->output_count = 1;
        return HUB_OK;
    }
    static hub_status open(const hub_plugin *plugin, uint32_t series, uint32_t d, uint32_t interval, hub_error *error) {
        sums[series] = 0;
        return HUB_OK;
    }
    static void value(hub_out *out, const hub_series_bar *item, double sum) {
        hub_value *v = hub_emit(out, 1, HUB_VALUE);
        memset((char *)v + 32, 0, 32);
        v->head.stream = item->series, v->outputs = 1, v->cause = item->bar->head.seq, v->values[0] = sum;
        v->bar_time = item->bar->head.ts_event, v->bits = HUB_VALUE_READY, v->revision = item->bar->revision;
    }
    static hub_status update(const hub_plugin *plugin, const hub_series_bar *bars, uint64_t n, hub_out *out, hub_now now,
                             hub_error *error) {
        for (uint64_t i = 0; i < n; i++) value(out, bars + i, sums[bars[i].series] += bars[i].bar->close);
        return HUB_OK;
    }
    static hub_status peek(const hub_plugin *plugin, const hub_series_bar *bars, uint64_t n, hub_out *out, hub_now now,
                           hub_error *error) {
        for (uint64_t i = 0; i < n; i++) value(out, bars + i, sums[bars[i].series] + bars[i].bar->close);
        return HUB_OK;
    }
    static const hub_indicator_1 indicator = {definitions, definition, open, update, peek};
    static const void *extension(const hub_plugin *plugin, hub_text id) {
        return hub_text_equal(id, HUB_INDICATOR_EXTENSION) ? &indicator : NULL;
    }
    static hub_status check(const hub_plugin *plugin, hub_error *error) { return HUB_OK; }
    static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *error) { return HUB_OK; }
    static void nothing(const hub_plugin *plugin) {}
    static const hub_plugin instance = {sizeof(hub_plugin), 0, NULL, extension, check, start, nothing, nothing};
    static const hub_descriptor about = {.struct_size = sizeof(hub_descriptor), .kind = HUB_INDICATOR,
        .id = HUB_TEXT("total")};
    static hub_status init(hub_error *error) { return HUB_OK; }
    static uint32_t count(void) { return 1; }
    static const hub_descriptor *descriptor(uint32_t index) { return &about; }
    static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) { return &instance; }
    static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count,
        descriptor, create};
    HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
    """

@Suite("Values of forming bars")
struct EngineFormingTests {
    private nonisolated(unsafe) static let folder = Result { try PluginFolder() }
    private static let library = Result { try PluginLibrary.open(folder.get().compile(source, to: "total.so")) }

    @Test("the forming bar has the value that it would have if it closed now, and asking changes nothing")
    func peek() throws {
        let second: Int64 = 1_000_000_000
        let start: Int64 = 1_736_121_600 * second
        let fixture = try EngineFixture(
            pipelines: "  p: { from: [quiet], instruments: [\"SIM:A\"], bars: [1m, 5m], indicators: [sum] }",
            more: "indicators:\n  sum: { plugin: total }", libraries: [try Self.library.get()])
        #expect(fixture.engine.formingValues(of: ["SIM:A"]).isEmpty)
        var batch = BatchMaker(["SIM:A"])
        for minute in 0..<7 { batch.trade(0, start + Int64(minute) * 60 * second, Double(1 << minute), 1) }
        _ = try fixture.engine.takeBackfill(batch.batch)
        for _ in 0..<2 {
            // A view is waited for a few milliseconds: where the machine has no time for it, it is asked again.
            let end = MonotonicClock.now + 60 * second
            var bytes = fixture.engine.formingValues(of: ["SIM:A", "SIM:B"])
            while bytes.count != 128, MonotonicClock.now < end {
                bytes = fixture.engine.formingValues(of: ["SIM:A", "SIM:B"])
            }
            try #require(bytes.count == 128)
            let values = [0, 64].map { offset in
                bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: hub_value.self) }
            }
            // Minutes 0 to 5 are closed: 1 + 2 + … + 32, and 64 is forming; of five minutes the first is closed.
            #expect(values.map { $0.values } == [127, 16 + 64])
            #expect(values.map { $0.bar_time } == [start + 360 * second, start + 300 * second])
            #expect(values.allSatisfy { $0.head.seq == 0 && $0.cause == 0 && $0.head.ts_recv > 0 })
            let definitions = fixture.engine.definitions.snapshot()
            #expect(values.compactMap { definitions.value($0.definition)?.interval } == [60, 300])
            #expect(values.allSatisfy { definitions.stream($0.head.stream)?.symbol == "SIM:A" })
        }
    }
}
