/* Values computed from bars. */
#ifndef HUB_EXT_INDICATOR_H
#define HUB_EXT_INDICATOR_H

#include "hub/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HUB_INDICATOR_EXTENSION "hub.indicator/1"

typedef struct hub_definition {
    uint32_t struct_size;
    uint32_t warm_up; /* bars before it is ready */
    hub_text name;    /* with all parameters, no blanks: "macd(12,26,9)" */
    const hub_text *outputs;
    uint64_t output_count;
    const uint32_t *intervals; /* it is wanted on; NULL = all of the pipeline */
    uint64_t interval_count;
} hub_definition;

typedef struct hub_series_bar {
    uint32_t series;
    uint32_t reserved;
    const hub_bar *bar;
} hub_series_bar;

typedef struct hub_indicator_1 {
    uint32_t (*count)(const hub_plugin *plugin);                                    /* [control] definitions */
    hub_status (*definition)(const hub_plugin *plugin, uint32_t index, hub_definition *out); /* [control] */
    /* [stream] Begins (or begins anew) the series: bars of one instrument and interval under one definition. */
    hub_status (*open)(const hub_plugin *plugin, uint32_t series, uint32_t definition, uint32_t interval,
                       hub_error *error);
    /* [stream] Closed bars, in the order of their series' time; one value record a bar: stream = series, definition =
     * index, bar_time, cause = the bar's seq, revision. */
    hub_status (*update)(const hub_plugin *plugin, const hub_series_bar *bars, uint64_t count, hub_out *out,
                         hub_now now, hub_error *error);
    /* [stream] As update, on forming bars, and no state changes. May be NULL. */
    hub_status (*peek)(const hub_plugin *plugin, const hub_series_bar *bars, uint64_t count, hub_out *out, hub_now now,
                       hub_error *error);
    hub_status (*save)(const hub_plugin *plugin, uint32_t series, hub_writer *writer, hub_error *error); /* [stream] */
    hub_status (*load)(const hub_plugin *plugin, uint32_t series, hub_bytes state, hub_error *error);    /* [stream] */
} hub_indicator_1;

#ifdef __cplusplus
}
#endif
#endif
