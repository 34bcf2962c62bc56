/* A vendor for tests: it streams nothing, and answers what it is asked at once. How often it was asked stands in its answers
 * (the volume of prices and bars, "calls" of texts), so that a test sees what went upstream.
 *
 * By the name of the instrument: MISSING is not found, PLAN is not in the plan, BROKEN fails, MUTE is never answered; the rest
 * it knows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/ext/catalog.h"
#include "hub/ext/query.h"
#include "hub/hub.h"

#define DAY 86400000000000LL

typedef struct vendor {
    hub_plugin plugin;
    const hub_host *host;
    const hub_host_query_1 *answers;
    const hub_host_catalog_1 *listings;
    unsigned calls;
    char found[80];
} vendor;

static vendor *self(const hub_plugin *plugin) { return (vendor *)plugin->data; }

static int named(hub_text symbol, const char *name) {
    size_t length = strlen(name);
    return symbol.length > length && symbol.data[symbol.length - length - 1] == ':' &&
           memcmp(symbol.data + symbol.length - length, name, length) == 0;
}

static hub_text text(const char *text) { return (hub_text){text, strlen(text)}; }

static hub_status refused(hub_text symbol, hub_error *error) {
    if (named(symbol, "MISSING")) return hub_fail(error, HUB_NOT_FOUND, "no such instrument");
    if (named(symbol, "PLAN")) return hub_fail(error, HUB_ENTITLEMENT, "the basic plan has no such thing");
    if (named(symbol, "BROKEN")) return hub_fail(error, HUB_NETWORK, "the line is down");
    return HUB_OK;
}

static void quotes(vendor *v, const hub_query *query, hub_now now) {
    for (uint64_t i = 0; i < query->symbol_count; i++) {
        if (named(query->symbols[i], "MISSING")) continue;
        _Alignas(64) hub_tick tick;
        memset(&tick, 0, sizeof tick);
        tick.head.lines = 2;
        tick.head.kind = HUB_TICK;
        tick.head.stream = (uint32_t)i + 1;
        tick.head.ts_event = now.wall_ns - 1000000000;
        tick.last = 101.5;
        tick.last_size = tick.average = tick.open_interest = tick.total_buy = tick.total_sell = NAN;
        tick.open = 100;
        tick.high = 102;
        tick.low = 99.5;
        tick.previous_close = 100;
        tick.volume = v->calls;
        v->answers->records(v->host, query->id, &tick, sizeof tick);
    }
}

static void bars(vendor *v, const hub_query *query) {
    int64_t step = (int64_t)query->interval * 1000000000LL;
    int64_t to = query->to_ns ? query->to_ns : 1767225600000000000LL;
    int64_t from = query->from_ns ? query->from_ns : to - 100 * step;
    for (int64_t at = (from + step - 1) / step * step; at < to; at += step) {
        _Alignas(64) hub_bar bar;
        memset(&bar, 0, sizeof bar);
        bar.head.lines = 2;
        bar.head.kind = HUB_BAR;
        bar.head.stream = 1;
        bar.head.ts_event = at;
        bar.interval = query->interval;
        bar.open = 10;
        bar.high = 12;
        bar.low = 9;
        bar.close = 11;
        bar.volume = v->calls;
        bar.count = 1;
        bar.notional = bar.open_interest = NAN;
        v->answers->records(v->host, query->id, &bar, sizeof bar);
    }
}

static hub_status query(const hub_plugin *plugin, const hub_query *query, hub_now now, hub_error *error) {
    vendor *v = self(plugin);
    v->calls++;
    if (query->symbol_count > 0) {
        hub_text symbol = query->symbols[0];
        if (named(symbol, "MUTE")) return HUB_OK;
        hub_status status = query->kind == HUB_QUERY_QUOTES && query->symbol_count > 1 ? HUB_OK : refused(symbol, error);
        if (status != HUB_OK) return status;
    }
    char json[1024];
    json[0] = 0;
    int length = query->symbol_count ? (int)query->symbols[0].length : 0;
    const char *symbol = query->symbol_count ? query->symbols[0].data : "";
    switch (query->kind) {
    case HUB_QUERY_QUOTES: quotes(v, query, now); break;
    case HUB_QUERY_BARS: bars(v, query); break;
    case HUB_QUERY_PROFILE:
        snprintf(json, sizeof json, "{\"symbol\":\"%.*s\",\"name\":\"Test Industries\",\"employees\":42,\"calls\":%u}", length,
                 symbol, v->calls);
        break;
    case HUB_QUERY_NEWS:
        snprintf(json, sizeof json,
                 "[{\"id\":\"n1\",\"time\":1736174100000000,\"headline\":\"older %u\",\"url\":\"https://example.com/1\","
                 "\"symbols\":[\"%.*s\"]},{\"id\":\"n2\",\"time\":1736174200000000,\"headline\":\"newer\","
                 "\"url\":\"https://example.com/2\",\"symbols\":[\"%.*s\"]}]",
                 v->calls, length, symbol, length, symbol);
        break;
    case HUB_QUERY_SENTIMENT:
        snprintf(json, sizeof json, "{\"symbol\":\"%.*s\",\"score\":0.5,\"time\":1736174100000000,\"calls\":%u}", length, symbol,
                 v->calls);
        break;
    default: return hub_fail(error, HUB_UNSUPPORTED, "never");
    }
    if (json[0]) v->answers->json(v->host, query->id, text(json));
    v->answers->done(v->host, query->id, HUB_OK, text(""), -1, text(""));
    return HUB_OK;
}

static uint32_t batch(const hub_plugin *plugin) { return 100; }

static const hub_query_span *spans(const hub_plugin *plugin, uint64_t *count) {
    static const hub_query_span all[] = {{60, 10}, {0, 1000}};
    *count = 2;
    return all;
}

static const hub_query_1 queries = {.query = query, .batch = batch, .spans = spans};

/* ---- its instruments */

static const hub_text identifier_names[] = {HUB_TEXT("token")};
static const hub_text tokens[] = {HUB_TEXT("1001"), HUB_TEXT("1002"), HUB_TEXT("1003")};

static hub_listing listing(int index) {
    hub_listing item;
    memset(&item, 0, sizeof item);
    item.struct_size = sizeof item;
    item.type = index == 2 ? HUB_TYPE_OPTION : HUB_TYPE_EQUITY;
    item.symbol = text(index == 0 ? "NSE:ALPHA" : index == 1 ? "NSE:BETA" : "NFO:ALPHA25JAN100CE");
    item.name = text(index == 0 ? "Alpha Laboratories" : index == 1 ? "Beta Steel" : "ALPHA 30 Jan 2025 100 call");
    item.currency = text("INR");
    item.isin = text(index == 0 ? "INE000A01001" : "");
    item.underlying = text(index == 2 ? "NSE:ALPHA" : "");
    item.sector = text(index == 0 ? "chemistry" : "");
    item.tick_size = 0.05;
    item.lot_size = index == 2 ? 75 : 1;
    item.multiplier = NAN;
    item.strike = index == 2 ? 100 : NAN;
    item.expiry = index == 2 ? 20118 : 0;
    item.right = index == 2 ? HUB_RIGHT_CALL : HUB_RIGHT_NONE;
    item.identifier_names = identifier_names;
    item.identifier_values = &tokens[index];
    item.identifier_count = 1;
    return item;
}

static hub_status refresh(const hub_plugin *plugin, hub_now now, hub_error *error) {
    vendor *v = self(plugin);
    for (int i = 0; i < 3; i++) {
        hub_listing item = listing(i);
        v->listings->add(v->host, &item, 1);
    }
    v->listings->done(v->host, HUB_OK, text(""));
    return HUB_OK;
}

static hub_status describe(const hub_plugin *plugin, hub_text symbol, hub_listing *out, hub_error *error) {
    return hub_fail(error, HUB_NOT_FOUND, "not in the list");
}

static hub_status find(const hub_plugin *plugin, hub_text identifier, hub_text *symbol, hub_error *error) {
    return hub_fail(error, HUB_NOT_FOUND, "not in the list");
}

static const hub_catalog_1 catalog = {.refresh = refresh, .describe = describe, .find = find};

/* ---- what every provider has */

static hub_status want(const hub_plugin *p, const hub_want *items, uint64_t n, hub_now now, hub_error *e) { return HUB_OK; }
static const hub_provider_1 provider = {.want = want};

static const void *extension(const hub_plugin *p, hub_text id) {
    if (hub_text_equal(id, HUB_PROVIDER_EXTENSION)) return &provider;
    if (hub_text_equal(id, HUB_QUERY_EXTENSION)) return &queries;
    if (hub_text_equal(id, HUB_CATALOG_EXTENSION)) return &catalog;
    return NULL;
}

static hub_status check(const hub_plugin *p, hub_error *e) { return HUB_OK; }
static hub_status start(const hub_plugin *p, hub_now now, hub_error *e) { return HUB_OK; }
static void stop(const hub_plugin *p) {}
static void destroy(const hub_plugin *p) { free(p->data); }

static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
    vendor *v = calloc(1, sizeof *v);
    v->host = host;
    v->answers = host->get_extension(host, text(HUB_HOST_QUERY));
    v->listings = host->get_extension(host, text(HUB_HOST_CATALOG));
    v->plugin = (hub_plugin){sizeof(hub_plugin), 0, v, extension, check, start, stop, destroy};
    return &v->plugin;
}

static const hub_text query_names[] = {
    HUB_TEXT("quotes"), HUB_TEXT("bars"), HUB_TEXT("profile"), HUB_TEXT("news"), HUB_TEXT("sentiment"),
};
static const hub_descriptor about = {
    .struct_size = sizeof(hub_descriptor), .kind = HUB_PROVIDER, .id = HUB_TEXT("vendor"), .version = HUB_TEXT("1.0.0"),
    .kinds = 1 << HUB_TRADE, .settings_schema = HUB_TEXT("{}"), .queries = query_names, .query_count = 5,
};
static hub_status init(hub_error *error) { return HUB_OK; }
static uint32_t count(void) { return 1; }
static const hub_descriptor *descriptor(uint32_t index) { return &about; }
static const hub_entry entry = {HUB_MAGIC, sizeof(hub_entry), HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count, descriptor, create};
HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
