/* Credentials that the plugin never holds. An `x-secret` setting reads as a token ("HUBSECRET" and 22 letters and digits); the
 * host puts the secret in its place where a request of this instance to one of its hosts carries the token: in the URL,
 * headers, text messages and bodies, escaped as the place needs it. */
#ifndef HUB_EXT_SECRET_H
#define HUB_EXT_SECRET_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_SECRET "hub.host.secret/1"

enum {
    HUB_DERIVE_SHA256_HEX = 1,      /* of all parts, one behind the other */
    HUB_DERIVE_HMAC_SHA256_HEX = 2, /* key: the first part; message: the rest */
    HUB_DERIVE_BASE64_BASIC = 3     /* of "first:second" */
};

typedef struct hub_host_secret_1 {
    /* [local] A token that stands for what is computed from texts and tokens when it is put in place. It lives as long as
     * the instance. */
    hub_status (*derive)(const hub_host *host, uint32_t how, const hub_text *parts, uint64_t count, hub_text *token);
    /* [local] 1 and the token of the credential that was captured under a name, and the time it ends (0 = not known); 0 =
     * there is none. */
    int (*kept)(const hub_host *host, hub_text name, hub_text *token, int64_t *expires_ns);
    /* [queued] A captured credential is good no more. */
    void (*forget)(const hub_host *host, hub_text name);
    /* [queued] The end of hub_login_1.exchange. */
    void (*login_done)(const hub_host *host, hub_status status, hub_text reason);
} hub_host_secret_1;

#ifdef __cplusplus
}
#endif
#endif
