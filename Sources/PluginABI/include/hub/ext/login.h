/* A provider whose credential a person has to fetch in a browser. */
#ifndef HUB_EXT_LOGIN_H
#define HUB_EXT_LOGIN_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_LOGIN_EXTENSION "hub.login/1"

typedef struct hub_login_1 {
    /* [stream] The page to log in at; tokens in it are put in place by the host. `redirect` is where the vendor sends the
     * browser back to, `state` what it must bring back if it can. */
    hub_status (*url)(const hub_plugin *plugin, hub_text redirect, hub_text state, hub_writer *out, hub_now now,
                      hub_error *error);
    /* [stream] What the browser brought back: names and values of the query, values as tokens. Requests of the plugin, with
     * captures, then hub_host_secret_1.login_done. */
    hub_status (*exchange)(const hub_plugin *plugin, hub_text redirect, const hub_text *names, const hub_text *values,
                           uint64_t count, hub_now now, hub_error *error);
} hub_login_1;

#ifdef __cplusplus
}
#endif
#endif
