/* What a plugin asks the host about the streams it emits into. */
#ifndef HUB_EXT_EMIT_H
#define HUB_EXT_EMIT_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_EMIT "hub.host.emit/1"

/* What is known of an instrument; NaN and empty = not known. */
typedef struct hub_instrument {
    uint32_t struct_size;
    uint32_t type; /* HUB_TYPE_* */
    hub_text symbol;
    hub_text market_centre; /* empty: the symbol's own venue */
    hub_text currency;
    hub_text calendar;
    double tick_size;
    double lot_size;
} hub_instrument;

typedef struct hub_host_emit_1 {
    /* [local] A handle for a stream the plugin discovered; the same (symbol, market centre) gives the same handle.
     * 0 = refused (the symbol is not one, or belongs to none of the pipelines this source serves). */
    uint32_t (*define)(const hub_host *host, const hub_instrument *instrument);
    /* [local] Type, currency and sizes of a handle that came with `want`; before its first record. */
    hub_status (*describe)(const hub_host *host, uint32_t handle, const hub_instrument *instrument);
    /* [local] 1 and the last position this source's data in the journal goes up to; 0 = start anew. Valid from `start`
     * on. */
    int (*last_position)(const hub_host *host, uint8_t data[24]);
} hub_host_emit_1;

#ifdef __cplusplus
}
#endif
#endif
