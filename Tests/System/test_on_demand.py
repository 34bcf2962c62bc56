"""Instruments that no list names, streamed while a client subscribes to them by name."""

import json
import os
import random
import time

import pytest

from fakes import FakeVendor
from hubprocess import Hub
from test_indian_vendors import streamed, until

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))

CONFIGURATION = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data, limits: {{ symbols: {limit} }} }}
calendars: {{ NSE: {{ like: always }} }}
providers:
  zerodha:
    plugin: zerodha
    settings:
      {{ api_key: fakekey, access_token: faketoken, rest_url: "{fake.url}", websocket_url: "{fake.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
    stale_after: 10m
pipelines:
  india:
    from: [zerodha]
    instruments: ["NSE:INFY"]
    on_demand: ["NSE:*"]
    exclude: ["NSE:SBIN"]
    linger: 2s
    kinds: [tick]
    bars: [1s]
"""


@pytest.fixture
def start(tmp_path):
    running = []

    def begin(limit: int = 10_000):
        fake = FakeVendor("zerodha", "--seed", SEED, "--no-limits")
        running.append(fake)
        hub = Hub(tmp_path, CONFIGURATION.format(fake=fake, limit=limit)).start()
        running.append(hub)
        fake.wait(lambda state: streamed(state) == 1, "the subscription of the list")
        return fake, hub

    yield begin
    codes = [one.stop() for one in reversed(running)]
    assert codes == [0, 0]


def subscribe(socket, symbol: str, **more) -> dict:
    socket.send(json.dumps({"op": "subscribe", "id": 1, "symbols": [symbol]} | more))
    while True:
        for item in json.loads(socket.recv(timeout=60)):
            if item["type"] in ("subscribed", "error"):
                return item


def receive(socket, kind: str, **fields) -> dict:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for item in json.loads(socket.recv(timeout=60)):
            if item["type"] == kind and all(item.get(name) == value for name, value in fields.items()):
                return item
    raise AssertionError(f"no {kind} {fields}")


def test_an_instrument_is_streamed_while_somebody_wants_it_and_lingers_and_then_is_let_go(start):
    fake, hub = start()
    with hub.websocket() as first, hub.websocket() as second:
        answer = subscribe(first, "NSE:TCS", types=["tick", "control", "bar:1s"])
        assert answer["pending"] == ["NSE:TCS"] and answer["not_found"] == [], answer
        assert receive(first, "control", what="subscription")["state"] == "ok"
        fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
        assert subscribe(second, "NSE:TCS")["not_found"] == []
        fake.publish({"instrument": "NSE:TCS", "last": 4100.5, "quantity": 3})
        assert receive(first, "tick", last=4100.5)["symbol"] == "NSE:TCS"
        assert receive(second, "tick", last=4100.5)["source"] == "zerodha"
        # Its bars are made like those of others.
        bar = receive(first, "bar", interval="1s")
        assert bar["symbol"] == "NSE:TCS"
        # It goes on for the one who is left.
        first.send(json.dumps({"op": "unsubscribe", "symbols": ["NSE:TCS"]}))
        time.sleep(3)
        assert streamed(fake.state()) == 2
    ended = time.monotonic()
    fake.wait(lambda state: streamed(state) == 1, "the end of the subscription")
    assert time.monotonic() - ended > 1
    # What was streamed is history.
    assert [event["last"] for event in hub.json("/v1/events?symbols=NSE:TCS&types=tick")["data"]][-1] == 4100.5


def test_a_reconnect_of_the_vendor_subscribes_what_is_wanted_on_demand_again(start):
    fake, hub = start()
    with hub.websocket() as socket:
        subscribe(socket, "NSE:TCS")
        before = fake.wait(lambda state: streamed(state) == 2, "two subscriptions")["connections"][-1]["number"]
        fake.cut("reset")
        fake.wait(lambda state: streamed(state) == 2 and state["connections"][-1]["number"] != before, "both again")
        fake.publish({"instrument": "NSE:TCS", "last": 4200, "quantity": 3})
        receive(socket, "tick", last=4200)


def test_lines_and_server_sent_events_hold_an_instrument_as_a_websocket_does(start):
    fake, hub = start()
    import requests

    for route in ("sse", "ndjson"):
        with requests.get(f"{hub.url}/v1/stream/{route}?symbols=NSE:TCS", stream=True, timeout=60) as answer:
            assert answer.status_code == 200
            fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
        fake.wait(lambda state: streamed(state) == 1, "the end of the subscription")


def test_what_nobody_offers_is_not_found_and_what_the_vendor_lacks_is_told(start):
    fake, hub = start()
    with hub.websocket() as socket:
        assert subscribe(socket, "NSE:SBIN")["code"] == "nothing_matched"
        assert subscribe(socket, "BSE:TCS")["code"] == "nothing_matched"
        assert subscribe(socket, "NSE:NOBODYKNOWS")["pending"] == ["NSE:NOBODYKNOWS"]
        error = receive(socket, "error")
        assert error["code"] == "provider_failed" and error["retry"] and "NSE:NOBODYKNOWS" in error["message"], error


def test_the_number_of_instruments_on_demand_is_bounded(start):
    fake, hub = start(limit=2)
    with hub.websocket() as first, hub.websocket() as second:
        assert subscribe(first, "NSE:TCS")["pending"]
        assert subscribe(first, "NSE:RELIANCE")["pending"]
        error = subscribe(second, "NSE:HDFCBANK")
        assert error["code"] == "too_many_symbols" and "on demand" in error["message"], error
        # One that is streamed already takes no room.
        assert subscribe(second, "NSE:TCS")["type"] == "subscribed"


def test_a_killed_hub_streams_again_what_its_clients_ask_for_again(start):
    fake, hub = start()
    with hub.websocket() as socket:
        subscribe(socket, "NSE:TCS")
        fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
        fake.publish({"instrument": "NSE:TCS", "last": 4100.5, "quantity": 3})
        receive(socket, "tick", last=4100.5)
        hub.kill()
    hub.start()
    fake.wait(lambda state: streamed(state) == 1, "the list alone")
    with hub.websocket() as socket:
        subscribe(socket, "NSE:TCS")
        fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
        fake.publish({"instrument": "NSE:TCS", "last": 4101, "quantity": 3})
        receive(socket, "tick", last=4101)
