"""The promise against a naive model: random programs of publishing, subscribing, stalling, cutting, resuming, compacting,
forgetting, importing and killing run against a hub, and whatever comes out of any door is held against a list of all events.

A seed is printed and taken back from HUB_SEED. A program that fails is run again with steps left out, as long as it still
fails, and the shortest one is printed."""

import json
import os
import random
import re
import socket
import threading
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from hubprocess import split_message

CONFIGURATION = """
hub:
  listen: "127.0.0.1:PORT"
  data: ./data
  heartbeat: 1s
  retention: {{ journal_size: 8MiB, min_free: 32MiB{retention} }}
providers:
  simulator: {{ plugin: simulator, settings: {{ seed: {seed}, rate: 6000, history: 0, kinds: [trade, quote, book] }} }}
indicators:
  momentum: {{ plugin: ta, settings: {{ outputs: ["ema(5)"], intervals: [1s] }} }}
pipelines:
  demo:
    from: [simulator]
    instruments: ["SIM:A", "SIM:B", "SIM:C", "SIM:D"]
    kinds: [trade, quote, book]
    bars: [1s, 1m]
    indicators: [momentum]
"""

FILTERS = [
    (["*"], ["*"]), (["SIM:*"], ["trade"]), (["SIM:A"], ["trade", "quote"]), (["SIM:B", "SIM:C"], ["book"]),
    (["*"], ["bar"]), (["SIM:D"], ["bar:1s", "value"]), (["SIM:?"], ["quote", "bar:1m"]), (["SIM:A", "SIM:D"], ["value:ema(5)@1s"]),
]
ADMINISTRATIVE = ("hello", "subscribed", "live", "heartbeat", "lag", "pong", "end", "bye", "replay", "filter")


def glob(pattern: str) -> re.Pattern:
    return re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern))


def wants(filter, event: dict) -> bool:
    """What a filter selects, as the client's manual has it."""
    symbols, types = filter
    if symbols == ["*"] and types == ["*"]:
        return True
    if event["type"] == "gap":
        return True
    if not any(glob(pattern).fullmatch(event.get("symbol", "")) for pattern in symbols) or "symbol" not in event:
        return False
    names = {event["type"]}
    if event["type"] == "bar":
        names.add(f"bar:{event['interval']}")
    if event["type"] == "value":
        names.add(f"value:{event['name']}@{event['interval']}")
    return bool(names & set(types))


class Model:
    """All events ever published, in a list: position n is element n - 1. It learns all the time: what retention takes before
    the model has seen it would be missing here and nowhere else."""

    def __init__(self, hub):
        self.hub = hub
        self.events = []
        self.lock = threading.Lock()
        self.fault = None
        self.hasEnded = threading.Event()
        self.thread = threading.Thread(target=self.keep_learning, daemon=True)
        self.thread.start()

    def keep_learning(self):
        while not self.hasEnded.wait(0.2):
            try:
                self.learn()
            except (requests.RequestException, ValueError):
                pass  # the hub is being killed or starts
            except Exception as error:  # noqa: BLE001 - told where the program asks next
                self.fault = error
                return

    def end(self):
        self.hasEnded.set()
        self.thread.join(60)

    def learn(self) -> int:
        """Asks for what is new, page by page; answers the head."""
        if self.fault is not None:
            raise self.fault
        with self.lock:
            while True:
                response = self.hub.get("/v1/events", symbols="*", types="*", after=len(self.events), limit=50000)
                if response.status_code == 503:
                    raise requests.ConnectionError("the hub is starting")
                assert response.status_code == 200, response.text
                body, count = response.json(), 0
                for event, text in split_message("[" + response.text.split('"data":[', 1)[1]):
                    assert event["seq"] == len(self.events) + 1, f"dense: {event['seq']} behind {len(self.events)}"
                    self.events.append((event, text))
                    count += 1
                if count < 50000:
                    return body["meta"]["seq"]

    def select(self, filter, after: int, through: int):
        return [(event, text) for event, text in self.events[after:through] if wants(filter, event)]


def judge(model: Model, filter, after: int, through: int, got, holes, door: str):
    """What a reader was given is what the model selects, byte for byte and in order; what is missing lies in holes."""
    expected = model.select(filter, after, through)
    given = dict(got)
    assert [seq for seq, _ in got] == sorted(given), f"{door}: out of order or twice"
    missing = []
    for event, text in expected:
        if event["seq"] in given:
            assert given.pop(event["seq"]) == text, f"{door}: other bytes at {event['seq']}: {text}"
        else:
            missing.append(event)
    assert not given, f"{door}: {len(given)} that nobody asked for, first {min(given.items())}"
    for event in missing:
        covered = any(
            hole["after"] < event["seq"] < hole["before"] and event["type"] in hole.get("types", [event["type"]])
            for hole in holes)
        assert covered, f"{door}: {event['seq']} {event['type']} is missing of {filter} after {after} through {through}; holes {holes}"


class Follower:
    """A client that stays: reads on a thread, may stall, is cut and resumes where it was."""

    def __init__(self, hub, filter, after: int, epoch: str):
        self.hub, self.filter, self.start, self.epoch = hub, filter, after, epoch
        self.got, self.holes, self.fault = [], [], None
        self.position = after
        self.isReading = threading.Event()
        self.isReading.set()
        self.isEnding = False
        self.socket = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.isEnding:
            try:
                with self.hub.websocket() as ws:
                    self.socket = ws
                    symbols, types = self.filter
                    ws.send(json.dumps({"op": "subscribe", "symbols": symbols, "types": types,
                                        "from": {"after": self.position, "epoch": self.epoch}}))
                    while not self.isEnding:
                        self.isReading.wait()
                        self.take(ws.recv(timeout=5))
            except (ConnectionClosed, TimeoutError, OSError, EOFError, ConnectionError):
                time.sleep(0.05)
            except AssertionError as error:
                self.fault = error
                return
            except Exception as error:  # a handshake that a dying hub did not finish
                if "handshake" not in repr(error).lower() and "InvalidMessage" not in repr(error):
                    self.fault = error
                    return
                time.sleep(0.05)

    def take(self, message: str):
        for event, text in split_message(message):
            kind = event["type"]
            if kind == "hole":
                # Of the types that it names; events of other types from there follow.
                self.holes.append(event)
            elif kind == "heartbeat":
                self.position = max(self.position, event["position"])
            elif kind not in ADMINISTRATIVE:
                assert kind != "error", event
                assert event["seq"] > self.position, f"{event['seq']} behind {self.position}"
                self.got.append((event["seq"], text))
                self.position = event["seq"]

    def cut(self):
        """Breaks the connection under the protocol. Closed, its number would be another connection's while the reading thread
        still uses it."""
        if self.socket is not None:
            try:
                self.socket.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def finish(self, model: Model, head: int):
        self.isReading.set()
        deadline = time.monotonic() + 60
        while self.position < head and self.fault is None:
            assert time.monotonic() < deadline, f"a follower of {self.filter} stands at {self.position} of {head}"
            time.sleep(0.05)
        self.isEnding = True
        if self.fault is not None:
            raise AssertionError(f"a follower of {self.filter}: {self.fault!r}")
        judge(model, self.filter, self.start, head, [one for one in self.got if one[0] <= head], self.holes, "live client")


def by_rest(hub, filter, after, through, limit):
    got, holes, token = [], [], None
    while True:
        query = {"symbols": ",".join(filter[0]), "types": ",".join(filter[1]), "after": after, "before": through + 1, "limit": limit}
        response = hub.get("/v1/events", **query, **({"cursor": token} if token else {}))
        assert response.status_code == 200, response.text
        got += [(event["seq"], text) for event, text in split_message("[" + response.text.split('"data":[', 1)[1])]
        meta = response.json()["meta"]
        holes += meta["holes"]
        token = meta.get("next")
        if not token:
            return got, holes


def by_websocket(hub, filter, after, through, epoch):
    got, holes = [], []
    with hub.websocket() as ws:
        ws.send(json.dumps({"op": "subscribe", "symbols": filter[0], "types": filter[1],
                            "from": {"after": after, "epoch": epoch}, "to": {"seq": through}}))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for event, text in split_message(ws.recv(timeout=20)):
                if event["type"] == "end":
                    return got, holes
                if event["type"] == "hole":
                    holes.append(event)
                elif event["type"] not in ADMINISTRATIVE:
                    assert event["type"] != "error", event
                    got.append((event["seq"], text))
    raise AssertionError(f"no end at {through}")


def by_lines(hub, filter, after, through, epoch, path, prefix):
    """SSE or NDJSON, cut now and then and resumed."""
    got, holes = [], []
    position, deadline = after, time.monotonic() + 60
    cut_at = after + (through - after) // 2
    while time.monotonic() < deadline:
        parameters = {"symbols": ",".join(filter[0]), "types": ",".join(filter[1]), "cursor": f"{epoch}.{position}"}
        with requests.get(hub.url + path, params=parameters, stream=True, timeout=20) as response:
            assert response.status_code == 200, response.text
            for line in response.iter_lines(chunk_size=1 << 16):
                if not line.startswith(prefix):
                    continue
                text = line[len(prefix):].decode()
                event = json.loads(text)
                kind = event["type"]
                if kind == "hole":
                    holes.append(event)
                elif kind in ("heartbeat", "live"):
                    position = max(position, event.get("position", event.get("seq", 0)))
                elif kind not in ADMINISTRATIVE:
                    assert kind != "error", event
                    if event["seq"] > through:
                        return got, holes
                    got.append((event["seq"], text))
                    position = event["seq"]
                    if cut_at is not None and position >= cut_at:
                        cut_at = None
                        break
                if position >= through:
                    return got, holes
    raise AssertionError(f"{path} stands at {position} of {through}")


def program(rng: random.Random, length: int):
    """Steps of a program; what they draw later is drawn from a number of their own, so that leaving one out changes no other."""
    kinds = ["grow"] * 4 + ["rest", "replay", "sse", "ndjson", "follow", "follow", "stall", "cut", "import", "kill", "restart"]
    return [("grow", 1)] + [(rng.choice(kinds), rng.randrange(1 << 30)) for _ in range(length)]


def import_rows(hub, number: int, rng: random.Random):
    """Trades of the past, as events; each is known again by its id."""
    now = int(time.time() * 1e6)
    rows = [json.dumps({"type": "trade", "symbol": "SIM:A", "time": now - rng.randrange(10, 86400) * 1_000_000,
                        "price": round(rng.uniform(50, 150), 2), "size": rng.randrange(1, 100), "trade_id": str(number * 100 + i + 1)})
            for i in range(rng.randrange(1, 50))]
    response = requests.post(hub.url + "/v1/imports", data="\n".join(rows), timeout=30,
                             headers={"Content-Type": "application/x-ndjson"})
    assert response.status_code == 200, response.text
    assert response.json()["accepted"] == len(rows), response.text


def execute(hub, steps):
    model = Model(hub)
    epoch = hub.json("/v1/status")["hub"]["epoch"]
    followers = []
    try:
        for kind, number in steps:
            rng = random.Random(number)
            head = model.learn()
            after, filter = rng.randrange(head + 1), rng.choice(FILTERS)
            through = rng.randrange(after, head + 1)
            if kind == "grow":
                goal, deadline = head + rng.randrange(1, 15000), time.monotonic() + 60
                while model.learn() < goal:
                    assert time.monotonic() < deadline, "the hub does not go on"
                    time.sleep(0.05)
            elif kind == "rest":
                judge(model, filter, after, through, *by_rest(hub, filter, after, through, rng.choice([100, 1000, 50000])), "REST")
            elif kind == "replay":
                judge(model, filter, after, through, *by_websocket(hub, filter, after, through, epoch), "WebSocket replay")
            elif kind == "sse":
                judge(model, filter, after, through, *by_lines(hub, filter, after, through, epoch, "/v1/stream/sse", b"data: "), "SSE")
            elif kind == "ndjson":
                judge(model, filter, after, through, *by_lines(hub, filter, after, through, epoch, "/v1/stream/ndjson", b""), "NDJSON")
            elif kind == "follow" and len(followers) < 6:
                followers.append(Follower(hub, filter, after, epoch))
            elif kind == "stall" and followers:
                one = rng.choice(followers)
                one.isReading.clear() if one.isReading.is_set() else one.isReading.set()
            elif kind == "cut" and followers:
                rng.choice(followers).cut()
            elif kind == "import":
                import_rows(hub, number, rng)
            elif kind == "kill":
                hub.kill()
                hub.start()
            elif kind == "restart":
                hub.stop()
                hub.start()
        head = model.learn()
        for one in followers:
            one.finish(model, head)
        # Everybody is shown the same past at the end, however it is asked for.
        for filter in FILTERS[:4]:
            judge(model, filter, 0, head, *by_rest(hub, filter, 0, head, 50000), "REST at the end")
            judge(model, filter, 0, head, *by_websocket(hub, filter, 0, head, epoch), "replay at the end")
        return head
    finally:
        model.end()
        for one in followers:
            one.isEnding = True
            one.isReading.set()
            one.cut()


def shrink(run, steps, seconds: float):
    """The shortest program found in that time that still fails."""
    deadline, size = time.monotonic() + seconds, len(steps) // 2
    while size >= 1 and time.monotonic() < deadline:
        at = 0
        while at < len(steps) and time.monotonic() < deadline:
            fewer = steps[:at] + steps[at + size:]
            try:
                run(fewer)
                at += size
            except Exception:  # noqa: BLE001 - whatever it is, it fails
                steps = fewer
        size //= 2
    return steps


def survive(start_hub, retention: str, length: int):
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 31)))
    print(f"HUB_SEED={seed}")
    steps = program(random.Random(seed), length)
    runs = [0]

    def run(steps):
        runs[0] += 1
        hub = start_hub(CONFIGURATION.format(retention=retention, seed=seed % 1000), name=f"hub{runs[0]}")
        try:
            return execute(hub, steps)
        finally:
            if hub.process.poll() is None:
                hub.process.kill()
                hub.process.wait(10)

    try:
        print("events:", run(steps))
    except Exception:
        print("this program fails:", steps)
        print("this is what is left of it:", shrink(run, steps, 120))
        raise


@pytest.mark.timeout(600)
def test_a_random_program_is_seen_alike_through_every_door(start_hub):
    survive(start_hub, "", 25)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_long_random_program_is_seen_alike_through_every_door(start_hub):
    survive(start_hub, "", int(os.environ.get("HUB_ORACLE_STEPS", 120)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_retention_took_is_a_hole_for_everybody_and_the_rest_is_whole(start_hub):
    survive(start_hub, ", ticks: 20s, books: 10s", int(os.environ.get("HUB_ORACLE_STEPS", 120)) // 2)
