"""TwelveData's official WebSocket client, pointed at a fake: twelvedata_prices.py URL ADDRESS '["AAPL", …]' [KEY].

Prints a JSON line an event and a line of its log, takes {"do": "subscribe", "symbols": […]} (or unsubscribe, reset,
heartbeat) and ends when its standard input closes.
"""

import json
import logging
import os
import sys

from twelvedata import TDClient

url, address, symbols, *key = sys.argv[1:]


def say(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


class Lines(logging.Handler):
    def emit(self, record):
        say("log", text=record.getMessage())


logger = logging.getLogger("prices")
logger.setLevel(logging.INFO)
logger.addHandler(Lines())
client = TDClient(apikey="fakekey", base_url=url)
socket = client.websocket(symbols=json.loads(symbols), on_event=lambda event: say("event", event=event), logger=logger)
socket.url = f"{address}/v1/quotes/price?apikey={(key or ['fakekey'])[0]}"
socket.connect()
for line in sys.stdin:
    order = json.loads(line)
    method = getattr(socket, order.pop("do"))
    method(*order.values())
os._exit(0)
