/* WebSocket connections, which the host keeps: TLS, proxy, compression, pings, watchdog, backoff. What happens to one comes
 * as hub_provider_1.on_open, on_message, on_close and on_refused. */
#ifndef HUB_EXT_WEBSOCKET_H
#define HUB_EXT_WEBSOCKET_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_WEBSOCKET "hub.host.websocket/1"

enum {
    /* The first step of a new attempt: it waits for the backoff of its provider (doubling, full jitter), which starts from
     * its minimum again once a connection was healthy for a minute. Where a request comes before the connection (a one-time
     * URL), the request has the flag and the connection has not. */
    HUB_BEGINS_SESSION = 1 << 0,
    HUB_WEBSOCKET_NO_DEFLATE = 1 << 1 /* do not offer permessage-deflate */
};

typedef struct hub_websocket {
    uint32_t struct_size;
    uint32_t flags;
    hub_text url; /* ws or wss; the host of it must be one of the descriptor's, or of a setting with format "uri" */
    const hub_text *header_names;
    const hub_text *header_values;
    uint64_t header_count;
    hub_text subprotocol;    /* empty: none */
    uint32_t ping_every_ms;  /* own pings; 0 = none. The other side's are always answered. */
    uint32_t pong_within_ms; /* dead without an answer by then; 0 = answers are not waited for */
    uint32_t idle_after_ms;  /* dead when no frame of any kind came for so long; 0 = never */
    uint32_t max_message;    /* bytes; 0 = 16 MiB */
} hub_websocket;

typedef struct hub_host_websocket_1 {
    /* [queued] Opens a connection under a number of the plugin's choice that is not in use. on_open and later on_close
     * follow, or on_refused, or on_close alone (1006: it could not be reached), each once; then the number is free. */
    hub_status (*open)(const hub_host *host, uint32_t connection, const hub_websocket *request, hub_error *error);
    /* [queued] HUB_OVERLOAD: too much is waiting to be sent, nothing was taken. HUB_NOT_FOUND: it is not open. */
    hub_status (*send)(const hub_host *host, uint32_t connection, int is_text, hub_bytes message);
    /* [queued] on_close follows. An opening that still waits is forgotten, with on_close too. */
    void (*close)(const hub_host *host, uint32_t connection, uint32_t code, hub_text reason);
} hub_host_websocket_1;

#ifdef __cplusplus
}
#endif
#endif
