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
    # What stood behind the last one in its message is the next that comes.
    left = ws.__dict__.setdefault("left_of_message", [])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not left:
            left.extend(split_message(ws.recv(timeout=seconds)))
        while left:
            value, text = left.pop(0)
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


# Views


def test_a_forming_bar_is_the_bar_of_the_events_so_far_and_ends_as_the_closed_one(start_hub):
    hub = start_hub(configuration(rate=60, kinds="trade"))
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:ALPHA"], types=["trade", "bar:1s", "bar:1m"], forming=True, every_ms=250)
        begun = time.monotonic()
        closed = 0

        def enough(o):
            nonlocal closed
            closed += o["type"] == "bar" and o.get("state") == "closed" and o["interval"] == "1s"
            return closed == 6

        got = [o for o, _ in objects(ws, enough)]
        took = time.monotonic() - begun
    forming = [o for o in got if o.get("state") == "forming"]
    assert {o["interval"] for o in forming} == {"1s", "1m"}
    live = [o["type"] for o in got].index("live")
    assert all("seq" not in o and got.index(o) > live for o in forming)
    for interval in ("1s", "1m"):
        of = [o for o in forming if o["interval"] == interval]
        assert len(of) >= 6 and len(of) <= took / 0.25 + 2, "at most one in each period"
        assert len({(o["time"], o["count"]) for o in of}) == len(of), "only what changed"
    # What was not seen of the first bars began before this client came.
    first = next(o for o in got if o["type"] == "trade")["time"]
    checked = 0
    for at, view in enumerate(got):
        if view.get("state") != "forming" or view["interval"] != "1s" or view["time"] < first:
            continue
        # Everything it is made of was here before it.
        trades = [o for o in got[:at] if o["type"] == "trade" and o["seq"] <= view["as_of"] and view["time"] <= o["time"] < view["end"]]
        prices = [t["price"] for t in trades]
        assert view["count"] == len(trades)
        assert (view["open"], view["high"], view["low"], view["close"]) == (prices[0], max(prices), min(prices), prices[-1])
        assert view["volume"] == pytest.approx(sum(t["size"] for t in trades))
        checked += 1
    assert checked >= 6
    for bar in [o for o in got if o.get("state") == "closed" and o["interval"] == "1s" and o["time"] >= first]:
        of = [o for o in forming if (o["interval"], o["time"]) == ("1s", bar["time"])]
        assert all(o["open"] == bar["open"] and o["high"] <= bar["high"] and o["low"] >= bar["low"] for o in of)
        assert [o["volume"] for o in of] == sorted(o["volume"] for o in of) and all(o["volume"] <= bar["volume"] for o in of)
        if of and of[-1]["count"] == bar["count"]:
            assert (of[-1]["high"], of[-1]["low"], of[-1]["close"]) == (bar["high"], bar["low"], bar["close"])


def test_a_summary_is_the_quote_and_comes_when_something_in_it_changed(start_hub):
    hub = start_hub(configuration(rate=20, kinds="trade, quote"))
    with hub.websocket("/v1/stream?symbols=SIM:*&types=summary&every_ms=300") as ws:
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "heartbeat")]
        got += [o for o, _ in objects(ws, lambda o: o["type"] == "heartbeat")]
        summaries = [o for o in got if o["type"] == "summary"]
        assert {o["symbol"] for o in summaries} == {"SIM:ALPHA", "SIM:BETA"}
        assert list(summaries[0])[:3] == ["type", "as_of", "symbol"] and "seq" not in summaries[0]
        quote = hub.json("/v1/quotes/SIM:ALPHA")
        assert set(quote) - {"seq"} <= set(summaries[-1]) | {"last_size", "last_time"}
        assert not [o for o in got if is_event(o)]
        subscribed = next(o for o in got if o["type"] == "subscribed")
        assert all("summary" in m["types"] for m in subscribed["matched"])
        for summary in summaries:
            of = hub.json("/v1/events", symbols=summary["symbol"], types="trade", before=summary["as_of"] + 1, limit=1)["data"]
            assert not of or summary["last"] == of[-1]["price"]
        ws.send('{"op":"list"}')
        assert objects(ws, lambda o: o["type"] == "filter")[-1][0]["types"] == ["summary"]
        ws.send('{"op":"unsubscribe","types":["summary"]}')
        objects(ws, lambda o: o["type"] == "unsubscribed")
        assert "summary" not in [o["type"] for o, _ in objects(ws, lambda o: o["type"] == "heartbeat")]


def test_replays_have_no_views_and_without_asking_there_are_none(start_hub):
    hub = start_hub(configuration(rate=100, kinds="trade"))
    time.sleep(2.5)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade", "bar:1s"], start="earliest", to="now", speed=2, forming=True)
        got = [o for o, _ in objects(ws, lambda o: o["type"] == "end")]
        assert "bar" in [o["type"] for o in got] and not [o for o in got if "as_of" in o]
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade", "bar:1s"])
        assert not [o for o, _ in objects(ws, lambda o: o["type"] == "heartbeat") if "as_of" in o]


# Who is there


def resident_kilobytes(hub):
    """Memory of the process itself: pages of mapped files belong to the system."""
    for line in open(f"/proc/{hub.process.pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


def test_clients_are_listed_with_how_far_they_are(start_hub):
    hub = start_hub(configuration(**SLOW))
    with hub.websocket() as fast, small_window(hub) as slow:
        subscribe(fast, symbols=["SIM:S1", "SIM:S2"], types=["trade"])
        subscribe(slow, symbols=["SIM:*"], types=["trade", "quote", "book"])
        objects(fast, lambda o: o["type"] == "trade")
        wait_for_slow(hub, 1)
        rows = hub.json("/v1/clients")["data"]
        assert [list(r) for r in rows] == [
            ["connection", "kind", "remote", "since", "encoding", "symbols", "behind", "sent", "bytes", "slow"]] * 2
        assert [(r["kind"], r["encoding"], r["symbols"], r["slow"]) for r in rows] == [
            ("websocket", "json", 2, False), ("websocket", "json", 1, True)]
        assert rows[1]["behind"] > 0 and rows[1]["sent"] > 0 and rows[1]["bytes"] > rows[1]["sent"]
        assert rows[0]["remote"].startswith("127.0.0.1:") and rows[0]["since"] > 1e15
        clients = hub.json("/v1/status")["clients"]
        assert (clients["websocket"], clients["slow"]) == (2, 1) and clients["events_per_second"] >= 0


@pytest.mark.timeout(300)
def test_a_thousand_stalled_clients_cost_little_memory_and_harm_nobody(start_hub):
    hub = start_hub(configuration(rate=20000, kinds="trade, quote", symbols=", ".join(f'"SIM:S{n}"' for n in range(20))))
    upgrade = ("GET /v1/stream?symbols=SIM:*&types=trade,quote HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
               "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    stalled = []
    try:
        before = resident_kilobytes(hub)
        for _ in range(1000):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", hub.port))
            s.sendall(upgrade.encode())
            stalled.append(s)
        # Some stall before they are live, and are not told that they lag; all of them stand still.
        while not all(r["behind"] > 20000 for r in hub.json("/v1/clients", limit=10000)["data"]):
            time.sleep(0.5)
        with hub.websocket() as healthy:
            subscribe(healthy, symbols=["SIM:S1"], types=["trade"])
            got = objects(healthy, lambda o: o["type"] == "live")
            until = time.monotonic() + 5
            while time.monotonic() < until:
                got += split_message(healthy.recv(timeout=10))
            sent = [o["seq"] for o, _ in got if is_event(o)]
            stored = hub.events(symbols="SIM:S1", types="trade", after=sent[0] - 1, before=sent[-1] + 1, limit=50000)
            assert sent == [e["seq"] for e, _ in stored]
            assert "lag" not in [o["type"] for o, _ in got]
        each = (resident_kilobytes(hub) - before) / 1000
        print(f"a stalled client costs {each:.1f} KiB")
        assert each < 256
    finally:
        for s in stalled:
            s.close()
