/* A provider in plain C: trades along a sine wave for every instrument that is wanted.
 *
 * It pushes: a timer calls `on_timer`, which emits one trade per instrument. Against the hub's headers alone. */
#include <math.h>
#include <stdlib.h>

#include "hub/ext/provider.h"
#include "hub/ext/settings.h"
#include "hub/ext/status.h"
#include "hub/ext/timer.h"

static const double two_pi = 6.28318530717958647692;
static const double middle = 100.0;

typedef struct sine {
    hub_plugin plugin; /* first: a pointer to it is a pointer to this */
    const hub_host *host;
    const hub_host_timer_1 *timer;
    const hub_host_status_1 *status;
    double period_seconds, amplitude, rate;
    uint32_t *handles; /* of the instruments that are wanted */
    uint64_t count, capacity, trades;
} sine;

/* ---- the provider -------------------------------------------------------------------------------- */

static void forget(sine *self, uint32_t handle) {
    for (uint64_t i = 0; i < self->count; i++)
        if (self->handles[i] == handle) self->handles[i--] = self->handles[--self->count];
}

static hub_status want(const hub_plugin *plugin, const hub_want *items, uint64_t count, hub_now now, hub_error *error) {
    sine *self = plugin->data;
    (void)now;
    if (self->count + count > self->capacity) {
        uint32_t *more = realloc(self->handles, (self->count + count) * sizeof *more);
        if (!more) return hub_fail(error, HUB_OVERLOAD, "no memory for so many instruments: want fewer");
        self->handles = more;
        self->capacity = self->count + count;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t handle = items[i].handle;
        forget(self, handle); /* what is wanted twice is wanted once */
        if (items[i].kinds & (1u << HUB_TRADE)) {
            self->handles[self->count++] = handle;
            self->status->subscription(self->host, handle, HUB_STATE_OK, hub_text_of(""));
        } else if (items[i].kinds == 0) {
            self->status->subscription(self->host, handle, HUB_STATE_ENDED, hub_text_of("no longer wanted"));
        } else {
            self->status->subscription(self->host, handle, HUB_STATE_FAILED, hub_text_of("sine has trades only"));
        }
    }
    return HUB_OK;
}

static hub_status on_timer(const hub_plugin *plugin, uint32_t timer, hub_out *out, hub_now now, hub_error *error) {
    sine *self = plugin->data;
    double phase = fmod((double)now.wall_ns / 1e9, self->period_seconds) / self->period_seconds;
    double price = round((middle + self->amplitude * sin(two_pi * phase)) * 100) / 100;
    (void)timer;
    for (uint64_t i = 0; i < self->count; i++) {
        hub_trade *trade = hub_emit(out, 1, HUB_TRADE);
        if (!trade) return hub_fail(error, HUB_OVERLOAD, "more instruments than one callback may emit: want fewer");
        trade->head.stream = self->handles[i];
        trade->head.ts_event = now.wall_ns;
        trade->price = price;
        trade->size = 1;
        trade->trade_id = ++self->trades;
        trade->conditions = 0;
        trade->side = HUB_SIDE_NONE;
        memset(trade->reserved, 0, sizeof trade->reserved);
    }
    return HUB_OK;
}

static const hub_provider_1 provider = {.want = want, .on_timer = on_timer};

/* ---- an instance -------------------------------------------------------------------------------- */

static const void *get_extension(const hub_plugin *plugin, hub_text id) {
    (void)plugin;
    return hub_text_equal(id, HUB_PROVIDER_EXTENSION) ? &provider : NULL;
}

/* The schema has been checked by the host; what it cannot say is said here. */
static hub_status check_settings(const hub_plugin *plugin, hub_error *error) {
    const sine *self = plugin->data;
    if (self->amplitude < middle) return HUB_OK;
    memcpy(error->pointer, "/amplitude", sizeof "/amplitude");
    return hub_fail(error, HUB_CONFIG, "the amplitude must be under 100: prices swing around 100 and stay above 0");
}

static hub_status start(const hub_plugin *plugin, hub_now now, hub_error *error) {
    sine *self = plugin->data;
    int64_t period_ns = (int64_t)(1e9 / self->rate);
    if (self->timer->set(self->host, 1, now.wall_ns + period_ns, period_ns) != HUB_OK)
        return hub_fail(error, HUB_INTERNAL, "the hub gave no timer");
    self->status->feed(self->host, HUB_STATE_OK, hub_text_of(""));
    return HUB_OK;
}

static void stop(const hub_plugin *plugin) {
    sine *self = plugin->data;
    self->timer->cancel(self->host, 1);
}

static void destroy(const hub_plugin *plugin) {
    sine *self = plugin->data;
    free(self->handles);
    free(self);
}

/* ---- the library -------------------------------------------------------------------------------- */

static const hub_text required[] = {HUB_TEXT(HUB_HOST_SETTINGS), HUB_TEXT(HUB_HOST_TIMER), HUB_TEXT(HUB_HOST_STATUS)};

static const hub_descriptor about = {
    .struct_size = sizeof about, .kind = HUB_PROVIDER, .id = HUB_TEXT("sine"), .name = HUB_TEXT("Sine wave"),
    .version = HUB_TEXT("1.0.0"), .description = HUB_TEXT("Trades along a sine wave around 100: an example in C."),
    .traits = HUB_TRAIT_SIMULATED, .kinds = 1u << HUB_TRADE, .required = required, .required_count = 3,
    .settings_schema = HUB_TEXT("{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"period\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"default\":60,\"description\":\"Seconds in a wave\"},"
        "\"amplitude\":{\"type\":\"number\",\"minimum\":0,\"default\":1,\"description\":\"Most it is off 100\"},"
        "\"rate\":{\"type\":\"number\",\"minimum\":0.001,\"maximum\":1000,\"default\":1,"
        "\"description\":\"Trades per second and instrument\"}}}"),
};

static const hub_plugin *create(const hub_host *host, hub_text id, hub_error *error) {
    const hub_host_settings_1 *settings = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_SETTINGS));
    const hub_host_timer_1 *timer = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_TIMER));
    const hub_host_status_1 *status = host->get_extension(host, (hub_text)HUB_TEXT(HUB_HOST_STATUS));
    sine *self = hub_text_equal(id, "sine") && settings && timer && status ? calloc(1, sizeof *self) : NULL;
    if (!self) return hub_fail(error, HUB_UNSUPPORTED, "not 'sine', or no settings, timer, status or memory"), NULL;
    self->plugin = (hub_plugin){sizeof(hub_plugin), 0, self, get_extension, check_settings, start, stop, destroy};
    self->host = host, self->timer = timer, self->status = status;
    self->period_seconds = 60, self->amplitude = 1, self->rate = 1;
    settings->number(host, hub_text_of("/period"), &self->period_seconds);
    settings->number(host, hub_text_of("/amplitude"), &self->amplitude);
    settings->number(host, hub_text_of("/rate"), &self->rate);
    return &self->plugin;
}

static hub_status init(hub_error *error) { return (void)error, HUB_OK; }
static uint32_t count(void) { return 1; }
static const hub_descriptor *descriptor(uint32_t index) { return index == 0 ? &about : NULL; }
static const hub_entry entry = {HUB_MAGIC, sizeof entry, HUB_ABI_MAJOR, HUB_ABI_MINOR, 0, init, NULL, count,
                                descriptor, create};

const hub_entry *hub_plugin_entry(void) { return &entry; }
