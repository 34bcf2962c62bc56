"""Replays with an end and a pace, views of what is forming, and clients that are too slow, as a client sees them."""

import json
import socket
import time

import pytest
from websockets.exceptions import ConnectionClosed

from hubprocess import split_message

CONFIGURATION = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data, heartbeat: 1s }}
providers:
  simulator: {{ plugin: simulator, settings: {{ seed: 5, rate: {rate}, kinds: [{kinds}], history: {history} }} }}
pipelines:
  demo: {{ from: [simulator], instruments: [{symbols}], kinds: [{kinds}], bars: [1s, 1m] }}
"""


def configuration(rate=100, kinds="trade, quote, book", symbols='"SIM:ALPHA", "SIM:BETA"', history="0s"):
    return CONFIGURATION.format(rate=rate, kinds=kinds, symbols=symbols, history=history)


def is_event(o):
    return "seq" in o and "received" in o


def objects(ws, until, seconds=30):
    """(object, its text) until one satisfies `until`, that one included."""
    got = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for value, text in split_message(ws.recv(timeout=seconds)):
            got.append((value, text))
            if until(value):
                return got
    raise AssertionError(f"not seen in {seconds} s; last: {[v for v, _ in got[-3:]]}")


def subscribe(ws, **fields):
    if "start" in fields:
        fields["from"] = fields.pop("start")
    ws.send(json.dumps({"op": "subscribe", "id": 1, **fields}))


def ask(ws, op, **fields):
    """Sends an operation; answers what came before its answer, and the answer."""
    ws.send(json.dumps({"op": op, "id": f"{op}-{time.monotonic_ns()}", **fields}))
    got = [o for o, _ in objects(ws, lambda o: o["type"] in ("replay", "error"))]
    return got[:-1], got[-1]


def head(hub):
    return hub.json("/v1/status")["hub"]["head"]


def wait_for_head(hub, seq):
    while head(hub) < seq:
        time.sleep(0.02)


# Replays


def test_a_replay_to_a_position_is_exactly_the_pages_of_events(start_hub):
    hub = start_hub(configuration(rate=1000))
    wait_for_head(hub, 3000)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:ALPHA"], types=["trade", "bar:1s"], start={"after": 500}, to={"seq": 2500})
        got = objects(ws, lambda o: o["type"] == "end")
        end = got[-1][0]
        assert end["seq"] == 2500 and end["cursor"].endswith(".2500")
        assert "live" not in [o["type"] for o, _ in got]
        sent = [text for o, text in got if is_event(o)]
        stored = [t for _, t in hub.events(symbols="SIM:ALPHA", types="trade,bar:1s", after=500, before=2501, limit=700)]
        assert sent == stored and len(sent) > 100
        # Nothing more comes but heartbeats, and operations are still answered.
        ws.send('{"op":"ping","id":"p"}')
        rest = [o for o, _ in objects(ws, lambda o: o["type"] == "heartbeat")]
        assert {o["type"] for o in rest} <= {"pong", "heartbeat"} and rest[-1]["position"] == 2500
        assert ask(ws, "pause")[1]["state"] == "ended"
        subscribe(ws, symbols=["SIM:BETA"])
        assert objects(ws, lambda o: o["type"] == "error")[-1][0]["code"] == "not_replaying"


def test_a_replay_ends_now_at_a_time_and_at_what_is_to_come(start_hub):
    hub = start_hub(configuration(rate=500))
    wait_for_head(hub, 1000)
    with hub.websocket("/v1/stream?symbols=*&types=*&from=earliest&to=now") as ws:
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "end")]
        seqs = [o["seq"] for o in got if is_event(o)]
        subscribed = next(o for o in got if o["type"] == "subscribed")
        assert seqs == list(range(1, subscribed["head"] + 1)) and got[-1]["seq"] == subscribed["head"]
    events = hub.json("/v1/events", symbols="SIM:*", types="trade", after=0, limit=300)["data"]
    middle = events[len(events) // 2]
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade"], start="earliest", to={"time": middle["time"]})
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "end")]
        expected = [e["seq"] for e in events if e["seq"] < next(x["seq"] for x in events if x["time"] >= middle["time"])]
        assert [o["seq"] for o in got if is_event(o)] == expected
    with hub.websocket() as ws:
        target = head(hub) + 400
        subscribe(ws, symbols=["*"], types=["*"], start={"after": target - 500}, to={"seq": target})
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "end")]
        types = [o["type"] for o in got]
        assert types.count("live") == 1
        assert [o["seq"] for o in got if is_event(o)] == list(range(target - 499, target + 1))
    with hub.websocket() as ws:
        soon = int((time.time() + 1.5) * 1e6)
        subscribe(ws, symbols=["SIM:*"], types=["trade"], to={"time": soon})
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "end")]
        assert all(o["time"] < soon for o in got if o["type"] == "trade")
        assert sum(o["type"] == "trade" for o in got) > 50
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], start={"after": 100}, to={"seq": 50})
        assert objects(ws, lambda o: o["type"] == "error")[-1][0]["code"] == "bad_range"


def test_a_paced_replay_pauses_goes_on_changes_its_speed_and_becomes_live(start_hub):
    hub = start_hub(configuration(rate=200, kinds="trade"))
    wait_for_head(hub, 1500)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade"], start="earliest", speed=2)
        before = [o for o, _ in objects(ws, lambda o: o["type"] == "trade" and o["seq"] > 60)]
        assert "live" not in [o["type"] for o in before]
        more, answer = ask(ws, "pause")
        events = [o for o in before + more if o["type"] == "trade"]
        assert answer["state"] == "paused" and answer["speed"] == 2
        assert answer["seq"] >= events[-1]["seq"] and answer["time"] >= events[0]["received"]
        # Heartbeats go on, events do not.
        rest = [o for o, _ in objects(ws, lambda o: o["type"] == "heartbeat")]
        assert [o["type"] for o in rest] == ["heartbeat"] and rest[0]["position"] == answer["seq"]
        assert ask(ws, "speed", speed=4)[1]["state"] == "paused"
        more, answer = ask(ws, "resume")
        assert answer["state"] == "playing" and answer["speed"] == 4 and not [o for o in more if is_event(o)]
        paced = [o for o, _ in objects(ws, lambda o: o["type"] == "trade" and o["seq"] > events[-1]["seq"] + 100)]
        assert "live" not in [o["type"] for o in paced]
        more, answer = ask(ws, "speed", speed=0)
        assert answer["state"] == "playing" and answer["speed"] == 0
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "live")]
        got += [o for o, _ in objects(ws, lambda o: o["type"] == "trade")]
        everything = events + [o for o in paced + more + got if o["type"] == "trade"]
        assert all(o["type"] not in ("lag", "end", "error") for o in everything)
        stored = hub.json("/v1/events", symbols="SIM:*", types="trade", after=0, limit=len(everything))["data"]
        assert everything == stored
        assert ask(ws, "pause")[1]["code"] == "not_replaying"


def test_the_pace_is_that_of_the_events_when_they_were_received(start_hub):
    hub = start_hub(configuration(rate=100, kinds="trade"))
    time.sleep(4)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade"], start="earliest", to="now", speed=4)
        first = last = None
        while True:
            message = split_message(ws.recv(timeout=20))
            now = time.monotonic()
            types = []
            for o, _ in message:
                types.append(o["type"])
                if o["type"] == "trade":
                    first = first or (now, o["received"])
                    last = (now, o["received"])
            if "end" in types:
                break
        took = last[0] - first[0]
        meant = (last[1] - first[1]) / 1e6 / 4
        # Never early beyond the granularity of timers; a busy machine may be late.
        assert meant - 0.1 <= took <= meant + 2, (took, meant)
