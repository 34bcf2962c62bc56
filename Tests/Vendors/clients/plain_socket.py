"""A WebSocket client as Finnhub's own samples have it, with websocket-client: plain_socket.py ADDRESS '["AAPL", …]'.

Subscribes on every opening, connects again after a second when it was cut, and prints a JSON line for whatever happens.
"""

import json
import os
import sys
import threading

import websocket

address, symbols = sys.argv[1:]


def say(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


def opened(socket):
    say("open")
    for symbol in json.loads(symbols):
        socket.send(json.dumps({"type": "subscribe", "symbol": symbol}))


app = websocket.WebSocketApp(
    address,
    on_open=opened,
    on_reconnect=opened,
    on_message=lambda socket, text: say("message", message=json.loads(text)),
    on_error=lambda socket, error: say("error", text=str(error), status=getattr(error, "status_code", None)),
    on_close=lambda socket, code, reason: say("close", code=code),
)
threading.Thread(target=lambda: app.run_forever(reconnect=1), daemon=True).start()
sys.stdin.read()
os._exit(0)
