/* Typed access to an instance's settings, so that a plugin needs no parser. */
#ifndef HUB_EXT_SETTINGS_H
#define HUB_EXT_SETTINGS_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_HOST_SETTINGS "hub.host.settings/1"

/* Paths are JSON pointers ("/files/0/path"; "/" in a key is "~1", "~" is "~0"). Defaults of the schema are filled in.
 * 1 = there, and of that type; 0 = not. Durations are integers in nanoseconds where the schema says format "duration",
 * sizes integers in bytes for "size"; their text can be read too. [local] */
typedef struct hub_host_settings_1 {
    int (*text)(const hub_host *host, hub_text path, hub_text *value); /* lives as long as the instance */
    int (*integer)(const hub_host *host, hub_text path, int64_t *value);
    int (*number)(const hub_host *host, hub_text path, double *value);
    int (*boolean)(const hub_host *host, hub_text path, int *value);
    int64_t (*count)(const hub_host *host, hub_text path); /* elements of a list, keys of a map; -1 = neither */
    int (*key)(const hub_host *host, hub_text path, uint64_t index, hub_text *key); /* of a map, in file order */
} hub_host_settings_1;

#ifdef __cplusplus
}
#endif
#endif
