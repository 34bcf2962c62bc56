#include "hub_assets.h"

static const unsigned char openapi[] = {
#embed "contract/openapi.json"
};
static const unsigned char asyncapi[] = {
#embed "contract/asyncapi.json"
};
static const unsigned char docs_html[] = {
#embed "contract/docs.html"
};
static const unsigned char docs_css[] = {
#embed "contract/docs.css"
};
static const unsigned char docs_js[] = {
#embed "contract/docs.js"
};

hub_asset hub_asset_openapi(void) { return (hub_asset){openapi, sizeof openapi}; }
hub_asset hub_asset_asyncapi(void) { return (hub_asset){asyncapi, sizeof asyncapi}; }
hub_asset hub_asset_docs_html(void) { return (hub_asset){docs_html, sizeof docs_html}; }
hub_asset hub_asset_docs_css(void) { return (hub_asset){docs_css, sizeof docs_css}; }
hub_asset hub_asset_docs_js(void) { return (hub_asset){docs_js, sizeof docs_js}; }
