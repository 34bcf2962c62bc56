/* A vendor for tests that streams trades and loses some, and has bars of the past. What it does stands in the file `control` of
 * the folder the hub runs in, and may change while it runs: `down` (it is away), `fail` (its history does not answer), `mute`
 * (nor does it refuse), `slow` (it takes its time). Each question for bars is a line of the file `asked`; bars of the past have a volume of 777.
 *
 * By the name of the instrument: LOST has no history. Bars of a second it never has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub/ext/provider.h"
#include "hub/ext/query.h"
#include "hub/ext/status.h"
#include "hub/ext/timer.h"
#include "hub/hub.h"

typedef struct wounded {
    hub_plugin plugin;
    const hub_host *host;
    const hub_host_timer_1 *timer;
    const hub_host_status_1 *status;
    const hub_host_query_1 *answers;
    uint32_t handles[1000];
    unsigned count;
    uint64_t trades;
    int is_down;
} wounded;

static int told(const char *word) {
    char text[64] = "";
    FILE *file = fopen("control", "r");
    if (!file) return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    fclose(file);
    return strstr(text, word) != NULL;
}

static hub_text text(const char *text) { return (hub_text){text, strlen(text)}; }

static hub_status want(const hub_plugin *plugin, const hub_want *items, uint64_t count, hub_now now, hub_error *error) {
    wounded *self = plugin->data;
    for (uint64_t i = 0; i < count && self->count < 1000; i++)
        if (items[i].kinds) {
            self->handles[self->count++] = items[i].handle;
            self->status->subscription(self->host, items[i].handle, HUB_STATE_OK, text(""));
        }
    return HUB_OK;
}

static hub_status on_timer(const hub_plugin *plugin, uint32_t timer, hub_out *out, hub_now now, hub_error *error) {
    wounded *self = plugin->data;
    int is_down = told("down");
    if (is_down != self->is_down) {
        self->is_down = is_down;
        self->status->feed(self->host, is_down ? HUB_STATE_RECONNECTING : HUB_STATE_OK, text(is_down ? "pulled out" : ""));
    }
    if (is_down) return HUB_OK;
    for (unsigned i = 0; i < self->count; i++) {
        hub_trade *trade = hub_emit(out, 1, HUB_TRADE);
        if (!trade) return HUB_OK;
        trade->head.stream = self->handles[i];
        trade->head.ts_event = now.wall_ns;
        trade->price = 100;
        trade->size = 1;
        trade->trade_id = ++self->trades;
        trade->conditions = 0;
        trade->side = HUB_SIDE_NONE;
        memset(trade->reserved, 0, sizeof trade->reserved);
    }
    return HUB_OK;
}

static const hub_provider_1 provider = {.want = want, .on_timer = on_timer};

static hub_status query(const hub_plugin *plugin, const hub_query *query, hub_now now, hub_error *error) {
    wounded *self = plugin->data;
    hub_text symbol = query->symbols[0];
    if (query->kind == HUB_QUERY_QUOTES) {
        for (uint64_t i = 0; i < query->symbol_count; i++) {
            _Alignas(64) hub_tick tick;
            memset(&tick, 0, sizeof tick);
            tick.head.lines = 2;
            tick.head.kind = HUB_TICK;
            tick.head.stream = (uint32_t)i + 1;
            tick.head.ts_event = now.wall_ns - 1000000000;
            tick.last = 101.5;
            tick.last_size = tick.average = tick.open_interest = tick.total_buy = tick.total_sell = tick.volume = NAN;
            tick.open = tick.high = tick.low = tick.previous_close = 100;
            self->answers->records(self->host, query->id, &tick, sizeof tick);
        }
        self->answers->done(self->host, query->id, HUB_OK, text(""), -1, text(""));
        return HUB_OK;
    }
    FILE *asked = fopen("asked", "a");
    if (asked) {
        fprintf(asked, "%.*s %u %lld %lld %lld\n", (int)symbol.length, symbol.data, query->interval,
                (long long)query->from_ns / 1000, (long long)query->to_ns / 1000, (long long)now.wall_ns / 1000);
        fclose(asked);
    }
    if (told("slow")) usleep(50000);
    if (told("mute")) return HUB_OK;
    if (told("fail")) return hub_fail(error, HUB_NETWORK, "the line is down");
    if (symbol.length > 5 && memcmp(symbol.data + symbol.length - 5, ":LOST", 5) == 0)
        return hub_fail(error, HUB_NOT_FOUND, "no such instrument");
    if (query->interval == 1) return hub_fail(error, HUB_UNSUPPORTED, "no bars of a second");
    int64_t step = (int64_t)query->interval * 1000000000LL;
    for (int64_t at = (query->from_ns + step - 1) / step * step; at < query->to_ns && at + step <= now.wall_ns; at += step) {
        _Alignas(64) hub_bar bar;
        memset(&bar, 0, sizeof bar);
        bar.head.lines = 2;
        bar.head.kind = HUB_BAR;
        bar.head.stream = 1;
        bar.head.ts_event = at;
        bar.interval = query->interval;
        bar.open = 100;
        bar.high = 101;
        bar.low = 99;
        bar.close = 100;
        bar.volume = 777;
        bar.count = 1;
        bar.notional = bar.open_interest = NAN;
        self->answers->records(self->host, query->id, &bar, sizeof bar);
    }
    self->answers->done(self->host, query->id, HUB_OK, text(""), -1, text(""));
    return HUB_OK;
}

static uint32_t batch(const hub_plugin *plugin) { return 100; }

/* A day of minutes at a time. */
static const hub_query_span *spans(const hub_plugin *plugin, uint64_t *count) {
    static const hub_query_span all[] = {{60, 1}, {0, 1000}};
    *count = 2;
    return all;
}

static const hub_query_1 queries = {.query = query, .batch = batch, .spans = spans};

static const void *extension(const hub_plugin *p, hub_text id) {
    if (hub_text_equal(id, HUB_PROVIDER_EXTENSION)) return &provider;
    if (hub_text_equal(id, HUB_QUERY_EXTENSION)) return &queries;
    return NULL;
}

static hub_status check(const hub_plugin *p, hub_error *e) { return HUB_OK; }

static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *e) {
    wounded *self = plugin->data;
    self->timer->set(self->host, 1, now.wall_ns + 50000000, 50000000);
    self->status->feed(self->host, HUB_STATE_OK, text(""));
    return HUB_OK;
}

static void stop(const hub_plugin *plugin) {
    wounded *self = plugin->data;
    self->timer->cancel(self->host, 1);
}

static void destroy(const hub_plugin *p) { free(p->data); }

static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
    wounded *self = calloc(1, sizeof *self);
    self->host = host;
    self->timer = host->get_extension(host, text(HUB_HOST_TIMER));
    self->status = host->get_extension(host, text(HUB_HOST_STATUS));
    self->answers = host->get_extension(host, text(HUB_HOST_QUERY));
    self->plugin = (hub_plugin){sizeof(hub_plugin), 0, self, extension, check, start, stop, destroy};
    return &self->plugin;
}

static const hub_text query_names[] = {HUB_TEXT("bars"), HUB_TEXT("quotes")};
static const hub_descriptor about = {
    .struct_size = sizeof(hub_descriptor), .kind = HUB_PROVIDER, .id = HUB_TEXT("wounded"), .version = HUB_TEXT("1.0.0"),
    .kinds = 1 << HUB_TRADE, .settings_schema = HUB_TEXT("{}"), .queries = query_names, .query_count = 2,
};
static hub_status init(hub_error *error) { return HUB_OK; }
static uint32_t count(void) { return 1; }
static const hub_descriptor *descriptor(uint32_t index) { return &about; }
static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count, descriptor, create};
HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
