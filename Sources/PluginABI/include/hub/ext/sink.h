/* Where records are carried to. */
#ifndef HUB_EXT_SINK_H
#define HUB_EXT_SINK_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_SINK_EXTENSION "hub.sink/1"
#define HUB_HOST_SINK "hub.host.sink/1"

/* Records as journaled, in order of seq; the definitions a record needs come before it, in this batch or an earlier one
 * since `start`. A batch that is retried after a restart holds the same records or begins later. */
typedef struct hub_batch {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t first_seq; /* range of the journal that the batch stands for */
    uint64_t last_seq;
    const hub_record *const *records;
    uint64_t count;
} hub_batch;

typedef struct hub_sink_1 {
    /* [stream] HUB_OK: taken (not yet durable). Anything else: not taken, it comes again after the retry hint. */
    hub_status (*write)(const hub_plugin *plugin, const hub_batch *batch, hub_now now, hub_error *error);
    /* [stream] Make everything taken durable and acknowledge it before the wall time `deadline_ns`. */
    hub_status (*flush)(const hub_plugin *plugin, int64_t deadline_ns, hub_error *error);
    /* [stream] Retention overtook this sink: these are gone. May be NULL. */
    void (*hole)(const hub_plugin *plugin, uint64_t first_seq, uint64_t last_seq);
} hub_sink_1;

typedef struct hub_host_sink_1 {
    /* [any-thread] Everything up to `through_seq` is durable. Monotone. */
    void (*ack)(const hub_host *host, uint64_t through_seq);
} hub_host_sink_1;

#ifdef __cplusplus
}
#endif
#endif
