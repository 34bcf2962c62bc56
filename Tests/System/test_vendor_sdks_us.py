"""The fakes of TwelveData and Finnhub against the vendors' own client libraries, which must work with them unchanged.

No hub runs here: what these tests prove is that a hub tested against the fakes is tested against the vendors' protocols.
"""

import collections
import json
import os
import random
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import vendorclients
from fakes import FakeVendor
from vendorclients import Client

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))
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


@pytest.fixture(scope="module")
def finnhub():
    with FakeVendor("finnhub", "--seed", SEED, "--no-limits") as fake:
        with Client("finnhub_rest", fake.url, KEY) as fake.client:
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


def as_sent(events: list[dict]) -> list[dict]:
    return [{k: v for k, v in event.items() if k != "instrument"} for event in events]


# TwelveData: REST


def test_twelvedata_library_reads_quotes_whose_numbers_are_texts(twelvedata):
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
            if first.headers["api-credits-used"] != "1" or refused.status_code != 429:
                return False
            assert (batch.headers["api-credits-used"], batch.headers["api-credits-left"]) == ("4", "4")
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


# TwelveData: WebSocket


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
            while sum(line["what"] == "event" and line["event"]["event"] == "price" for line in client.seen) < len(sent):
                event(client, "price")
            heard = [line["event"] for line in client.seen if line["what"] == "event" and line["event"]["event"] == "price"]
            assert heard == sent, f"seed {SEED}"
            assert (heard[-1]["price"], heard[-1]["timestamp"], heard[-1]["day_volume"]) == (321.25, 1736157600, 99)
            by_symbol = {row["symbol"]: row for row in heard}
            assert isinstance(by_symbol["BTC/USD"]["price"], float) and by_symbol["BTC/USD"]["currency_base"] == "Bitcoin"
            assert by_symbol["EUR/USD"]["bid"] < by_symbol["EUR/USD"]["ask"] and "day_volume" not in by_symbol["EUR/USD"]

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

        status = subscribe([{"symbol": "AAPL", "exchange": "SIX"}, {"symbol": "EUR/USD", "type": "Forex"}, {"symbol": "X"}])
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


# Finnhub: REST


def test_finnhub_library_reads_quotes_and_zeros_for_what_is_unknown(finnhub):
    finnhub.market(prices={"AAPL": {"last": 243.15, "close": 240.0, "open": 241.0, "high": 244.5, "low": 239.5}})
    quote = finnhub.client.call("quote", "AAPL")
    assert {name: quote[name] for name in "cdhlo"} == {"c": 243.15, "d": 3.15, "h": 244.5, "l": 239.5, "o": 241.0}
    assert quote["pc"] == 240.0 and quote["dp"] == 1.3125 and isinstance(quote["t"], int)
    assert finnhub.client.call("quote", "NOBODY") == {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
    book = finnhub.client.call("last_bid_ask", "AAPL")
    assert book["b"] < book["a"] and book["t"] > 10**12
    assert "//quote" in finnhub.requests()[-3]["path"], "the library doubles the slash"


def test_finnhub_library_reads_candles_and_no_data(finnhub):
    end = int(time.time())
    candles = finnhub.client.call("stock_candles", "AAPL", "D", end - 30 * 86400, end)
    assert candles["s"] == "ok" and len({len(candles[name]) for name in "ohlctv"}) == 1 and len(candles["t"]) > 15
    assert candles["t"] == sorted(candles["t"]) and all(t % 86400 == 0 for t in candles["t"])
    saturday = 1736553600
    assert finnhub.client.call("stock_candles", "AAPL", "1", saturday, saturday + 7200) == {"s": "no_data"}
    minutes = finnhub.client.call("crypto_candles", "BINANCE:BTCUSDT", "1", saturday, saturday + 7200)
    assert len(minutes["t"]) == 121 and finnhub.client.call("forex_candles", "OANDA:EUR_USD", "60", end - 7 * 86400, end)["s"] == "ok"


def test_finnhub_library_reads_lists_markets_companies_and_news(finnhub):
    call = finnhub.client.call
    rows = {row["symbol"]: row for row in call("stock_symbols", "US")}
    assert rows["AAPL"]["mic"] == "XNGS" and "VOD.L" not in rows
    file = [entry for entry in finnhub.requests() if entry["path"].startswith("/files/")][-1]
    assert file["headers"]["Host"].startswith("localhost"), "the signed address is at another host"
    assert [row["symbol"] for row in call("stock_symbols", "L")] == ["VOD.L"]
    assert "oanda" in call("forex_exchanges") and "Binance" in call("crypto_exchanges")
    assert {"description", "displaySymbol", "symbol"} == set(call("forex_symbols", "oanda")[0])
    assert "IC MARKETS:1" in {row["symbol"] for row in call("forex_symbols", "IC MARKETS")}
    assert "BINANCE:BTCUSDT" in {row["symbol"] for row in call("crypto_symbols", "Binance")}
    assert call("symbol_lookup", "S&P")["result"][0]["symbol"] == "SPY"
    assert set(call("market_status", "US")) == {"exchange", "holiday", "isOpen", "session", "t", "timezone"}
    holidays = {row["atDate"]: row["tradingHour"] for row in call("market_holiday", "US")["data"]}
    assert "" in holidays.values() and "09:30-13:00" in holidays.values()
    assert call("company_profile2", symbol="AAPL")["ticker"] == "AAPL" and call("company_profile2", symbol="X") == {}
    assert call("company_profile2", isin="US0378331005")["ticker"] == "AAPL"
    assert call("company_peers", "AAPL")[0] == "AAPL" and call("company_basic_financials", "X", "all")["metric"] == {}
    items = call("company_news", "AAPL", _from="2026-01-05", to="2026-01-09")
    assert items and [item["datetime"] for item in items] == sorted((i["datetime"] for i in items), reverse=True)
    assert call("company_news", "NOBODY", _from="2026-01-05", to="2026-01-09") == []
    news = call("general_news", "general", min_id=0)
    assert [item["id"] for item in call("general_news", "general", min_id=news[5]["id"])] == [i["id"] for i in news[:5]]
    sentiment = call("news_sentiment", "AAPL")["sentiment"]
    assert sentiment["bearishPercent"] + sentiment["bullishPercent"] == pytest.approx(1)


def test_finnhub_library_raises_refusals_with_their_texts(finnhub, settings):
    settings(finnhub, {"plan": "premium"}, plan="free")
    attempt = finnhub.client.attempt
    refused = attempt("stock_candles", "AAPL", "D", 1736157600, 1736200000)
    assert (refused["status"], "You don't have access to this resource." in refused["text"]) == (403, True)
    assert attempt("news_sentiment", "AAPL")["status"] == 403 and attempt("stock_symbols", "L")["status"] == 401
    assert "c" in attempt("quote", "AAPL")["result"]
    with Client("finnhub_rest", finnhub.url, "wrong") as stranger:
        assert stranger.attempt("quote", "AAPL")["status"] == 401
    finnhub.misbehave({"what": "rate_limit", "retry_after": 3})
    assert (limited := attempt("quote", "AAPL"))["status"] == 429 and "Remaining Limit: 0" in limited["text"]
    finnhub.misbehave({"what": "status", "status": 502})
    page = attempt("quote", "AAPL")
    assert page["status"] == 502 and "<html>" in page["text"]
    header = requests.get(f"{finnhub.url}/api/v1/quote", params={"symbol": "AAPL"}, headers={"X-Finnhub-Token": KEY}, timeout=10)
    assert header.json()["c"] > 0 and int(header.headers["x-ratelimit-reset"]) > time.time()
    empty = requests.get(f"{finnhub.url}/api/v1/quote", params={"symbol": "AAPL", "token": ""}, timeout=10)
    assert empty.status_code == 429 and "sign up" in empty.json()["error"]
    lost = requests.get(f"{finnhub.url}/api/v1/nothing", params={"token": KEY}, timeout=10, allow_redirects=False)
    assert (lost.status_code, lost.headers["Location"]) == (302, "/")


def test_finnhub_refuses_calls_beyond_the_plan_within_a_minute():
    with FakeVendor("finnhub", "--set", "plan=free", "--set", "calls=12", "--set", 'weights={"stock/profile2": 5}') as fake:
        def ask(call):
            return requests.get(f"{fake.url}/api/v1/{call}", params={"symbol": "AAPL", "token": KEY}, timeout=10)

        replies = [ask("stock/profile2"), ask("stock/profile2"), ask("quote"), ask("quote"), ask("quote")]
        if len({reply.headers["x-ratelimit-reset"] for reply in replies}) == 1:
            assert [reply.status_code for reply in replies] == [200, 200, 200, 200, 429]
            assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["7", "2", "1", "0", "0"]


# Finnhub: WebSocket


def finnhub_socket(fake, key=KEY, **options):
    return connect(f"{fake.websocket_url}/?token={key}", compression=None, **options)


def subscribe(socket, *symbols) -> None:
    for symbol in symbols:
        socket.send(json.dumps({"type": "subscribe", "symbol": symbol}))


def test_plain_socket_hears_exactly_the_trades_that_were_sent_and_comes_back_after_a_cut():
    symbols = ["AAPL", "BINANCE:BTCUSDT", "OANDA:EUR_USD", "NOBODY"]
    with FakeVendor("finnhub", "--seed", SEED, "--rate", "200") as fake:
        with Client("plain_socket", f"{fake.websocket_url}?token={KEY}", json.dumps(symbols)) as client:
            heard: list[dict] = []

            def hear(count: int) -> None:
                while len(heard) < count:
                    heard.extend(client.until("message")["message"].get("data", ()))

            hear(150)
            fake.cut("reset")
            client.until("error")
            client.until("open")
            hear(300)
            fake.market(rate=0)
            hear(len(fake.delivered()))
            assert heard == as_sent(fake.delivered()), f"seed {SEED}"
            conditions = collections.Counter("missing" if "c" not in row else type(row["c"]).__name__ for row in heard)
            assert set(conditions) == {"missing", "list", "NoneType"}
            volumes = {symbol: {row["v"] for row in heard if row["s"] == symbol} for symbol in symbols}
            assert volumes["OANDA:EUR_USD"] == {0} and volumes["NOBODY"] == set() and 0 not in volumes["AAPL"]
            assert any(v != int(v) for v in volumes["BINANCE:BTCUSDT"])
            assert any(len({item["s"] for item in entry["events"]}) > 1 for entry in fake.log(what="data"))


def test_finnhub_sends_pings_duplicates_and_old_times_and_stays_silent_when_told():
    with FakeVendor("finnhub", "--set", "ping_s=0.3") as fake, finnhub_socket(fake) as socket:
        subscribe(socket, "AAPL", "MSFT")
        fake.wait(lambda state: state["wanted"] == ["AAPL", "MSFT"], "both subscriptions")
        assert json.loads(socket.recv(timeout=30)) == {"type": "ping"}
        fake.market(ping_s=60, shuffled=True)
        fake.misbehave({"what": "duplicate"})
        fake.publish({"instrument": "AAPL", "last": 1.5, "quantity": 7, "time": 1736174100.123},
                     {"instrument": "MSFT", "last": 2.5, "quantity": 0, "time": 1736174100.5})
        frames = []
        while len(frames) < 2:
            frame = json.loads(socket.recv(timeout=30))
            if frame["type"] == "trade":
                frames.append(frame)
        assert frames[0] == frames[1]
        assert [(row["s"], row["p"], row["t"], row["v"]) for row in frames[0]["data"]] == [
            ("MSFT", 2.5, 1736174100500, 0), ("AAPL", 1.5, 1736174100123, 7)]
        fake.misbehave({"what": "mute"})
        fake.publish({"instrument": "AAPL", "last": 3.5})
        with pytest.raises(TimeoutError):
            socket.recv(timeout=1)


def test_finnhub_refuses_the_51st_symbol_and_for_a_while_a_good_one():
    with FakeVendor("finnhub") as fake, finnhub_socket(fake) as socket:
        fake.misbehave({"what": "invalid_symbol", "symbol": "OANDA:EUR_USD", "for_s": 600})
        subscribe(socket, "OANDA:EUR_USD")
        assert json.loads(socket.recv(timeout=30)) == {"msg": "Invalid symbol OANDA:EUR_USD", "type": "error"}
        fake.misbehave({"what": "invalid_symbol", "symbol": "OANDA:EUR_USD", "for_s": 0})
        subscribe(socket, "OANDA:EUR_USD", *(f"T{n:04}" for n in range(1, 50)), "AAPL")
        assert json.loads(socket.recv(timeout=30)) == {"msg": "Subscribing to too many symbols", "type": "error"}
        assert len(fake.state()["wanted"]) == 50 and "AAPL" not in fake.state()["wanted"]
        socket.send('{"type":"unsubscribe","symbol":"T0001"}')
        subscribe(socket, "AAPL")
        fake.wait(lambda state: "AAPL" in state["wanted"], "AAPL in the freed place")


def test_finnhub_lets_one_connection_live_a_key():
    with FakeVendor("finnhub") as fake:
        with finnhub_socket(fake) as first, finnhub_socket(fake) as second:
            with pytest.raises(ConnectionClosed):
                first.recv(timeout=30)
            fake.market(second_connection="refused")
            with pytest.raises(InvalidStatus):
                finnhub_socket(fake)
            fake.market(second_connection="opens_and_closes")
            with finnhub_socket(fake) as third, pytest.raises(ConnectionClosed):
                third.recv(timeout=30)
            subscribe(second, "AAPL")
            fake.wait(lambda state: state["wanted"] == ["AAPL"], "the first one alive")
        with pytest.raises(InvalidStatus) as refused:
            finnhub_socket(fake, key="wrong")
        assert refused.value.response.status_code == 401
        fake.misbehave({"what": "refuse_upgrade", "status": 200})
        with pytest.raises(InvalidStatus) as outage:
            finnhub_socket(fake)
        assert outage.value.response.status_code == 200
