"""Follows the stream of a hub over WebSocket and prints its events, one JSON object a line.

The place it has come to is kept in a file. When the connection is cut, by whatever, it comes back and goes on from there:
nothing is missing, nothing is printed twice.

    pip install websockets
    python follow.py --symbols 'SIM:*' --types trade,bar:1m
"""

import argparse
import json
import pathlib
import random
import sys
import time

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect


def events(url, symbols, types, cursor):
    """What comes after a cursor, or from the oldest record on: pairs of an event (or None) and the cursor behind it."""
    with connect(url + "/v1/stream", max_size=None) as socket:
        start = {"cursor": cursor} if cursor else "earliest"
        socket.send(json.dumps({"op": "subscribe", "symbols": symbols, "types": types, "from": start}))
        epoch, silence = "", 15.0
        while True:
            # Three heartbeats of silence: the line is dead, although nobody said so.
            for item in json.loads(socket.recv(timeout=silence)):
                if item["type"] == "hello":
                    epoch, silence = item["epoch"], 3 * item["heartbeat_ms"] / 1000
                elif item["type"] == "error":
                    sys.exit(f"the hub says {item['code']}: {item['message']}")
                elif item["type"] == "hole":
                    print(f"{item['after']} to {item['before']} is gone: {item['reason']}", file=sys.stderr)
                elif "cursor" in item:  # subscribed, live, heartbeat, bye
                    yield None, item["cursor"]
                elif "seq" in item and "received" in item:
                    yield item, f"{epoch}.{item['seq']}"


def main():
    parser = argparse.ArgumentParser(description="prints the events of a hub, and goes on where it was")
    parser.add_argument("--url", default="ws://127.0.0.1:8080")
    parser.add_argument("--symbols", default="*")
    parser.add_argument("--types", default="trade")
    parser.add_argument("--cursor", default="cursor.txt", help="file with the place to go on from")
    parser.add_argument("--count", type=int, default=-1, help="stop after so many events")
    options = parser.parse_args()
    place = pathlib.Path(options.cursor)
    cursor = place.read_text().strip() if place.exists() else None
    left, failures = options.count, 0

    def save():
        draft = place.with_suffix(".new")
        draft.write_text(cursor or "")
        draft.replace(place)

    while left != 0:
        try:
            for event, cursor in events(options.url, options.symbols.split(","), options.types.split(","), cursor):
                failures = 0
                if event is None:
                    save()
                    continue
                print(json.dumps(event, separators=(",", ":")), flush=True)
                left -= 1
                if left == 0:
                    break
        except (OSError, EOFError, TimeoutError, WebSocketException) as problem:
            wait = min(30, 0.25 * 2**failures) * random.uniform(0.5, 1)
            failures += 1
            print(f"cut ({problem}); again in {wait:.1f} s", file=sys.stderr)
            time.sleep(wait)
        finally:
            save()


main()
