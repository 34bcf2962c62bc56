"""TwelveData's and Finnhub's official Python clients against the fakes that the provider plugins are tested with.

What the clients make of a fake's answers is what they make of the vendor's: so the fakes can be trusted.
"""

import json
import queue
import threading
import time

import pytest
import requests

from fakes import FakeVendor

twelvedata = pytest.importorskip("twelvedata")
finnhub = pytest.importorskip("finnhub")
websocket = pytest.importorskip("websocket")

from twelvedata.exceptions import BadRequestError, InternalServerError, InvalidApiKeyError, TwelveDataError  # noqa: E402

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def start():
    """Starts fakes and ends them afterwards."""
    fakes = []

    def begin(vendor: str, *arguments: str) -> FakeVendor:
        fakes.append(FakeVendor(vendor, *arguments))
        return fakes[-1]

    yield begin
    for fake in fakes:
        fake.stop()


# TwelveData


def td(fake: FakeVendor, key: str = "test-key") -> "twelvedata.TDClient":
    # The client asks for the list of indicators once a process; every fake should be asked.
    if hasattr(twelvedata.utils.patch_endpoints_meta, "patched"):
        del twelvedata.utils.patch_endpoints_meta.patched
    return twelvedata.TDClient(apikey=key, base_url=fake.url)


class Prices:
    """The official WebSocket client, pointed at a fake, with what it heard."""

    def __init__(self, client, fake: FakeVendor, symbols, path: str = "/v1/quotes/price?apikey=test-key"):
        self.events: queue.Queue = queue.Queue()
        self.seen: list[dict] = []
        self.socket = client.websocket(symbols=symbols, on_event=self.events.put, log_level="error", max_queue_size=12000)
        self.socket.url = fake.websocket_url + path
        self.socket.connect()

    def take(self, condition, what: str, seconds: float = 30) -> dict:
        """The first event from here on that fits."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                event = self.events.get(timeout=0.2)
            except queue.Empty:
                continue
            self.seen.append(event)
            if condition(event):
                return event
        raise AssertionError(f"{what} did not come in {seconds} s; came: {self.seen[-20:]}")

    def prices(self, count: int) -> list[dict]:
        return [self.take(lambda e: e.get("event") == "price", f"price {i + 1} of {count}") for i in range(count)]

    def close(self) -> None:
        self.socket.ready = False
        if self.socket.ws:
            self.socket.ws.close()


@pytest.fixture
def prices():
    opened = []

    def begin(*arguments, **options) -> Prices:
        opened.append(Prices(*arguments, **options))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


def test_twelvedata_client_reads_prices_series_and_lists(start):
    fake = start("twelvedata")
    fake.market(prices={"AAPL": {"last": 243.15, "close": 240.0, "open": 241.0, "high": 244.5, "low": 239.5, "volume": 1234567}})
    client = td(fake)
    quote = client.quote(symbol="AAPL").as_json()
    assert (quote["close"], quote["previous_close"], quote["change"], quote["volume"]) == ("243.15000", "240.00000", "3.15000", "1234567")
    assert all(isinstance(quote[name], str) for name in ("open", "high", "low", "percent_change", "average_volume"))
    assert isinstance(quote["is_market_open"], bool) and isinstance(quote["timestamp"], int)
    assert client.price(symbol="AAPL").as_json() == {"price": "243.15000"}
    rate = client.exchange_rate(symbol="EUR/USD").as_json()
    assert isinstance(rate["rate"], float) and rate["symbol"] == "EUR/USD"

    bars = client.time_series(symbol="MSFT", interval="5min", outputsize=50, timezone="UTC").as_json()
    assert len(bars) == 50 and [bar["datetime"] for bar in bars] == sorted((bar["datetime"] for bar in bars), reverse=True)
    for bar in bars:
        assert all(isinstance(value, str) for value in bar.values())
        assert float(bar["low"]) <= min(float(bar["open"]), float(bar["close"])) <= float(bar["high"])
    again = client.time_series(symbol="MSFT", interval="5min", outputsize=50, timezone="UTC", end_date=bars[9]["datetime"]).as_json()
    assert again[0] == bars[9] and again[:41] == bars[9:]
    rows = client.time_series(symbol="MSFT", interval="1day", outputsize=5).as_csv()
    assert rows[0] == ["datetime", "open", "high", "low", "close", "volume"] and len(rows) == 6

    assert {"NASDAQ", "LSE"} <= {row["name"] for row in client.get_market_state().as_json()}
    assert client.get_stocks_list(symbol="AAPL", exchange="NASDAQ").as_json()[0]["isin"] == "request_access_via_add_ons"
    assert "EUR/USD" in {row["symbol"] for row in client.get_forex_pairs_list().as_json()}
    assert "BTC/USD" in {row["symbol"] for row in client.get_cryptocurrencies_list().as_json()}
    assert "SPY" in {row["symbol"] for row in client.get_etf_list().as_json()}
    assert client.symbol_search(symbol="AAPL").as_json()[0]["instrument_name"] == "Apple Inc"
    assert client.get_earliest_timestamp(symbol="AAPL", interval="1day").as_json()["unix_time"] < time.time()
    assert client.get_profile(symbol="AAPL").as_json()["name"] == "Apple Inc"
    assert client.get_logo(symbol="AAPL").as_json()["url"].startswith("https://")
    assert client.get_press_releases(symbol="AAPL").as_json()
    assert client.api_usage().as_json()["plan_limit"] == 1597


def test_twelvedata_exchange_schedule_tells_holidays_by_having_no_sessions(start):
    fake = start("twelvedata", "--set", "plan=pro")
    schedule = lambda date: requests.get(  # noqa: E731
        f"{fake.url}/exchange_schedule", params={"mic_code": "XNGS", "date": date, "apikey": "test-key"}, timeout=10).json()["data"][0]
    assert schedule("2025-12-25")["sessions"] == []
    assert [s["session_type"] for s in schedule("2025-12-26")["sessions"]] == ["pre", "quotes", "post"]
    assert schedule("2025-11-28")["sessions"][1]["close_time"] == "13:00:00"


def test_twelvedata_client_gets_a_batch_with_an_error_among_the_items(start):
    fake = start("twelvedata", "--set", "plan=pro")
    batch = td(fake).time_series(symbol=["AAPL", "NOBODY", "EUR/USD"], interval="1min", outputsize=2).as_json()
    assert set(batch) == {"AAPL", "EUR/USD"} and len(batch["AAPL"]) == 2
    raw = requests.get(f"{fake.url}/price", params={"symbol": "AAPL,NOBODY,AAPL", "apikey": "test-key"}, timeout=10)
    assert raw.headers["Is_batch"] == "true" and set(raw.json()) == {"AAPL", "NOBODY"}
    assert raw.json()["NOBODY"]["code"] == 400 and raw.json()["NOBODY"]["status"] == "error"
    flat = requests.get(f"{fake.url}/price", params={"symbol": "AAPL,AAPL", "apikey": "test-key"}, timeout=10)
    assert "Is_batch" not in flat.headers and set(flat.json()) == {"price"}

    body = {"a": {"url": "/price?symbol=AAPL"}, "b": {"url": "/price?symbol=NOBODY"}}
    ask = lambda: requests.post(f"{fake.url}/batch", json=body, headers={"Authorization": "apikey test-key"}, timeout=10).json()  # noqa: E731
    wrapped = ask()
    assert wrapped["data"]["a"]["response"] == raw.json()["AAPL"] and wrapped["data"]["b"]["status"] == "error"
    fake.market(batch="flat")
    assert ask()["a"] == raw.json()["AAPL"]


@pytest.mark.parametrize("status", ["real", "200"])
def test_twelvedata_client_raises_what_its_documentation_says_under_200_and_real_codes(start, status):
    fake = start("twelvedata", "--set", f"error_status={status}", "--set", "plan=basic", "--set", "credits=1000")
    client = td(fake)
    with pytest.raises(InvalidApiKeyError):
        td(fake, key="wrong").quote(symbol="AAPL").as_json()
    with pytest.raises(BadRequestError, match="(?i)interval"):
        client.time_series(symbol="AAPL", interval="7min").as_json()
    with pytest.raises(BadRequestError, match="No data is available on the specified dates"):
        client.time_series(symbol="AAPL", interval="1min", start_date="2026-07-04", end_date="2026-07-06").as_json()
    with pytest.raises(TwelveDataError, match="missing or invalid"):
        client.quote(symbol="NOBODY").as_json()
    with pytest.raises(TwelveDataError, match="available exclusively with grow"):
        client.get_profile(symbol="AAPL").as_json()
    with pytest.raises(TwelveDataError, match="available starting with"):
        client.price(symbol="VOD:LSE").as_json()
    fake.misbehave({"what": "status", "status": 503})
    with pytest.raises(InternalServerError):
        client.price(symbol="AAPL").as_json()
    assert client.price(symbol="AAPL").as_json()["price"]


def test_twelvedata_credits_run_out_within_a_minute_and_come_back(start):
    fake = start("twelvedata", "--set", "plan=basic", "--set", "minute_s=4")
    ask = lambda call, **query: requests.get(f"{fake.url}/{call}", params={"apikey": "test-key", **query}, timeout=10)  # noqa: E731
    # Begin with a fresh minute, so that none ends between the calls.
    while int(ask("price", symbol="AAPL").headers["api-credits-used"]) != 1:
        time.sleep(0.05)
    reply = ask("price", symbol="AAPL,MSFT,NVDA")
    assert (reply.headers["api-credits-used"], reply.headers["api-credits-left"]) == ("4", "4")
    part = ask("price", symbol="AAPL,MSFT,NVDA,KO,GE").json()
    assert [body.get("code") for body in part.values()] == [None, None, None, None, 429]
    refused = ask("price", symbol="AAPL")
    assert refused.status_code == 429 and "with the current limit being 8" in refused.json()["message"]
    deadline = time.monotonic() + 30
    while ask("api_usage").status_code == 429 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ask("api_usage").json()["plan_daily_limit"] == 800
    fake.misbehave({"what": "out_of_credits", "of": "day"})
    assert "for the day" in ask("price", symbol="AAPL").json()["message"]
