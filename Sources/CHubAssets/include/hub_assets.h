/* Files that are part of the program: the contract documents and the page that shows them. */
#ifndef HUB_ASSETS_H
#define HUB_ASSETS_H

#include <stddef.h>

typedef struct hub_asset {
    const unsigned char *bytes; /* not terminated */
    size_t length;
} hub_asset;

/* Any thread; the bytes stay where they are as long as the process lives. */
hub_asset hub_asset_openapi(void);
hub_asset hub_asset_asyncapi(void);
hub_asset hub_asset_docs_html(void);
hub_asset hub_asset_docs_css(void);
hub_asset hub_asset_docs_js(void);

#endif
