/* A live source for tests that sends what a script says: the setting `script` is a list of lines, each one message, times in
 * milliseconds after the start less a minute.
 *
 *   trade SYMBOL MS PRICE SIZE ID      quote SYMBOL MS BID ASK
 *   tick SYMBOL MS LAST VOLUME         book SYMBOL MS BID ASK
 *
 * Several records of one message are parted by ";". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub/ext/provider.h"
#include "hub/ext/settings.h"
#include "hub/ext/status.h"
#include "hub/ext/timer.h"

#define MOST 16

typedef struct defects {
    hub_plugin plugin;
    const hub_host *host;
    const hub_host_timer_1 *timer;
    const hub_host_status_1 *status;
    const hub_host_settings_1 *settings;
    char symbols[MOST][80];
    uint32_t handles[MOST];
    int count, line;
    int64_t begin;
} defects;

static defects *self(const hub_plugin *plugin) { return plugin->data; }

static hub_status want(const hub_plugin *plugin, const hub_want *items, uint64_t count, hub_now now, hub_error *error) {
    defects *d = self(plugin);
    (void)now, (void)error;
    for (uint64_t i = 0; i < count && d->count < MOST; i++) {
        snprintf(d->symbols[d->count], sizeof d->symbols[0], "%.*s", (int)items[i].symbol.length, items[i].symbol.data);
        d->handles[d->count++] = items[i].handle;
        d->status->subscription(d->host, items[i].handle, HUB_STATE_OK, hub_text_of(""));
    }
    return HUB_OK;
}

static hub_status emit(defects *d, const char *text, hub_out *out, hub_error *error) {
    char kind[8], symbol[80];
    double milliseconds, a, b;
    unsigned long long id = 0;
    if (sscanf(text, " %7s %79s %lf %lf %lf %llu", kind, symbol, &milliseconds, &a, &b, &id) < 5)
        return hub_fail(error, HUB_CONFIG, "a line of the script cannot be read");
    uint32_t handle = 0;
    for (int i = 0; i < d->count; i++)
        if (strcmp(d->symbols[i], symbol) == 0) handle = d->handles[i];
    int64_t time = d->begin + (int64_t)(milliseconds * 1e6);
    if (strcmp(kind, "trade") == 0) {
        hub_trade *trade = hub_emit(out, 1, HUB_TRADE);
        hub_record head = trade->head;
        *trade = (hub_trade){.head = head, .price = a, .size = b, .trade_id = id};
        trade->head.stream = handle, trade->head.ts_event = time;
    } else if (strcmp(kind, "quote") == 0) {
        hub_quote *quote = hub_emit(out, 1, HUB_QUOTE);
        quote->head.stream = handle, quote->head.ts_event = time;
        quote->bid = a, quote->bid_size = 1, quote->ask = b, quote->ask_size = 1;
    } else if (strcmp(kind, "tick") == 0) {
        hub_tick *tick = hub_emit(out, 2, HUB_TICK);
        tick->head.stream = handle, tick->head.ts_event = time;
        tick->last = a, tick->volume = b, tick->last_trade_time = 0;
        tick->last_size = tick->average = tick->open_interest = tick->open = tick->high = tick->low = NAN;
        tick->previous_close = tick->total_buy = tick->total_sell = NAN;
    } else {
        hub_book *book = hub_emit(out, 2, HUB_BOOK);
        book->head.stream = handle, book->head.ts_event = time;
        book->bids = book->asks = 1, book->reserved = 0;
        hub_level *levels = (hub_level *)((char *)book + sizeof *book);
        levels[0] = (hub_level){a, 1, 0, 0};
        levels[1] = (hub_level){b, 1, 0, 0};
    }
    return HUB_OK;
}

/* One line a time, so that each is a message of its own. */
static hub_status on_timer(const hub_plugin *plugin, uint32_t timer, hub_out *out, hub_now now, hub_error *error) {
    defects *d = self(plugin);
    char path[32], line[1024];
    hub_text text;
    (void)now, (void)timer;
    snprintf(path, sizeof path, "/script/%d", d->line);
    if (d->count == 0 || !d->settings->text(d->host, hub_text_of(path), &text)) return HUB_OK;
    d->line++;
    snprintf(line, sizeof line, "%.*s", (int)text.length, text.data);
    for (char *at = strtok(line, ";"); at; at = strtok(NULL, ";")) {
        hub_status status = emit(d, at, out, error);
        if (status != HUB_OK) return status;
    }
    return HUB_OK;
}

static const hub_provider_1 provider = {.want = want, .on_timer = on_timer};

static const void *extension(const hub_plugin *plugin, hub_text id) {
    (void)plugin;
    return hub_text_equal(id, HUB_PROVIDER_EXTENSION) ? &provider : NULL;
}

static hub_status check(const hub_plugin *plugin, hub_error *error) { return (void)plugin, (void)error, HUB_OK; }

static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *error) {
    defects *d = self(plugin);
    d->begin = now.wall_ns - 60000000000LL;
    if (d->timer->set(d->host, 1, now.wall_ns + 10000000, 10000000) != HUB_OK)
        return hub_fail(error, HUB_INTERNAL, "the hub gave no timer");
    d->status->feed(d->host, HUB_STATE_OK, hub_text_of(""));
    return HUB_OK;
}

static void stop(const hub_plugin *plugin) { self(plugin)->timer->cancel(self(plugin)->host, 1); }
static void destroy(const hub_plugin *plugin) { free(plugin->data); }

static const hub_text required[] = {HUB_TEXT(HUB_HOST_SETTINGS), HUB_TEXT(HUB_HOST_TIMER), HUB_TEXT(HUB_HOST_STATUS)};

static const hub_descriptor about = {
    .struct_size = sizeof about, .kind = HUB_PROVIDER, .id = HUB_TEXT("defects"), .version = HUB_TEXT("1.0.0"),
    .kinds = 1u << HUB_TRADE | 1u << HUB_QUOTE | 1u << HUB_TICK | 1u << HUB_BOOK, .required = required,
    .required_count = 3,
    .settings_schema = HUB_TEXT("{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                                "\"script\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}"),
};

static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
    (void)id, (void)error;
    defects *d = calloc(1, sizeof *d);
    d->host = host;
    d->settings = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_SETTINGS));
    d->timer = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_TIMER));
    d->status = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_STATUS));
    d->plugin = (hub_plugin){sizeof(hub_plugin), 0, d, extension, check, start, stop, destroy};
    return &d->plugin;
}

static hub_status init(hub_error *error) { return (void)error, HUB_OK; }
static uint32_t count(void) { return 1; }
static const hub_descriptor *descriptor(uint32_t index) { return index == 0 ? &about : NULL; }
static const hub_entry entry = {HUB_MAGIC, sizeof entry, HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count, descriptor,
                                create};
HUB_EXPORT const hub_entry *hub_plugin_entry(void) { return &entry; }
