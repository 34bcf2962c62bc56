/* Answers on demand: the newest prices, history, profiles, news. */
#ifndef HUB_EXT_QUERY_H
#define HUB_EXT_QUERY_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_QUERY_EXTENSION "hub.query/1"
#define HUB_HOST_QUERY "hub.host.query/1"

/* By the names that the descriptor lists: "quotes", "bars", "profile", "news", "sentiment", "search", "market_status",
 * "calendar". Answers are records for quotes (tick, quote, book, greeks) and bars, JSON for the rest: one object as
 * /v1/profiles, /v1/sentiment answer it, an array of them for the others. */
enum {
    HUB_QUERY_QUOTES = 1, HUB_QUERY_BARS = 2, HUB_QUERY_PROFILE = 3, HUB_QUERY_NEWS = 4, HUB_QUERY_SENTIMENT = 5,
    HUB_QUERY_SEARCH = 6, HUB_QUERY_MARKET_STATUS = 7, HUB_QUERY_CALENDAR = 8
};

typedef struct hub_query {
    uint32_t struct_size;
    uint32_t kind;    /* HUB_QUERY_* */
    uint64_t id;
    const hub_text *symbols; /* canonical; bars, profile, sentiment: one */
    uint64_t symbol_count;
    hub_text text;     /* search: what is searched for; market_status, calendar: the venue */
    uint32_t interval; /* bars, seconds */
    uint32_t limit;    /* 0 = as many as there are */
    int64_t from_ns;   /* bars, news, calendar: inclusive; 0 = open */
    int64_t to_ns;     /* exclusive; 0 = open */
    hub_text next;     /* where an earlier answer of the same query left off; empty: the beginning */
    int64_t deadline_ns;
} hub_query;

/* The widest span that one query for bars may have; the host asks in parts. */
typedef struct hub_query_span {
    uint32_t interval; /* seconds; 0 = any other */
    uint32_t days;     /* 0 = not offered */
} hub_query_span;

typedef struct hub_query_1 {
    /* [stream] Answered through hub_host_query_1, at once or after requests of the plugin's own. Another status than HUB_OK
     * is the answer itself. */
    hub_status (*query)(const hub_plugin *plugin, const hub_query *query, hub_now now, hub_error *error);
    /* [stream] Nobody waits any more; `done` is not needed. May be NULL. */
    void (*cancel)(const hub_plugin *plugin, uint64_t id);
    /* [scan] Symbols that one query for quotes may have; 0 = 1. */
    uint32_t (*batch)(const hub_plugin *plugin);
    /* [scan] Lives for ever; NULL = no limits known. */
    const hub_query_span *(*spans)(const hub_plugin *plugin, uint64_t *count);
} hub_query_1;

typedef struct hub_host_query_1 {
    /* [local] Records of the answer, 64-byte aligned, heads as in hub_emit; `stream` is the place of the symbol in the query,
     * from 1 on. They are copied, and checked as emitted ones are. */
    hub_status (*records)(const hub_host *host, uint64_t id, const void *records, uint64_t length);
    /* [local] Instead of records: one JSON text. */
    hub_status (*json)(const hub_host *host, uint64_t id, hub_text json);
    /* [queued] HUB_OK: answered, perhaps with nothing (empty). HUB_NOT_FOUND: the thing does not exist. HUB_UNSUPPORTED:
     * never. HUB_ENTITLEMENT: not in this plan. `next`: where to go on; empty: that was all. */
    void (*done)(const hub_host *host, uint64_t id, hub_status status, hub_text reason, int32_t retry_after_ms,
                 hub_text next);
} hub_host_query_1;

#ifdef __cplusplus
}
#endif
#endif
