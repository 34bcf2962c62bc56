/* A few texts that outlive the process. */
#ifndef HUB_EXT_STORE_H
#define HUB_EXT_STORE_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_STORE "hub.host.store/1"

/* An instance's own; keys of at most 128 bytes, values of at most 1 MiB, 1,000 keys. */
typedef struct hub_host_store_1 {
    int (*get)(const hub_host *host, hub_text key, hub_bytes *value); /* [local] 1 = there; lives until the next call */
    hub_status (*set)(const hub_host *host, hub_text key, hub_bytes value); /* [queued] empty = remove */
} hub_host_store_1;

#ifdef __cplusplus
}
#endif
#endif
