"""The promise: a client that is cut at random and resumes, while the hub is killed now and then, misses nothing and
gets nothing twice; and what it was sent is what /v1/events holds, byte for byte."""

import json
import os
import random
import socket
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from hubprocess import split_message
from realdata import rows, spy_trades

CONFIGURATION = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data, heartbeat: 1s }}
providers:
  tape:
    plugin: replay
    settings: {{ speed: {speed}, files: [{{ path: "{path}", symbol: "ARCA:SPY", kind: trade }}] }}
pipelines:
  tape: {{ from: [tape], instruments: ["ARCA:SPY"], bars: [1s, 1m, 5m] }}
"""


class Client:
    """Subscribes, remembers its cursor, and keeps every event as it was sent."""

    def __init__(self, hub):
        self.hub = hub
        self.cursor = None
        self.events = []
        self.cuts = 0

    def attach(self, budget: int):
        """Reads `budget` events, then drops the connection without a word."""
        with self.hub.websocket() as ws:
            start = {"cursor": self.cursor} if self.cursor else "earliest"
            ws.send(json.dumps({"op": "subscribe", "id": 1, "symbols": ["*"], "types": ["*"], "from": start}))
            epoch = None
            while budget > 0:
                for event, text in split_message(ws.recv(timeout=30)):
                    if event["type"] == "hello":
                        epoch = event["epoch"]
                    assert event["type"] not in ("hole", "error", "bye"), event
                    if "seq" in event and event["type"] not in ("live", "snapshot", "heartbeat", "lag"):
                        self.events.append((event["seq"], text))
                        self.cursor = f"{epoch}.{event['seq']}"
                        budget -= 1
                    if event["type"] == "heartbeat" and event["position"] == event["head"]:
                        return
            # Cut the socket under the protocol: no close frame.
            ws.socket.shutdown(socket.SHUT_RDWR)
        self.cuts += 1


def survive(seed: int, start_hub, cuts: int, kills: int, speed: str, path):
    print(f"seed {seed}")
    rng = random.Random(seed)
    hub = start_hub(CONFIGURATION.format(speed=speed, path=path))
    client = Client(hub)
    kill_at = sorted(rng.sample(range(5, cuts - 5), kills))
    for round_number in range(cuts):
        if kill_at and round_number == kill_at[0]:
            kill_at.pop(0)
            timer = threading.Timer(rng.uniform(0.0, 0.2), hub.kill)
            timer.start()
            try:
                client.attach(rng.randrange(1, 20000))
            except (ConnectionClosed, InvalidHandshake, TimeoutError, OSError, EOFError):
                pass
            timer.join()
            hub.start()
            continue
        try:
            client.attach(rng.choice([1, 10, 100, 1000, 10000]) * rng.randrange(1, 4))
        except (ConnectionClosed, OSError, EOFError):
            pass
    # To the end of the recording.
    total = sum(1 for _ in rows(path))
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        page = hub.json("/v1/trades/ARCA:SPY", limit=1)
        status = hub.json("/v1/status")
        if status["providers"][0]["state"] == "stopped" and page["data"]:
            break
        time.sleep(0.1)
    head = hub.json("/v1/status")["hub"]["head"]
    while not client.events or client.events[-1][0] < head:
        client.attach(head - (client.events[-1][0] if client.events else 0))

    assert [seq for seq, _ in client.events] == list(range(1, len(client.events) + 1)), "dense and in order"
    stored = {event["seq"]: text for event, text in hub.events(types="*", symbols="*", after=0, limit=50000)}
    sent = dict(client.events)
    for seq, text in stored.items():
        if seq in sent:
            assert sent[seq] == text
    assert set(sent) <= set(stored)
    trades = [json.loads(text) for _, text in client.events]
    trades = [(t["time"], t["price"], t["size"]) for t in trades if t["type"] == "trade"]
    expected = [(ns // 1000, float(price), float(size)) for ns, price, size, _ in rows(path)]
    assert len(trades) == total and trades == expected, "no row lost, none doubled"


@pytest.mark.timeout(300)
def test_a_client_that_is_cut_and_resumes_ends_with_exactly_the_journal(start_hub):
    from realdata import EXCERPT

    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 31)))
    survive(seed, start_hub, cuts=30, kills=3, speed="40", path=EXCERPT)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_cuts_and_ten_kills_over_a_whole_day(start_hub):
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 31)))
    survive(seed, start_hub, cuts=100, kills=10, speed="1500", path=spy_trades())
