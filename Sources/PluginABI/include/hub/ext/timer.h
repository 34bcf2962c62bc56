/* Timers. */
#ifndef HUB_EXT_TIMER_H
#define HUB_EXT_TIMER_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_TIMER "hub.host.timer/1"

typedef struct hub_host_timer_1 {
    /* [queued] on_timer(timer) at wall time `at_ns`, then every `period_ns` (0 = once) by the clock, never by the
     * delay. Setting a timer again replaces it. */
    hub_status (*set)(const hub_host *host, uint32_t timer, int64_t at_ns, int64_t period_ns);
    void (*cancel)(const hub_host *host, uint32_t timer); /* [queued] */
} hub_host_timer_1;

#ifdef __cplusplus
}
#endif
#endif
