/* A source that is asked for records: simulators, files, generators. */
#ifndef HUB_EXT_PULL_H
#define HUB_EXT_PULL_H

#include "hub/ext/provider.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_PROVIDER_PULL_EXTENSION "hub.provider.pull/1"

enum { HUB_PULL_MORE = 1, HUB_PULL_UNTIL = 2, HUB_PULL_END = 3 };

typedef struct hub_pull {
    uint32_t struct_size;
    uint32_t what;    /* HUB_PULL_*; the host sets MORE */
    int64_t until_ns; /* wall time of the next record, for UNTIL */
} hub_pull;

/* A source that is asked, and only while there is room for what it may answer. */
typedef struct hub_provider_pull_1 {
    /* [stream] Emit at most `budget` records that are due at `now`, then say what is next: more are due (MORE), none
     * before a time (UNTIL), none ever (END: the source's open bars close). */
    hub_status (*pull)(const hub_plugin *plugin, uint32_t budget, hub_pull *next, hub_out *out, hub_now now,
                       hub_error *error);
} hub_provider_pull_1;

#ifdef __cplusplus
}
#endif
#endif
