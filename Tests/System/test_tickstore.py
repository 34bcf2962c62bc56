"""The past behind the journal: what was sent live is in /v1/events and in a replay from `earliest` byte for byte, long after the
journal let go of it, across `kill -9` and restarts; and what retention took is told to those whom it concerns."""

import json
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from hubprocess import split_message

CONFIGURATION = """
hub:
  listen: "127.0.0.1:PORT"
  data: ./data
  heartbeat: 1s
  retention: {{ journal_size: 4MiB, min_free: 32MiB{retention} }}
providers:
  simulator: {{ plugin: simulator, settings: {{ seed: 7, rate: {rate}, history: 0, kinds: [trade, quote, book] }} }}
pipelines:
  demo: {{ from: [simulator], instruments: ["SIM:A", "SIM:B", "SIM:C"], kinds: [trade, quote, book], bars: [1s, 1m] }}
"""

VIEWS = ("hello", "subscribed", "live", "heartbeat", "lag", "pong", "snapshot", "end")


class Reader:
    """Reads everything from a position on, on a thread of its own, until it is stopped or cut off."""

    def __init__(self, hub, start, symbols=("*",), types=("*",)):
        self.events = {}
        self.order = []
        self.holes = []
        self.epoch = None
        self.is_live = threading.Event()
        self.ws = hub.websocket()
        self.ws.send(json.dumps({
            "op": "subscribe", "id": 1, "symbols": list(symbols), "types": list(types), "from": start}))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                for event, text in split_message(self.ws.recv(timeout=60)):
                    kind = event["type"]
                    if kind == "hello":
                        self.epoch = event["epoch"]
                    elif kind == "live":
                        self.is_live.set()
                    elif kind == "hole":
                        self.holes.append(event)
                        self.order.append(event)
                    elif kind not in VIEWS:
                        assert kind not in ("error", "bye"), event
                        assert event["seq"] not in self.events, "twice"
                        self.events[event["seq"]] = text
                        self.order.append(event)
        except (ConnectionClosed, TimeoutError, OSError, EOFError):
            pass

    def last(self):
        return max(self.events, default=0)

    def wait(self, seq, timeout=60):
        deadline = time.monotonic() + timeout
        while self.last() < seq:
            assert time.monotonic() < deadline, f"got {self.last()} of {seq}"
            assert self.thread.is_alive(), "cut off"
            time.sleep(0.02)

    def stop(self):
        self.ws.close()
        self.thread.join(30)


def wait_compacted(hub, seq, timeout=90):
    deadline = time.monotonic() + timeout
    while True:
        status = hub.json("/v1/status")["hub"]
        if status["compacted_to"] >= seq:
            return status
        assert time.monotonic() < deadline, f"{status}\n{hub.tail()}"
        time.sleep(0.1)


@pytest.mark.timeout(300)
def test_what_was_live_is_read_again_byte_for_byte_when_the_journal_has_let_go(start_hub):
    hub = start_hub(CONFIGURATION.format(rate=4000, retention=""))
    live = Reader(hub, "earliest")
    wait_compacted(hub, 30_000)
    # Cut off by the hub's death; what it was sent is what counts.
    hub.kill()
    live.thread.join(30)
    seen, epoch, cut = dict(live.events), live.epoch, live.last()
    assert sorted(seen) == list(range(1, cut + 1)), "every record, in order"

    hub.start()
    resumed = Reader(hub, {"cursor": f"{epoch}.{cut}"})
    resumed.wait(cut + 20_000)
    assert not resumed.holes
    seen.update(resumed.events)
    last = resumed.last()
    assert set(range(1, last + 1)) <= set(seen)
    status = wait_compacted(hub, last)
    resumed.stop()
    assert hub.stop() == 0
    hub.start()

    # The journal holds a fraction of it.
    status = hub.json("/v1/status")["hub"]
    assert status["earliest"]["seq"] == 1
    assert status["store_bytes"] > 100_000
    deadline = time.monotonic() + 60
    while (bytes_left := hub.json("/v1/status")["hub"]["journal_bytes"]) > 8 << 20:
        assert time.monotonic() < deadline, f"the journal keeps {bytes_left} bytes"
        time.sleep(0.2)

    pages = {}
    for event, text in hub.events(types="*", symbols="*", after=0, before=last + 1, limit=20_000):
        pages[event["seq"]] = text
    assert sorted(pages) == list(range(1, last + 1))
    assert all(pages[seq] == seen[seq] for seq in pages), "the same bytes in pages as live"

    replay = Reader(hub, "earliest")
    replay.wait(last)
    replay.stop()
    assert not replay.holes
    assert all(replay.events[seq] == pages[seq] for seq in pages), "the same bytes in a replay"

    # By instrument, by time, and from the end.
    trades = [json.loads(text) for _, text in sorted(pages.items()) if '"type":"trade"' in text[:20]]
    ours = [t for t in trades if t["symbol"] == "SIM:B"]
    middle, end = ours[len(ours) // 3]["time"], ours[2 * len(ours) // 3]["time"]
    page = hub.json("/v1/trades/SIM:B", **{"from": middle, "to": end, "limit": 50_000})
    assert page["data"] == [t for t in ours if middle <= t["time"] < end]
    assert page["meta"]["holes"] == []
    page = hub.json("/v1/trades/SIM:B", before=last + 1, limit=100)
    assert page["data"] == ours[-100:]

    metrics = hub.get("/metrics").text
    assert "hub_compacted_to" in metrics and "hub_compaction_lag_events" in metrics


@pytest.mark.timeout(300)
def test_what_retention_took_is_a_hole_for_those_who_asked_for_it(start_hub):
    hub = start_hub(CONFIGURATION.format(rate=4000, retention=", books: 1s"))
    wait_compacted(hub, 20_000)
    deadline = time.monotonic() + 90
    while True:
        page = hub.json("/v1/events", types="book", after=0, limit=1)
        if page["meta"]["holes"]:
            break
        assert time.monotonic() < deadline, hub.tail()
        time.sleep(0.2)
    hole = page["meta"]["holes"][0]
    assert hole["type"] == "hole" and hole["reason"] == "retention" and hole["types"] == ["book"]
    assert hole["after"] == 0 and page["data"][0]["seq"] >= hole["before"]

    everything = Reader(hub, "earliest", types=("trade", "book"))
    assert everything.is_live.wait(60)
    everything.stop()
    assert everything.holes and everything.holes[0]["types"] == ["book"]
    # Before the first event after it.
    first = everything.order.index(everything.holes[0])
    assert all(event["seq"] <= everything.holes[0]["after"] for event in everything.order[:first])
    inside = [e for e in everything.order if "seq" in e and e["seq"] < everything.holes[0]["before"]]
    assert inside and all(event["type"] in ("trade", "gap") for event in inside)

    trades = Reader(hub, "earliest", types=("trade",))
    assert trades.is_live.wait(60)
    trades.stop()
    assert not trades.holes
    assert hub.json("/v1/trades/SIM:A", after=0, limit=10)["meta"]["holes"] == []
