/* The log. */
#ifndef HUB_EXT_LOG_H
#define HUB_EXT_LOG_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_LOG "hub.host.log/1"

enum { HUB_LOG_TRACE = 0, HUB_LOG_DEBUG = 1, HUB_LOG_INFO = 2, HUB_LOG_WARNING = 3, HUB_LOG_ERROR = 4 };

typedef struct hub_host_log_1 {
    void (*log)(const hub_host *host, uint32_t level, hub_text message); /* [any-thread] [local] */
    uint32_t (*level)(const hub_host *host);                             /* lowest level that is written */
} hub_host_log_1;

#ifdef __cplusplus
}
#endif
#endif
