/* Everything of the plugin ABI: the core and every extension. */
#ifndef HUB_H
#define HUB_H

#include "hub/plugin.h"
#include "hub/ext/catalog.h"
#include "hub/ext/emit.h"
#include "hub/ext/http.h"
#include "hub/ext/indicator.h"
#include "hub/ext/log.h"
#include "hub/ext/login.h"
#include "hub/ext/metric.h"
#include "hub/ext/provider.h"
#include "hub/ext/pull.h"
#include "hub/ext/query.h"
#include "hub/ext/secret.h"
#include "hub/ext/settings.h"
#include "hub/ext/sink.h"
#include "hub/ext/status.h"
#include "hub/ext/store.h"
#include "hub/ext/timer.h"
#include "hub/ext/websocket.h"

#endif
