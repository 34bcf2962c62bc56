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


# Clients that are too slow


def small_window(hub, path="/v1/stream"):
    """A stream whose client takes next to nothing unless it reads."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.connect(("127.0.0.1", hub.port))
    # One message waits for the reader and no more: what is not read stays in the sockets.
    return hub.websocket(path, sock=s, max_queue=1)


def wait_for_slow(hub, count):
    """Until so many clients were told that they lag."""
    deadline = time.monotonic() + 60
    while hub.json("/v1/status")["clients"]["slow"] < count:
        assert time.monotonic() < deadline, "the sockets took everything"
        time.sleep(0.05)


SLOW = dict(rate=4000, kinds="trade, quote, book", symbols=", ".join(f'"SIM:S{n}"' for n in range(8)))
CONFLATABLE = ("tick", "quote", "book", "greeks")


def test_a_conflated_client_gets_every_trade_and_the_newest_of_the_rest_and_is_told_the_difference(start_hub):
    hub = start_hub(configuration(**SLOW))
    with small_window(hub) as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade", "quote", "book", "bar:1s"], on_slow="conflate")
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "live")]
        after = next(o["after"] for o in got if o["type"] == "subscribed")
        for _ in range(2):
            wait_for_slow(hub, 1)
            time.sleep(1)
            got += [o for o, _ in objects(ws, lambda o: o["type"] == "lag" and o["behind"] == 0)]
    types = [o["type"] for o in got]
    first_lag = got[types.index("lag")]
    assert first_lag["on_slow"] == "conflate" and first_lag["behind"] > 0
    conflated = [o for o in got if o["type"] == "conflated"]
    assert conflated and types.index("lag") < types.index("conflated")
    events = [o for o in got if is_event(o)]
    seqs = [o["seq"] for o in events]
    assert seqs == sorted(set(seqs))
    last = got[-1]["seq"]
    stored = [e for e, _ in hub.events(symbols="SIM:*", types="trade,quote,book,bar:1s", after=after, before=last + 1, limit=50000)]
    sent = set(seqs)
    missing = [e for e in stored if e["seq"] not in sent]
    assert sent <= {e["seq"] for e in stored} and missing
    assert all(e["type"] in CONFLATABLE for e in missing)
    # Every event that is missing is in one of the ranges that were told, by instrument and type.
    assert len(missing) == sum(c["dropped"] for c in conflated)
    for c in conflated:
        inside = [e for e in stored if c["first_seq"] <= e["seq"] <= c["last_seq"]]
        assert c["dropped"] == sum(i["dropped"] for i in c["items"])
        for item in c["items"]:
            of = [e["seq"] for e in inside if (e["symbol"], e["type"]) == (item["symbol"], item["type"])]
            assert (item["dropped"], item["first_seq"], item["last_seq"], item["kept_seq"]) == (len(of) - 1, of[0], of[-2], of[-1])
            assert item["kept_seq"] in sent and not sent & set(of[:-1])
        # The survivors follow the announcement.
        at = got.index(c)
        assert all(o["seq"] < c["first_seq"] for o in got[:at] if is_event(o))


def test_a_client_that_wants_everything_is_caught_up_and_one_that_gives_up_is_told_where_to_resume(start_hub):
    hub = start_hub(configuration(**SLOW))
    with small_window(hub) as patient, small_window(hub) as hasty:
        for ws, policy in ((patient, "catch_up"), (hasty, "disconnect")):
            subscribe(ws, symbols=["SIM:*"], types=["trade", "quote"], on_slow=policy)
            live = objects(ws, lambda o: o["type"] == "live")[-1][0]["seq"]
        # The one that gives up is slow for a moment only.
        wait_for_slow(hub, 1)
        time.sleep(2)
        got = objects(patient, lambda o: o["type"] == "lag" and o["behind"] == 0)
        assert [o["on_slow"] for o, _ in got if o["type"] == "lag"][0] == "catch_up"
        sent = [text for o, text in got if is_event(o)]
        first, last = ([o for o, _ in got if is_event(o)][n]["seq"] for n in (0, -1))
        assert sent == [t for _, t in hub.events(symbols="SIM:*", types="trade,quote", after=first - 1, before=last + 1, limit=50000)]
        got = [o for o, _ in objects(hasty, lambda o: o["type"] == "bye")]
        bye = got[-1]
        assert [o["type"] for o in got[-2:]] == ["lag", "bye"]
        assert bye["code"] == "slow_client" and bye["close_code"] == 4000 and bye["retry"]
        with pytest.raises(ConnectionClosed) as closed:
            hasty.recv(timeout=20)
        assert closed.value.rcvd.code == 4000
        with hub.websocket() as again:
            seen = [o["seq"] for o in got if is_event(o)]
            subscribe(again, symbols=["SIM:*"], types=["trade", "quote"], start={"cursor": bye["cursor"]}, to="now")
            seen += [o["seq"] for o, _ in objects(again, lambda o: o["type"] == "end") if is_event(o)]
        stored = [e["seq"] for e, _ in hub.events(symbols="SIM:*", types="trade,quote", after=seen[0] - 1, before=seen[-1] + 1, limit=50000)]
        assert seen == stored
