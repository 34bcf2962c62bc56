"""The plugins of Finnhub and TwelveData in a hub, against the fakes: what the vendor delivered is what the hub has."""

import os
import random
import time

import pytest

from fakes import FakeVendor
from hubprocess import Hub

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))

FINNHUB = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
providers:
  finnhub:
    plugin: finnhub
    settings: {{ api_key: fakekey, rest_url: "{fake.url}/api/v1", websocket_url: "{fake.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  us: {{ from: [finnhub], instruments: ["NASDAQ:AAPL", "BINANCE:BTCUSDT", "FX:EURUSD"], kinds: [trade, tick], bars: [1m] }}
"""

TWELVEDATA = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
providers:
  twelvedata:
    plugin: twelvedata
    settings: {{ api_key: fakekey, rest_url: "{fake.url}", websocket_url: "{fake.websocket_url}/v1/quotes/price" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  us: {{ from: [twelvedata], instruments: ["NASDAQ:AAPL", "CRYPTO:BTCUSD", "FX:EURUSD"], kinds: [tick, quote], bars: [1m] }}
"""


def start(folder, vendor: str, configuration: str, subscribed: int):
    fake = FakeVendor(vendor, "--seed", SEED)
    hub = Hub(folder, configuration.format(fake=fake)).start()
    fake.wait(lambda state: streamed(state) == subscribed, f"{subscribed} subscriptions")
    return fake, hub


def streamed(state: dict) -> int:
    return sum(len(connection.get("subscribed", ())) for connection in state["connections"])


@pytest.fixture
def finnhub(tmp_path):
    fake, hub = start(tmp_path, "finnhub", FINNHUB, 3)
    yield fake, hub
    assert hub.stop() == 0
    fake.stop()


@pytest.fixture
def twelvedata(tmp_path):
    fake, hub = start(tmp_path, "twelvedata", TWELVEDATA, 3)
    yield fake, hub
    assert hub.stop() == 0
    fake.stop()


def events(hub: Hub, count: int, **parameters) -> list[dict]:
    """Waits for so many; the hub writes them within moments."""
    deadline = time.monotonic() + 60
    while True:
        # Gaps are told whatever types are asked for.
        found = [event for event, _ in hub.events(**parameters) if event["type"] == parameters["types"]]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count, f"{len(found)} of {count}: {found[-3:]}\n{hub.tail()}"
            return found
        time.sleep(0.05)


def test_finnhub_trades_are_the_hubs_trades_and_prices_without_size_its_ticks(finnhub):
    fake, hub = finnhub
    for number in range(20):
        fake.publish(
            {"instrument": "AAPL", "last": 243 + number / 100, "quantity": number + 1},
            {"instrument": "BTC/USDT@BINANCE", "last": 98000 + number, "quantity": 153},
            {"instrument": "EUR/USD", "last": 1.03 + number / 1000},
        )
    sent = fake.delivered()
    trades = [event for event in sent if event["v"] > 0]
    names = {"AAPL": "NASDAQ:AAPL", "BINANCE:BTCUSDT": "BINANCE:BTCUSDT"}
    assert len(trades) == 40
    assert [(e["symbol"], e["price"], e["size"], e["time"]) for e in events(hub, 40, types="trade")] == [
        (names[e["s"]], e["p"], e["v"], e["t"] * 1000) for e in trades
    ]
    ticks = events(hub, 20, types="tick")
    assert {event["symbol"] for event in ticks} == {"FX:EURUSD"}
    assert [event["last"] for event in ticks] == [event["p"] for event in sent if event["v"] == 0]


def test_finnhub_break_is_a_gap_with_both_ends_and_the_stream_goes_on(finnhub):
    fake, hub = finnhub
    fake.publish({"instrument": "AAPL", "last": 100, "quantity": 1})
    events(hub, 1, types="trade")
    opened = fake.state()["connections"][0]["number"]
    fake.cut("reset")
    fake.wait(
        lambda state: streamed(state) == 3 and state["connections"][-1]["number"] != opened, "the subscriptions of a new connection"
    )
    fake.publish({"instrument": "AAPL", "last": 101, "quantity": 2})
    assert [event["price"] for event in events(hub, 2, types="trade")] == [100, 101]
    gaps = [event for event, _ in hub.events(types="gap")]
    assert gaps and gaps[-1]["state"] == "closed", gaps
    assert gaps[-1]["from"] < gaps[-1]["to"]


def test_twelvedata_prices_are_ticks_and_quotes_and_never_trades(twelvedata):
    fake, hub = twelvedata
    for number in range(20):
        fake.publish(
            {"instrument": "AAPL", "last": 243 + number / 100, "quantity": 5},
            {"instrument": "BTC/USD", "last": 98000 + number, "quantity": 153},
            {"instrument": "EUR/USD", "last": 1.03 + number / 1000},
        )
    sent = fake.delivered()
    names = {"AAPL": "NASDAQ:AAPL", "BTC/USD": "CRYPTO:BTCUSD", "EUR/USD": "FX:EURUSD"}
    ticks = events(hub, len(sent), types="tick")
    assert [(e["symbol"], e["last"], e["time"]) for e in ticks] == [
        (names[e["symbol"]], e["price"], e["timestamp"] * 1_000_000) for e in sent
    ]
    quotes = [event for event in sent if "bid" in event]
    assert [(e["symbol"], e["bid"], e["ask"]) for e in events(hub, len(quotes), types="quote")] == [
        (names[e["symbol"]], e["bid"], e["ask"]) for e in quotes
    ]
    assert not list(hub.events(types="trade"))


def test_what_no_list_has_is_searched_for_at_the_vendor_once(twelvedata):
    fake, hub = twelvedata

    def searches() -> int:
        return sum(1 for request in fake.requests() if request["path"] == "/symbol_search")

    # The list of instruments is told in the background.
    deadline = time.monotonic() + 60
    while not hub.json("/v1/instruments", query="apple")["data"]:
        assert time.monotonic() < deadline, hub.tail()
        time.sleep(0.05)
    before = searches()
    assert "origin" not in hub.json("/v1/instruments", query="apple")["meta"]
    assert searches() == before, "what is listed is not asked for"
    found = hub.json("/v1/instruments", query="Apple", fresh="true")
    assert found["meta"]["origin"] == "provider"
    apple = {row["symbol"]: row for row in found["data"]}["NASDAQ:AAPL"]
    assert apple["type"] == "equity" and apple["identifiers"]["twelvedata"]["symbol"] == "AAPL"
    assert searches() == before + 1
    for _ in range(3):
        nothing = hub.json("/v1/instruments", query="no such company")
        assert nothing["data"] == [] and nothing["meta"]["failed"] == []
    assert searches() == before + 2
