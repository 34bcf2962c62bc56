"""The fake of Finnhub against the vendor's own client library, which must work with it unchanged.

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


def as_sent(events: list[dict]) -> list[dict]:
    return [{k: v for k, v in event.items() if k != "instrument"} for event in events]


def test_finnhub_library_reads_quotes_and_zeros_for_what_is_unknown(finnhub):
    finnhub.market(prices={"AAPL": {"last": 243.15, "close": 240.0, "open": 241.0, "high": 244.5, "low": 239.5}})
    quote = finnhub.client.call("quote", "AAPL")
    assert {name: quote[name] for name in "cdhlo"} == {"c": 243.15, "d": 3.15, "h": 244.5, "l": 239.5, "o": 241.0}
    assert quote["pc"] == 240.0 and quote["dp"] == 1.3125 and isinstance(quote["t"], int)
    zeros = {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
    assert finnhub.client.call("quote", "NOBODY") == zeros
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
    assert len(minutes["t"]) == 121
    assert finnhub.client.call("forex_candles", "OANDA:EUR_USD", "60", end - 7 * 86400, end)["s"] == "ok"


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
    quote = f"{finnhub.url}/api/v1/quote?symbol=AAPL"
    header = requests.get(quote, headers={"X-Finnhub-Token": KEY}, timeout=10)
    assert header.json()["c"] > 0 and int(header.headers["x-ratelimit-reset"]) > time.time()
    empty = requests.get(quote + "&token=", timeout=10)
    assert empty.status_code == 429 and "sign up" in empty.json()["error"]
    lost = requests.get(f"{finnhub.url}/api/v1/nothing", params={"token": KEY}, timeout=10, allow_redirects=False)
    assert (lost.status_code, lost.headers["Location"]) == (302, "/")


def test_finnhub_refuses_calls_beyond_the_plan_within_a_minute():
    one_minute = "minute_s=1000000000"
    settings = ("plan=free", "calls=12", 'weights={"stock/profile2": 5}', one_minute)
    with FakeVendor("finnhub", *(part for text in settings for part in ("--set", text))) as fake:
        def ask(call):
            return requests.get(f"{fake.url}/api/v1/{call}", params={"symbol": "AAPL", "token": KEY}, timeout=10)

        replies = [ask("stock/profile2"), ask("stock/profile2"), ask("quote"), ask("quote"), ask("quote")]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 200, 429]
        assert [reply.headers["x-ratelimit-remaining"] for reply in replies] == ["7", "2", "1", "0", "0"]


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
            conditions = {type(row["c"]).__name__ if "c" in row else "missing" for row in heard}
            assert conditions == {"missing", "list", "NoneType"}
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
