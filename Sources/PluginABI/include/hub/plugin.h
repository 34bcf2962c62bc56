/* The plugin ABI, version 0: what a plugin and its host see of each other.
 *
 * A plugin is a shared library that exports one symbol, `hub_plugin_entry`. Host and plugin are structs of function
 * pointers; everything beyond the core is an extension, asked for by its id. Rules that hold everywhere:
 *
 *   Threads   An instance is called by one thread at a time; the thread may change between calls, with a happens-before
 *             edge. Each function says when it may be called:
 *             [scan]       in a process of its own, to learn what the library holds; also in the daemon
 *             [control]    life cycle; never concurrent with [stream] of the same instance
 *             [stream]     data callbacks
 *             [any-thread] at any time from any thread
 *   Host      Calls into the host never re-enter the plugin. [queued]: the result comes in a later callback.
 *             [local]: answered at once.
 *   Memory    Nothing allocated on one side is freed by the other. Pointers passed into a call die when it returns.
 *             Entry, descriptors, function tables and the texts in them live for ever.
 *   Texts     Pointer and length, UTF-8, not NUL-terminated.
 *   Growth    Function tables are frozen; a change is a new revision of the extension. Structs passed by pointer begin
 *             with their size and grow at the end only. Unknown enum values are tolerated.
 */
#ifndef HUB_PLUGIN_H
#define HUB_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hub/record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_MAGIC 0x3042554855484231ull
#define HUB_ABI_MAJOR 0u
#define HUB_ABI_MINOR 1u

#if defined(__GNUC__)
#define HUB_EXPORT __attribute__((visibility("default")))
#else
#define HUB_EXPORT
#endif

typedef struct hub_text {
    const char *data;
    uint64_t length;
} hub_text;

typedef struct hub_bytes {
    const uint8_t *data;
    uint64_t length;
} hub_bytes;

/* A literal as hub_text, also in static initialisers. */
#define HUB_TEXT(literal) { "" literal, sizeof(literal) - 1 }

static inline hub_text hub_text_of(const char *text) {
    hub_text result = {text, text ? strlen(text) : 0};
    return result;
}

static inline int hub_text_equal(hub_text a, const char *b) {
    return a.length == strlen(b) && memcmp(a.data, b, a.length) == 0;
}

/* ---- status and errors ------------------------------------------------------------------------------------------------ */

typedef int32_t hub_status;
enum {
    HUB_OK = 0,
    HUB_CONFIG = 1,
    HUB_AUTH = 2,
    HUB_ENTITLEMENT = 3,
    HUB_UNSUPPORTED = 4,
    HUB_NOT_FOUND = 5,
    HUB_RATE_LIMIT = 6,
    HUB_PROTOCOL = 7,
    HUB_NETWORK = 8,
    HUB_TIMEOUT = 9,
    HUB_OVERLOAD = 10,
    HUB_INTERNAL = 11,
    HUB_PANIC = 12
};

/* Owned by the host; a fallible call fills it before it returns anything but HUB_OK. */
typedef struct hub_error {
    uint32_t struct_size;
    int32_t retry_after_ms; /* -1 = no advice */
    char text[512];         /* NUL-terminated: what happened and what to do about it */
    char pointer[256];      /* NUL-terminated JSON pointer into the settings, "" = none */
} hub_error;

static inline hub_status hub_fail(hub_error *error, hub_status status, const char *text) {
    if (error && text) {
        size_t n = strlen(text);
        if (n > sizeof error->text - 1) n = sizeof error->text - 1;
        memcpy(error->text, text, n);
        error->text[n] = 0;
    }
    return status;
}

/* Time comes with each callback; there is no clock function. */
typedef struct hub_now {
    int64_t wall_ns; /* since the Unix epoch, UTC; virtual in lockstep */
    int64_t mono_ns;
} hub_now;

/* ---- emitting records ------------------------------------------------------------------------------------------------- */

/* Space for records, in host memory, 64-byte aligned. When the callback returns HUB_OK everything before `at` is taken,
 * in order; on any other status all of it is dropped and counted. */
typedef struct hub_out {
    uint8_t *at;
    uint8_t *end;
    void *host;
    int (*more)(struct hub_out *out, uint32_t lines); /* [local] 1 = there is room for so many lines now */
} hub_out;

/* The next record, its head zeroed but for `lines` and `kind`; the body must be written whole. NULL: over the limit of
 * one call. [stream] */
static inline void *hub_emit(hub_out *out, uint32_t lines, uint8_t kind) {
    uint64_t bytes = (uint64_t)lines * HUB_LINE;
    if (lines == 0 || lines > HUB_MAX_LINES) return NULL;
    if ((uint64_t)(out->end - out->at) < bytes && !out->more(out, lines)) return NULL;
    hub_record *record = (hub_record *)out->at;
    out->at += bytes;
    record->lines = (uint8_t)lines;
    record->kind = kind;
    record->flags = 0;
    record->stream = 0;
    record->ts_event = 0;
    record->ts_recv = 0;
    record->seq = 0;
    return record;
}

/* Says where the source can go on from after everything emitted before it. [stream] */
static inline int hub_emit_position(hub_out *out, const uint8_t data[24]) {
    hub_position *position = (hub_position *)hub_emit(out, 1, HUB_CONTROL);
    if (!position) return 0;
    position->what = HUB_CONTROL_POSITION;
    memset(position->reserved, 0, sizeof position->reserved);
    memcpy(position->data, data, 24);
    return 1;
}

/* A buffer that the host owns and grows: `write` appends. */
typedef struct hub_writer {
    void *host;
    int (*write)(struct hub_writer *writer, const void *data, uint64_t length); /* [local] 1 = taken */
} hub_writer;

/* ---- entry and descriptors -------------------------------------------------------------------------------------------- */

typedef struct hub_plugin hub_plugin;
typedef struct hub_host hub_host;

enum { HUB_PROVIDER = 1, HUB_INDICATOR = 2, HUB_SINK = 3 };

enum {
    HUB_TRAIT_RECORDED = 1 << 0,     /* time is in the data: largest event time is the watermark */
    HUB_TRAIT_SIMULATED = 1 << 1,    /* everything it makes is marked simulated */
    HUB_TRAIT_BLOCKING = 1 << 2,     /* callbacks may block: a thread of its own */
    HUB_TRAIT_PLAIN_SECRET = 1 << 3, /* needs secrets in the open; shown by `hub plugin list` */
    HUB_TRAIT_RESUMES = 1 << 4       /* emits positions and goes on from the last one */
};

typedef struct hub_rate_class {
    hub_text name;
    uint32_t requests;
    uint32_t window_ms;
} hub_rate_class;

typedef struct hub_descriptor {
    uint32_t struct_size;
    uint32_t kind; /* HUB_PROVIDER ... */
    hub_text id;   /* short name or reverse DNS */
    hub_text name;
    hub_text vendor;
    hub_text version;
    hub_text description;
    hub_text licence;
    hub_text url;
    uint32_t traits;
    uint32_t kinds;             /* bits 1 << kind of what a provider streams or a sink takes; 0 = all */
    uint32_t max_lines;         /* most lines one callback may emit; 0 = 16384 */
    uint32_t finalize_after_ms; /* how long after its end a bar stays open for late data; 0 = 2000 */
    uint32_t stale_after_ms;    /* silent that long in an open market = stale; 0 = 30000 */
    uint32_t reserved;
    const hub_text *hosts; /* it may talk to */
    uint64_t host_count;
    const hub_rate_class *rates;
    uint64_t rate_count;
    const hub_text *queries; /* ids it answers */
    uint64_t query_count;
    hub_text settings_schema; /* JSON Schema, docs/plugin-authors.md says which part of it */
    hub_text catalogue;       /* indicators: JSON array, rows as /v1/indicators answers; else empty */
    const hub_text *required; /* host extensions without which it cannot work */
    uint64_t required_count;
    const hub_text *optional;
    uint64_t optional_count;
} hub_descriptor;

typedef struct hub_entry {
    uint64_t magic;
    uint32_t struct_size;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t reserved;
    hub_status (*init)(hub_error *error);                /* [scan] idempotent; before anything below */
    void (*deinit)(void);                                /* [scan] may be NULL */
    uint32_t (*count)(void);                             /* [scan] plugins in this library */
    const hub_descriptor *(*descriptor)(uint32_t index); /* [scan] */
    /* [control] An instance, or NULL and an error. Settings may be read already, nothing may be started. */
    const hub_plugin *(*create)(const hub_host *host, hub_text id, hub_error *error);
} hub_entry;

/* The one symbol a library exports: the same pointer at every call. [scan] */
HUB_EXPORT const hub_entry *hub_plugin_entry(void);

struct hub_plugin {
    uint32_t struct_size;
    uint32_t reserved;
    void *data;
    const void *(*get_extension)(const hub_plugin *plugin, hub_text id);          /* [any-thread] NULL = has it not */
    hub_status (*check_settings)(const hub_plugin *plugin, hub_error *error);     /* [control] pure */
    hub_status (*start)(const hub_plugin *plugin, hub_now now, hub_error *error); /* [control] */
    void (*stop)(const hub_plugin *plugin);                                       /* [control] idempotent */
    void (*destroy)(const hub_plugin *plugin);                                    /* [control] the last call */
};

struct hub_host {
    uint32_t struct_size;
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t reserved;
    void *data;
    const void *(*get_extension)(const hub_host *host, hub_text id); /* [any-thread] NULL = has it not */
};

#ifdef __cplusplus
}
#endif
#endif
