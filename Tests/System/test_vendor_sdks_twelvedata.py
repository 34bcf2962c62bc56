"""The fake of TwelveData against the vendor's own client library, which must work with it unchanged.

No hub runs here: what these tests prove is that a hub tested against the fake is tested against the vendor's protocol.
"""

import json
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import vendorclients
from fakes import FakeVendor
from vendorclients import SEED, Client

pytestmark = pytest.mark.hubless

KEY = "fakekey"


@pytest.fixture(scope="module", autouse=True)
def libraries():
    vendorclients.install()


@pytest.fixture(scope="module")
def twelvedata():
    """One for all tests that change nothing but settings, which come back to their defaults between them."""
    with FakeVendor("twelvedata", "--seed", SEED) as fake:
        with Client("twelvedata_rest", fake.url, KEY) as fake.client:
            yield fake


@pytest.fixture
def settings():
    """Changes settings of a fake for one test."""
    changed = []

    def change(fake, default: dict, **values) -> None:
        changed.append((fake, default))
        fake.market(**values)

    yield change
    for fake, default in reversed(changed):
        fake.market(**default)


def prices(fake, *symbols, key=KEY):
    return Client("twelvedata_prices", fake.url, fake.websocket_url, json.dumps(symbols), key)


def tell(client, **order) -> None:
    client.process.stdin.write(json.dumps(order) + "\n")
    client.process.stdin.flush()


def event(client, name: str, seconds: float = 30) -> dict:
    return client.until("event", lambda line: line["event"].get("event") == name, seconds)["event"]


def heard_by(client) -> list[dict]:
    events = [line["event"] for line in client.seen if line["what"] == "event"]
    return [event for event in events if event["event"] == "price"]


def as_sent(events: list[dict]) -> list[dict]:
    return [{k: v for k, v in event.items() if k != "instrument"} for event in events]


def test_twelvedata_library_reads_quotes_whose_numbers_are_texts(twelvedata, settings):
    state = {"last": 243.15, "close": 240.0, "open": 241.0, "high": 244.5, "low": 239.5, "volume": 1234567}
    twelvedata.market(prices={"AAPL": state})
    quote = twelvedata.client.call("quote", symbol="AAPL")
    expected = {"close": "243.15000", "previous_close": "240.00000", "change": "3.15000", "volume": "1234567"}
    assert {name: quote[name] for name in expected} == expected
    assert all(isinstance(quote[name], str) for name in ("open", "high", "low", "percent_change", "average_volume"))
    assert isinstance(quote["is_market_open"], bool) and isinstance(quote["timestamp"], int)
    assert twelvedata.client.call("price", symbol="AAPL") == {"price": "243.15000"}
    rate = twelvedata.client.call("exchange_rate", symbol="EUR/USD")
    assert isinstance(rate["rate"], float) and rate["symbol"] == "EUR/USD"
    assert "volume" not in twelvedata.client.call("quote", symbol="EUR/USD")
    assert twelvedata.client.call("quote", symbol="AAPL", prepost="true")["extended_price"] == "243.24000"
    settings(twelvedata, {"odd_values": False}, odd_values=True)
    odd = twelvedata.client.call("quote", symbol="AAPL")
    assert odd["volume"] is None and odd["open"] == "NaN" and "low" not in odd


def test_twelvedata_library_reads_series_newest_first_and_pages_them_by_date(twelvedata):
    series = {"symbol": "MSFT", "interval": "5min", "outputsize": 50, "timezone": "UTC"}
    bars = twelvedata.client.call("time_series", **series)
    assert len(bars) == 50
    assert [bar["datetime"] for bar in bars] == sorted((bar["datetime"] for bar in bars), reverse=True)
    for bar in bars:
        assert all(isinstance(value, str) for value in bar.values())
        assert float(bar["low"]) <= min(float(bar["open"]), float(bar["close"])), f"seed {SEED}"
        assert float(bar["high"]) >= max(float(bar["open"]), float(bar["close"])), f"seed {SEED}"
    older = twelvedata.client.call("time_series", **series, end_date=bars[9]["datetime"])
    assert older[:41] == bars[9:]
    rows = twelvedata.client.call("time_series.as_csv", symbol="MSFT", interval="1day", outputsize=5)
    assert rows[0] == ["datetime", "open", "high", "low", "close", "volume"] and len(rows) == 6
    assert len(rows[1][0]) == len("2026-01-02")


def test_twelvedata_library_reads_lists_and_markets(twelvedata):
    call = twelvedata.client.call
    assert {"NASDAQ", "LSE"} <= {row["name"] for row in call("get_market_state")}
    assert call("get_stocks_list", symbol="AAPL", exchange="NASDAQ")[0]["isin"] == "request_access_via_add_ons"
    assert "EUR/USD" in {row["symbol"] for row in call("get_forex_pairs_list")}
    assert "BTC/USD" in {row["symbol"] for row in call("get_cryptocurrencies_list")}
    assert "SPY" in {row["symbol"] for row in call("get_etf_list")}
    assert call("symbol_search", symbol="AAPL")[0]["instrument_name"] == "Apple Inc"
    assert call("get_earliest_timestamp", symbol="AAPL", interval="1day")["unix_time"] < time.time()
    assert call("get_profile", symbol="AAPL")["name"] == "Apple Inc"
    assert call("get_logo", symbol="AAPL")["url"].startswith("https://")
    assert call("get_press_releases", symbol="AAPL")[0]["title"]
    assert call("api_usage")["plan_limit"] == 1597
    for date, kinds in (("2025-12-25", []), ("2025-12-26", ["pre", "quotes", "post"])):
        query = {"mic_code": "XNGS", "date": date, "apikey": KEY}
        row = requests.get(f"{twelvedata.url}/exchange_schedule", params=query, timeout=10).json()["data"][0]
        assert [session["session_type"] for session in row["sessions"]] == kinds


def test_twelvedata_library_gets_a_batch_with_an_error_among_its_items(twelvedata, settings):
    batch = twelvedata.client.call("time_series", symbol=["AAPL", "NOBODY", "EUR/USD"], interval="1min", outputsize=2)
    assert set(batch) == {"AAPL", "EUR/USD"} and len(batch["AAPL"]) == 2
    header = {"Authorization": f"apikey {KEY}"}
    ask = lambda symbols: requests.get(  # noqa: E731
        f"{twelvedata.url}/price", params={"symbol": symbols}, headers=header, timeout=10)
    several = ask("AAPL,NOBODY,AAPL")
    assert several.headers["Is_batch"] == "true" and set(several.json()) == {"AAPL", "NOBODY"}
    assert (several.json()["NOBODY"]["code"], several.json()["NOBODY"]["status"]) == (400, "error")
    one = ask("AAPL,AAPL")
    assert "Is_batch" not in one.headers and set(one.json()) == {"price"}
    assert ask(",".join(f"X{n}" for n in range(121))).json()["code"] == 414

    body = {"a": {"url": "/price?symbol=AAPL"}, "b": {"url": "/price?symbol=NOBODY"}}
    post = lambda: requests.post(f"{twelvedata.url}/batch", json=body, headers=header, timeout=10).json()  # noqa: E731
    wrapped = post()
    assert (wrapped["code"], wrapped["data"]["a"]["response"]) == (200, one.json())
    assert wrapped["data"]["b"]["status"] == "error"
    settings(twelvedata, {"batch": "wrapped"}, batch="flat")
    assert post()["a"] == one.json() and post()["b"]["code"] == 404


@pytest.mark.parametrize("status", ["real", 200])
def test_twelvedata_library_raises_what_it_documents_under_real_codes_and_under_200(twelvedata, settings, status):
    default = {"error_status": "real", "plan": "pro", "credits": None, "daily_credits": None}
    settings(twelvedata, default, error_status=status, plan="basic", credits=1000, daily_credits=10000)
    attempt = twelvedata.client.attempt
    with Client("twelvedata_rest", twelvedata.url, "wrong") as stranger:
        assert stranger.attempt("price", symbol="AAPL")["error"] == "InvalidApiKeyError"
    refused = attempt("time_series", symbol="AAPL", interval="7min")
    assert refused["error"] == "BadRequestError" and "**interval**" in refused["text"]
    holiday = {"start_date": "2026-07-04", "end_date": "2026-07-06"}
    empty = attempt("time_series", symbol="AAPL", interval="1min", **holiday)
    assert empty["error"] == "BadRequestError" and "No data is available on the specified dates" in empty["text"]
    unknown = attempt("quote", symbol="NOBODY")
    assert unknown["error"] == "TwelveDataError" and "missing or invalid" in unknown["text"]
    assert "available exclusively with grow" in attempt("get_profile", symbol="AAPL")["text"]
    assert "available starting with the Pro plan" in attempt("price", symbol="VOD:LSE")["text"]
    twelvedata.misbehave({"what": "status", "status": 503})
    assert attempt("price", symbol="AAPL")["error"] == "InternalServerError"
    twelvedata.misbehave({"what": "rate_limit"})
    assert "out of API credits" in attempt("price", symbol="AAPL")["text"]
    assert "price" in attempt("price", symbol="AAPL")["result"]


def test_twelvedata_credits_run_out_within_a_minute_and_come_back():
    with FakeVendor("twelvedata", "--set", "plan=basic", "--set", "minute_s=5") as fake:
        def ask(call, **query):
            return requests.get(f"{fake.url}/{call}", params={"apikey": KEY, **query}, timeout=10)

        def spend() -> bool:
            """All that a minute has; false when another minute began in between."""
            first = ask("price", symbol="AAPL")
            batch = ask("price", symbol="AAPL,MSFT,NVDA")
            part = ask("price", symbol="AAPL,MSFT,NVDA,KO,GE")
            refused = ask("price", symbol="AAPL")
            used = [answer.headers["api-credits-used"] for answer in (first, batch)]
            if used != ["1", "4"] or refused.status_code != 429:
                return False
            assert batch.headers["api-credits-left"] == "4"
            assert [body.get("code") for body in part.json().values()] == [None, None, None, None, 429]
            assert "with the current limit being 8" in refused.json()["message"]
            return True

        deadline = time.monotonic() + 60
        while not spend():
            assert time.monotonic() < deadline, "no minute was spent whole"
        while (usage := ask("api_usage")).status_code == 429:
            assert time.monotonic() < deadline, "no minute began anew"
            time.sleep(0.05)
        assert (usage.json()["plan_limit"], usage.json()["plan_daily_limit"]) == (8, 800)
        fake.misbehave({"what": "out_of_credits", "of": "day"})
        assert "for the day" in ask("price", symbol="AAPL").json()["message"]


def test_twelvedata_library_hears_exactly_the_prices_that_were_sent():
    with FakeVendor("twelvedata", "--seed", SEED, "--rate", "200") as fake:
        with prices(fake, "aapl", "EUR/USD", "BTC/USD", "VOD:LSE", "NOBODY") as client:
            status = event(client, "subscribe-status")
            assert {row["symbol"] for row in status["success"]} == {"AAPL", "EUR/USD", "BTC/USD", "VOD"}
            assert status["status"] == "ok" and status["fails"] == [{"symbol": "NOBODY"}]
            for _ in range(100):
                event(client, "price")
            fake.market(rate=0)
            fake.publish({"instrument": "AAPL", "last": 321.25, "time": 1736157600.7, "volume": 99})
            sent = as_sent(fake.delivered())
            while len(heard := heard_by(client)) < len(sent):
                event(client, "price")
            assert heard == sent, f"seed {SEED}"
            assert (heard[-1]["price"], heard[-1]["timestamp"], heard[-1]["day_volume"]) == (321.25, 1736157600, 99)
            by_symbol = {row["symbol"]: row for row in heard}
            coin, currency = by_symbol["BTC/USD"], by_symbol["EUR/USD"]
            assert isinstance(coin["price"], float) and coin["currency_base"] == "Bitcoin"
            assert currency["bid"] < currency["ask"] and "day_volume" not in currency

            tell(client, do="heartbeat")
            assert event(client, "heartbeat")["status"] == "ok"
            tell(client, do="unsubscribe", symbols=["AAPL"])
            assert event(client, "unsubscribe-status")["success"][0]["symbol"] == "AAPL"
            assert "AAPL" not in fake.state()["wanted"]
            tell(client, do="reset")
            assert event(client, "reset-status")
            assert fake.state()["wanted"] == []


def test_twelvedata_library_connects_again_after_a_cut_and_subscribes_again():
    with FakeVendor("twelvedata", "--seed", SEED, "--rate", "50") as fake, prices(fake, "AAPL") as client:
        event(client, "price")
        # The library's cure for an error is a new connection; a clean close it takes as the end.
        fake.cut("mid-frame")
        client.until("log", lambda line: "ERROR" in line["text"])
        fake.wait(lambda state: state["wanted"] == ["AAPL"] and len(state["connections"]) == 1, "AAPL subscribed again")
        event(client, "subscribe-status")
        event(client, "price")


@pytest.mark.parametrize("status", [401, 403, 200])
def test_twelvedata_refuses_the_upgrade_of_a_wrong_key_in_three_forms(status):
    with FakeVendor("twelvedata", "--set", f"refused_upgrade={status}") as fake:
        with prices(fake, "AAPL", key="wrong") as client:
            line = client.until("log", lambda line: "ERROR" in line["text"])
            assert str(status) in line["text"], "the library tells the status of the handshake"
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{fake.websocket_url}/v1/quotes/price?apikey=wrong")
        body = json.loads(refused.value.response.body)
        assert refused.value.response.status_code == status
        assert body["status"] == "error" and body["code"] == (401 if status == 200 else status)


def test_twelvedata_keeps_three_connections_and_closes_the_oldest_at_the_fourth():
    with FakeVendor("twelvedata") as fake:
        address = f"{fake.websocket_url}/v1/quotes/price?apikey={KEY}"
        first, *others = [connect(address) for _ in range(3)]
        others.append(connect(address))
        with pytest.raises(ConnectionClosed):
            first.recv(timeout=30)
        for socket in others:
            socket.send('{"action":"heartbeat"}')
            assert json.loads(socket.recv(timeout=30)) == {"event": "heartbeat", "status": "ok"}
            socket.close()


def test_twelvedata_takes_the_long_form_and_writes_fails_in_every_form(twelvedata, settings):
    settings(twelvedata, {"fails": "objects", "no_fails": "null"}, fails="strings")
    with connect(f"{twelvedata.websocket_url}/v1/quotes/price?apikey={KEY}") as socket:
        def subscribe(symbols):
            socket.send(json.dumps({"action": "subscribe", "params": {"symbols": symbols}}))
            return json.loads(socket.recv(timeout=30))

        swiss, pair = {"symbol": "AAPL", "exchange": "SIX"}, {"symbol": "EUR/USD", "type": "Forex"}
        status = subscribe([swiss, pair, {"symbol": "X"}])
        assert [(row["symbol"], row["mic_code"]) for row in status["success"]] == [("AAPL", "XSWX"), ("EUR/USD", "")]
        assert status["fails"] == ["X"] and twelvedata.state()["wanted"] == ["AAPL.SW", "EUR/USD"]
        assert subscribe("MSFT")["fails"] is None
        twelvedata.market(no_fails="missing")
        assert "fails" not in subscribe("NVDA")
        assert subscribe("X,Y")["status"] == "error"
        socket.send('{"action":"dance"}')
        assert json.loads(socket.recv(timeout=30))["event"] == "error"
        twelvedata.misbehave({"what": "mute"})
        twelvedata.publish({"instrument": "MSFT", "last": 400.0})
        socket.send('{"action":"heartbeat"}')
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)
        assert [entry["lost"] for entry in twelvedata.log() if entry.get("lost")] == ["mute"]
    twelvedata.behave()
