/* What a provider says about itself and its subscriptions. */
#ifndef HUB_EXT_STATUS_H
#define HUB_EXT_STATUS_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_STATUS "hub.host.status/1"

typedef struct hub_host_status_1 {
    /* [queued] How the source is: HUB_STATE_OK, DEGRADED, RECONNECTING, AUTH_NEEDED, CLOSED, FAILED, with a reason. */
    void (*feed)(const hub_host *host, uint32_t state, hub_text reason);
    /* [queued] The answer to `want`, per instrument: HUB_STATE_OK (active), FAILED (rejected, unsupported), ENDED. */
    void (*subscription)(const hub_host *host, uint32_t handle, uint32_t state, hub_text reason);
    /* [queued] Data was lost: kinds are bits 1 << kind, handles NULL = all; to_ns 0 = still being lost: say the same again
     * with its end when that is known. A gap of all instruments is over with the next record, too. */
    void (*gap)(const hub_host *host, uint32_t reason, const uint32_t *handles, uint64_t count, uint32_t kinds,
                int64_t from_ns, int64_t to_ns);
} hub_host_status_1;

#ifdef __cplusplus
}
#endif
#endif
