"""Upstox's official market data streamer, pointed at a fake: upstox_feed.py WS_ROOT ACCESS_TOKEN MODE '["KEY"]'.

Prints one JSON line an event. A line on standard input is `["method", arguments…]` of the streamer; its end ends the
process. The client knows one address only, so the WebSocket class under it is given another.
"""

import json
import os
import sys

import upstox_client
import websocket

root, access_token, mode, keys = sys.argv[1:]


class Redirected(websocket.WebSocketApp):
    def __init__(self, url, **options):
        super().__init__(url.replace("wss://api.upstox.com", root), **options)


websocket.WebSocketApp = Redirected
configuration = upstox_client.Configuration()
configuration.access_token = access_token
streamer = upstox_client.MarketDataStreamerV3(upstox_client.ApiClient(configuration), json.loads(keys), mode)


def say(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


streamer.on("open", lambda: say("open"))
streamer.on("message", lambda message: say("message", message=message))
streamer.on("error", lambda error: say("error", text=str(error)))
streamer.on("close", lambda code, reason: say("close", code=code))
streamer.on("reconnecting", lambda text: say("reconnecting", text=text))
streamer.on("autoReconnectStopped", lambda text: say("stopped", text=text))
streamer.connect()
for line in sys.stdin:
    method, *arguments = json.loads(line)
    getattr(streamer, method)(*arguments)
os._exit(0)
