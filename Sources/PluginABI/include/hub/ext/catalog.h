/* Which instruments a provider has, and what it calls them. */
#ifndef HUB_EXT_CATALOG_H
#define HUB_EXT_CATALOG_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_CATALOG_EXTENSION "hub.catalog/1"
#define HUB_HOST_CATALOG "hub.host.catalog/1"

enum { HUB_RIGHT_NONE = 0, HUB_RIGHT_CALL = 1, HUB_RIGHT_PUT = 2 };

/* Empty and NaN = not known. */
typedef struct hub_listing {
    uint32_t struct_size;
    uint32_t type; /* HUB_TYPE_* */
    hub_text symbol;
    hub_text name;
    hub_text currency;
    hub_text isin;
    hub_text figi;
    hub_text underlying; /* canonical symbol */
    hub_text sector;
    double tick_size;
    double lot_size;
    double multiplier;
    double strike;
    int32_t expiry; /* days since 1970-01-01 of the last trading day; 0 = none */
    uint32_t right; /* HUB_RIGHT_* */
    const hub_text *identifier_names; /* the vendor's own: "instrument_token", "tradingsymbol" */
    const hub_text *identifier_values;
    uint64_t identifier_count;
} hub_listing;

typedef struct hub_catalog_1 {
    /* [stream] Ask for the list again; hub_host_catalog_1 takes it. May be NULL: the provider has no list. */
    hub_status (*refresh)(const hub_plugin *plugin, hub_now now, hub_error *error);
    /* [stream] What is known of a canonical symbol; what `out` points to lives until the next call. HUB_NOT_FOUND. */
    hub_status (*describe)(const hub_plugin *plugin, hub_text symbol, hub_listing *out, hub_error *error);
    /* [stream] The canonical symbol of one of the vendor's identifiers; lives until the next call. HUB_NOT_FOUND. */
    hub_status (*find)(const hub_plugin *plugin, hub_text identifier, hub_text *symbol, hub_error *error);
} hub_catalog_1;

typedef struct hub_host_catalog_1 {
    /* [local] Part of a list that is being told; all in one callback or over several. */
    hub_status (*add)(const hub_host *host, const hub_listing *items, uint64_t count);
    /* [queued] The list is whole: what an earlier one had and this one has not is gone. With another status than HUB_OK what
     * was added is dropped and the earlier list stands. */
    void (*done)(const hub_host *host, hub_status status, hub_text reason);
    /* [local] 1 and the vendor's own name that the operator gave a canonical symbol (providers.*.symbols); 0 = none. Lives
     * as long as the instance. */
    int (*named)(const hub_host *host, hub_text symbol, hub_text *vendor_name);
} hub_host_catalog_1;

#ifdef __cplusplus
}
#endif
#endif
