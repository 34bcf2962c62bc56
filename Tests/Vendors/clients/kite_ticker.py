"""Zerodha's official ticker, pointed at a fake: kite_ticker.py ROOT API_KEY ACCESS_TOKEN '{"full": [tokens]}'.

Prints one JSON line a callback and ends when its standard input closes. A process a run, as its reactor cannot restart.
"""

import json
import os
import sys

from kiteconnect import KiteTicker

root, api_key, access_token, wanted = sys.argv[1:]
wanted = json.loads(wanted)
ticker = KiteTicker(api_key, access_token, root=root, reconnect_max_tries=5, reconnect_max_delay=5, connect_timeout=5)


def say(what, **facts):
    print(json.dumps({"what": what, **facts}, default=lambda value: value.timestamp()), flush=True)


def connected(socket, response):
    for mode, tokens in wanted.items():
        socket.subscribe(tokens)
        socket.set_mode(mode, tokens)
    say("connect")


ticker.on_connect = connected
ticker.on_ticks = lambda socket, ticks: say("ticks", ticks=ticks)
ticker.on_close = lambda socket, code, reason: say("close", code=code, reason=str(reason))
ticker.on_error = lambda socket, code, reason: say("error", code=code, reason=str(reason))
ticker.on_reconnect = lambda socket, attempts: say("reconnect", attempts=attempts)
ticker.on_noreconnect = lambda socket: say("noreconnect")
ticker.on_order_update = lambda socket, data: say("order", data=data)
ticker.connect(threaded=True)
sys.stdin.read()
os._exit(0)
