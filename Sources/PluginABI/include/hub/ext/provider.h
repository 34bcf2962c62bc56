/* A source of records that is called when something arrives or is due. */
#ifndef HUB_EXT_PROVIDER_H
#define HUB_EXT_PROVIDER_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_PROVIDER_EXTENSION "hub.provider/1"

/* One wanted instrument; kinds 0 = no longer wanted. */
typedef struct hub_want {
    uint32_t struct_size;
    uint32_t handle; /* instance-local, dense from 1; goes into hub_record.stream */
    uint32_t kinds;  /* bits 1 << kind */
    uint32_t reserved;
    hub_text symbol;
} hub_want;

typedef struct hub_response {
    uint32_t struct_size;
    uint32_t http_status; /* 0: no answer, `status` says why */
    hub_status status;
    uint32_t reserved;
    const hub_text *header_names;
    const hub_text *header_values;
    uint64_t header_count;
    hub_bytes body; /* whole */
} hub_response;

/* All [stream]. Functions that a plugin has no use for may be NULL, but `want`. */
typedef struct hub_provider_1 {
    /* Absolute per instrument, idempotent, given whole after `start`. Answer through hub_host_status_1. */
    hub_status (*want)(const hub_plugin *plugin, const hub_want *items, uint64_t count, hub_now now, hub_error *error);
    hub_status (*on_open)(const hub_plugin *plugin, uint32_t connection, hub_out *out, hub_now now, hub_error *error);
    /* One whole message. */
    hub_status (*on_message)(const hub_plugin *plugin, uint32_t connection, int is_text, hub_bytes message,
                             hub_out *out, hub_now now, hub_error *error);
    hub_status (*on_close)(const hub_plugin *plugin, uint32_t connection, uint32_t code, hub_text reason, hub_out *out,
                           hub_now now, hub_error *error);
    /* The upgrade was refused with an HTTP answer. */
    hub_status (*on_refused)(const hub_plugin *plugin, uint32_t connection, const hub_response *response,
                             hub_out *out, hub_now now, hub_error *error);
    hub_status (*on_response)(const hub_plugin *plugin, uint64_t request, const hub_response *response, hub_out *out,
                              hub_now now, hub_error *error);
    hub_status (*on_timer)(const hub_plugin *plugin, uint32_t timer, hub_out *out, hub_now now, hub_error *error);
} hub_provider_1;

#ifdef __cplusplus
}
#endif
#endif
