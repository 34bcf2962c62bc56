/* Numbers for people who watch the hub. */
#ifndef HUB_EXT_METRIC_H
#define HUB_EXT_METRIC_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_METRIC "hub.host.metric/1"

/* Names are [a-z][a-z0-9_]*, at most 64 of an instance; shown in /metrics with the instance's name. */
typedef struct hub_host_metric_1 {
    void (*count)(const hub_host *host, hub_text name, uint64_t by);  /* [any-thread] a counter goes up */
    void (*gauge)(const hub_host *host, hub_text name, double value); /* [any-thread] a value is now */
} hub_host_metric_1;

#ifdef __cplusplus
}
#endif
#endif
