"""The plugins of Zerodha and Upstox in a hub, against the fakes: what was delivered, what was missed, and logins."""

import os
import random
import re
import stat
import subprocess
import time

import pytest
import requests

from fakes import FakeVendor
from hubprocess import Hub, binary

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))

ZERODHA = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data, public_url: "http://127.0.0.1:PORT" }}
providers:
  zerodha:
    plugin: zerodha
    settings:
      {{ api_key: fakekey, api_secret: fakesecret, access_token: {token}, rest_url: "{fake.url}",
        websocket_url: "{fake.websocket_url}", login_url: "{fake.url}/connect/login" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  india: {{ from: [zerodha], instruments: ["NSE:INFY", "NSE:NIFTY 50"], kinds: [tick, quote, book], bars: [1m] }}
"""

UPSTOX = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
providers:
  upstox:
    plugin: upstox
    settings: {{ access_token: {token}, rest_url: "{fake.url}", websocket_url: "{fake.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  india: {{ from: [upstox], instruments: ["NSE:INFY", "NSE:NIFTY 50"], kinds: [tick, quote, book], bars: [1m] }}
"""


def until(ask, is_good=bool, seconds: float = 60):
    """Asks until the answer is as wanted."""
    end = time.monotonic() + seconds
    while not is_good(answer := ask()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


def streamed(state: dict) -> int:
    return sum(len(connection.get("modes") or connection.get("subscribed", ())) for connection in state["connections"])


def provider(hub: Hub) -> dict:
    return hub.json("/v1/status")["providers"][0]


@pytest.fixture
def start(tmp_path):
    running = []

    def begin(vendor: str, configuration: str, token: str = "faketoken"):
        fake = FakeVendor(vendor, "--seed", SEED)
        running.append(fake)
        hub = Hub(tmp_path, configuration.format(fake=fake, token=token)).start()
        running.append(hub)
        return fake, hub

    yield begin
    for one in reversed(running):
        assert one.stop() == 0


@pytest.mark.parametrize("vendor, instrument", [("zerodha", "NSE:INFY"), ("upstox", "NSE_EQ|INE009A01021")])
def test_prices_of_indian_brokers_are_ticks_and_never_trades(start, vendor, instrument):
    fake, hub = start(vendor, ZERODHA if vendor == "zerodha" else UPSTOX)
    fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
    prices = [1500 + number / 20 for number in range(20)]
    for price in prices:
        fake.publish({"instrument": instrument, "last": price, "quantity": 3})
    seen = until(
        lambda: [price for event, _ in hub.events(types="tick", symbols="NSE:INFY") if (price := event.get("last")) in prices],
        lambda found: len(found) >= len(prices),
    )
    assert seen == prices
    assert not list(hub.events(types="trade"))


@pytest.mark.parametrize("vendor", ["zerodha", "upstox"])
def test_a_cut_is_one_gap_with_both_ends_and_the_stream_goes_on(start, vendor):
    fake, hub = start(vendor, ZERODHA if vendor == "zerodha" else UPSTOX)
    instrument = "NSE:INFY" if vendor == "zerodha" else "NSE_EQ|INE009A01021"
    fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
    fake.publish({"instrument": instrument, "last": 1500, "quantity": 1})
    until(lambda: hub.json("/v1/events?types=tick&symbols=NSE:INFY")["data"], bool)
    first = fake.state()["connections"][0]["number"]
    fake.cut("mid-frame")
    fake.wait(lambda state: streamed(state) == 2 and state["connections"][-1]["number"] != first, "a new connection")
    fake.publish({"instrument": instrument, "last": 1501, "quantity": 1})
    gaps = until(
        lambda: hub.json("/v1/quality/gaps")["data"], lambda gaps: gaps and all(gap["state"] == "closed" for gap in gaps)
    )
    assert [gap["reason"] for gap in gaps] == ["source_down"], gaps
    assert gaps[0]["from"] < gaps[0]["to"]


def test_a_dead_token_asks_for_a_login_which_the_vendors_page_ends(start, tmp_path):
    fake, hub = start("zerodha", ZERODHA, token="long-dead")
    until(lambda: provider(hub), lambda state: state["state"] == "auth_needed")
    assert provider(hub)["login_url"] == f"{hub.url}/auth/zerodha"
    assert hub.get("/readyz").status_code == 200
    # What the vendor would register.
    fake.market(redirect_url=f"{hub.url}/auth/zerodha/callback")
    assert requests.get(f"{hub.url}/auth/zerodha/callback?request_token=x&state=y").status_code == 400
    command = subprocess.Popen(
        [binary(), "auth", "zerodha", "--address", hub.url, "--wait", "60"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    line = command.stdout.readline()
    page = re.search(r"Log in here: (\S+)", line)
    assert page, line
    answer = requests.get(page.group(1))
    assert answer.status_code == 200 and "Logged in" in answer.text
    assert command.wait(60) == 0, command.stdout.read()
    until(lambda: provider(hub), lambda state: state["state"] == "ok")
    fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
    kept = tmp_path / "hub" / "data" / "logins" / "zerodha.json"
    if not kept.exists():
        kept = next(tmp_path.rglob("logins/zerodha.json"))
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    # No secret is told anywhere.
    told = hub.get("/v1/status").text + hub.get("/metrics").text + hub.tail(10_000)
    assert "fakesecret" not in told and "long-dead" not in told
