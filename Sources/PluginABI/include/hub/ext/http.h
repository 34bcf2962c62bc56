/* HTTP requests, which the host sends: connection reuse, TLS, proxy, compression, rate budgets, deadlines. The answer comes
 * as hub_provider_1.on_response. */
#ifndef HUB_EXT_HTTP_H
#define HUB_EXT_HTTP_H

#include "hub/ext/websocket.h" /* HUB_BEGINS_SESSION */

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_HTTP "hub.host.http/1"

enum {
    HUB_HTTP_IDEMPOTENT = 1 << 8, /* may be sent again by the host after a broken connection; GET and HEAD are */
    HUB_HTTP_FOLLOW = 1 << 9      /* follow redirects; credentials do not go to another host */
};

/* A text of a JSON answer that is a credential: the plugin sees a token in its place, the host keeps the text under `name`
 * (hub.host.secret/1), in the data folder too where the operator lets it. */
typedef struct hub_capture {
    hub_text pointer; /* JSON pointer into the body */
    hub_text name;
    int64_t expires_ns; /* 0 = not known */
} hub_capture;

typedef struct hub_request {
    uint32_t struct_size;
    uint32_t flags;
    hub_text method; /* empty: GET */
    hub_text url;
    const hub_text *header_names;
    const hub_text *header_values;
    uint64_t header_count;
    hub_bytes body;
    hub_text rate_class;  /* one of the descriptor's; empty: none. The request waits for its budget, at most to its deadline. */
    uint32_t cost;        /* in units of the class; 0 = 1 */
    uint32_t deadline_ms; /* 0 = what the operator set (providers.*.request_timeout) */
    const hub_capture *captures;
    uint64_t capture_count;
} hub_request;

typedef struct hub_host_http_1 {
    /* [queued] Under a number of the plugin's choice that is not in use. on_response follows, once. HUB_OVERLOAD: too many
     * are waiting. */
    hub_status (*send)(const hub_host *host, uint64_t request, const hub_request *what, hub_error *error);
    /* [queued] on_response follows, with HUB_TIMEOUT, unless the answer was on its way. */
    void (*cancel)(const hub_host *host, uint64_t request);
    /* [queued] The vendor says under status 200 that a budget is spent: nothing of the class goes out before a time. A 429
     * and Retry-After are seen by the host itself. */
    void (*limited)(const hub_host *host, hub_text rate_class, int64_t until_ns);
} hub_host_http_1;

#ifdef __cplusplus
}
#endif
#endif
