"""The fake of Zerodha against the vendor's own client library, which must work with it unchanged.

No hub runs here: these tests prove that a hub tested against the fake is tested against the vendor's protocol.
"""

import hashlib

import pytest
import requests

import vendorclients
from fakes import FakeVendor
from vendorclients import SEED, Client

INFY, NIFTY, FUTURE, RUPEE, RUPEE_BSE = 408065, 256265, 48225 * 256 + 2, 1401 * 256 + 3, 2401 * 256 + 6


@pytest.fixture(scope="module", autouse=True)
def libraries():
    vendorclients.install()


@pytest.fixture(scope="module")
def running():
    with FakeVendor("zerodha", "--seed", SEED, "--no-limits") as fake:
        yield fake


@pytest.fixture
def zerodha(running):
    return running.fresh(access_token="faketoken")


def kite(fake, token="faketoken"):
    return Client("kite_rest", fake.url, "fakekey", token)


def ticker(fake, wanted: str, token="faketoken"):
    return Client("kite_ticker", fake.websocket_url, "fakekey", token, wanted)


def as_said(ticks: list[dict]) -> list[dict]:
    """Ticks of the library without what it works out itself."""
    return [{k: v for k, v in tick.items() if k not in ("change", "tradable")} for tick in ticks]


def as_sent(events: list[dict]) -> list[dict]:
    return [{k: v for k, v in event.items() if k not in ("instrument", "print")} for event in events]


def ticks_until(client, fake, seconds=30) -> list[dict]:
    """Everything the library ticked, up to the last event that the fake says was delivered."""
    sent = as_sent(fake.delivered())
    got = [tick for line in client.seen if line.get("what") == "ticks" for tick in as_said(line["ticks"])]
    while len(got) < len(sent):
        got += as_said(client.until("ticks", seconds=seconds)["ticks"])
    assert got == sent, f"seed {SEED}"
    return got


def test_kiteconnect_reads_profile_instruments_and_quotes(zerodha):
    with kite(zerodha) as client:
        assert client.call("profile")["broker"] == "ZERODHA"
        rows = client.call("instruments")
        assert {row["exchange"] for row in rows} == {"NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX"}
        assert all(row["instrument_token"] >> 8 == int(row["exchange_token"]) for row in rows)
        assert {row["exchange"] for row in client.call("instruments", "MCX")} == {"MCX"}
        zerodha.market(prices={"NSE:INFY": {"last": 1412.95, "open": 1396.0, "close": 1389.65}})
        quotes = client.call("quote", "NSE:INFY", "NSE:NIFTY 50", "NSE:UNKNOWN")
        assert set(quotes) == {"NSE:INFY", "NSE:NIFTY 50"}
        assert quotes["NSE:INFY"]["last_price"] == 1412.95 and quotes["NSE:INFY"]["ohlc"]["open"] == 1396
        assert len(quotes["NSE:INFY"]["depth"]["buy"]) == 5
        assert "depth" not in quotes["NSE:NIFTY 50"] and "volume" not in quotes["NSE:NIFTY 50"]
        assert client.call("ltp", str(INFY)) == {str(INFY): {"instrument_token": INFY, "last_price": 1412.95}}
        assert client.call("ohlc", "NSE:UNKNOWN") == {}
        assert client.attempt("ltp", *[f"NSE:X{i}" for i in range(1001)])["error"] == "InputException"


def test_kiteconnect_reads_candles_that_agree_between_intervals(zerodha):
    with kite(zerodha) as client:
        span = "2024-01-08 00:00:00", "2024-01-12 23:59:59"
        minutes = client.call("historical_data", INFY, *span, "minute")
        days = client.call("historical_data", INFY, *span, "day")
        assert len(minutes) == 5 * 375 and len(days) == 5
        assert minutes[0]["date"] == "2024-01-08 09:15:00+05:30" and days[0]["date"] == "2024-01-08 00:00:00+05:30"
        first = minutes[:375]
        assert (days[0]["open"], days[0]["close"]) == (first[0]["open"], first[-1]["close"])
        assert days[0]["high"] == max(bar["high"] for bar in first)
        assert days[0]["low"] == min(bar["low"] for bar in first)
        assert days[0]["volume"] == sum(bar["volume"] for bar in first)
        assert client.call("historical_data", INFY, *span, "minute") == minutes
        assert client.call("historical_data", INFY, "2024-01-13 00:00:00", "2024-01-14 23:59:59", "minute") == []
        wide = client.attempt("historical_data", INFY, "2024-01-01 00:00:00", "2024-04-01 00:00:00", "minute")
        assert wide["error"] == "InputException" and "max limit: 60 days" in wide["text"]
        future = client.call("historical_data", FUTURE, *span, "day", continuous=True, oi=True)
        assert len(future) == 5 and future[0]["oi"] > 0
        assert client.attempt("historical_data", INFY, *span, "day", continuous=True)["error"] == "InputException"


def test_kiteconnect_raises_what_the_vendor_means(zerodha):
    with kite(zerodha, token="yesterday") as client:
        assert client.attempt("profile")["error"] == "TokenException"
    with kite(zerodha) as client:
        for order, expected in [
            ({"what": "status", "status": 403}, "TokenException"), ({"what": "rate_limit"}, "NetworkException"),
            ({"what": "status", "status": 503}, "NetworkException"), ({"what": "html"}, "DataException"),
            ({"what": "status", "status": 500}, "GeneralException"), ({"what": "garbage"}, "DataException"),
        ]:
            zerodha.misbehave(order | {"routes": "/user/*"})
            assert client.attempt("profile")["error"] == expected, order
            assert client.call("profile")["user_id"] == "XX0000"
        zerodha.misbehave({"what": "token_death"})
        assert client.attempt("profile")["error"] == "TokenException"


def test_the_limits_of_zerodha_bind_unless_switched_off():
    with FakeVendor("zerodha") as fake, kite(fake) as client:
        replies = [client.attempt("ltp", "NSE:INFY") for _ in range(3)]
        assert "result" in replies[0] and replies[2]["error"] == "NetworkException"
        assert replies[2]["text"] == "Too many requests"


def test_a_login_at_zerodha_gives_a_token_once(zerodha):
    zerodha.market(redirect_url="http://127.0.0.1:9/done?x=1")
    page = requests.get(zerodha.url + "/connect/login", allow_redirects=False, timeout=10,
                        params={"v": "3", "api_key": "fakekey", "redirect_params": "state=abc"})
    assert page.status_code == 302 and page.headers["Location"].startswith("http://127.0.0.1:9/done?x=1&")
    query = dict(part.split("=") for part in page.headers["Location"].split("?")[1].split("&"))
    assert query["state"] == "abc" and query["status"] == "success"
    with kite(zerodha, token="none") as client:
        assert client.attempt("generate_session", query["request_token"], "wrong")["error"] == "TokenException"
        session = client.call("generate_session", query["request_token"], "fakesecret")
        assert client.call("profile")["user_id"] == session["user_id"]  # The library took the new token.
        again = client.attempt("generate_session", query["request_token"], "fakesecret")
        assert again["error"] == "TokenException"
    sent = next(r for r in zerodha.requests() if r["path"] == "/session/token" and r["status"] == 200)
    text = "fakekey" + query["request_token"] + "fakesecret"
    assert "checksum=" + hashlib.sha256(text.encode()).hexdigest() in sent["body"]


def test_kiteticker_ticks_what_the_fake_sent_in_every_mode_and_segment(zerodha):
    wanted = f'{{"full": [{INFY}, {NIFTY}, {FUTURE}, {RUPEE}], "quote": [{RUPEE_BSE}], "ltp": [738561]}}'
    with ticker(zerodha, wanted) as client:
        client.until("connect")
        zerodha.wait(lambda state: state["connections"] and len(state["connections"][0]["modes"]) == 6, "modes")
        zerodha.publish(
            {"instrument": "NSE:INFY", "last": 1573.15, "quantity": 7},
            {"instrument": "NSE:NIFTY 50", "last": 23612.2},
            {"instrument": "CDS:" + symbol(zerodha, RUPEE), "last": 84.5025, "quantity": 3},
            {"instrument": "BCD:" + symbol(zerodha, RUPEE_BSE), "last": 84.51, "quantity": 3},
        )
        zerodha.publish({"instrument": "NSE:INFY", "last": 0, "quantity": 0, "trade_time": 0, "time": 0})
        zerodha.misbehave({"what": "unknown_packet"})
        zerodha.market(rate=100)
        zerodha.wait(lambda state: state["connections"][0]["frames"] > 25, "events")
        zerodha.market(rate=0)
        got = ticks_until(client, zerodha)
        assert {tick["mode"] for tick in got} == {"ltp", "quote", "full"}
        assert 84.5025 in [tick["last_price"] for tick in got if tick["instrument_token"] == RUPEE]


def symbol(fake, token: int) -> str:
    rows = requests.get(fake.url + "/instruments", headers={"Authorization": "token fakekey:faketoken"}, timeout=10)
    return next(row.split(",")[2] for row in rows.text.splitlines() if row.startswith(f"{token},"))


def test_kiteticker_hands_on_text_frames_and_lives_on_keep_alives(zerodha):
    with ticker(zerodha, f'{{"ltp": [{INFY}]}}') as client:
        client.until("ticks")
        zerodha.misbehave({"what": "text", "type": "order", "data": {"order_id": "1"}},
                          {"what": "text", "type": "error", "data": "a complaint"})
        assert client.until("order")["data"] == {"order_id": "1"}
        assert client.until("error")["reason"] == "a complaint"
        zerodha.wait(lambda state: len(zerodha.log(what="keepalive")) >= 2, "two keep-alives")


def test_kiteticker_is_refused_with_403_when_the_token_is_dead(zerodha):
    with ticker(zerodha, "{}", token="yesterday") as client:
        assert "403" in client.until("close")["reason"]
    refused = [r for r in zerodha.requests() if r["path"] == "/" and r["status"] == 403]
    assert refused and refused[0]["headers"]["X-Kite-Version"] == "3"


def test_kiteticker_comes_back_after_a_cut_and_misses_only_what_the_fake_says(zerodha):
    with ticker(zerodha, f'{{"full": [{INFY}]}}') as client:
        client.until("ticks", lambda line: line["ticks"][0]["mode"] == "full")
        zerodha.misbehave({"what": "cut"})
        zerodha.publish({"instrument": "NSE:INFY", "last": 1601.0, "quantity": 1})
        assert client.until("close")["code"] == 1006
        client.until("connect")  # The second one.
        zerodha.wait(lambda state: state["connections"] and state["connections"][0]["modes"] == {str(INFY): "full"},
                     "the subscription again")
        zerodha.publish({"instrument": "NSE:INFY", "last": 1602.0, "quantity": 1})
        got = ticks_until(client, zerodha)
        lost = [event for entry in zerodha.log(what="half") for event in entry["events"]]
        assert [event["last_price"] for event in lost] == [1601.0]
        assert got[-1]["last_price"] == 1602.0


def test_kiteticker_sees_duplicates_and_swapped_frames_as_the_fake_says(zerodha):
    with ticker(zerodha, f'{{"ltp": [{INFY}]}}') as client:
        client.until("ticks", lambda line: line["ticks"][0]["mode"] == "ltp")
        zerodha.misbehave({"what": "duplicate"})
        zerodha.publish({"instrument": "NSE:INFY", "last": 1.0})
        zerodha.misbehave({"what": "reorder"})
        zerodha.publish({"instrument": "NSE:INFY", "last": 2.0})
        zerodha.publish({"instrument": "NSE:INFY", "last": 3.0})
        got = ticks_until(client, zerodha)
        assert [tick["last_price"] for tick in got[-4:]] == [1.0, 1.0, 3.0, 2.0]


def test_a_mute_ticker_says_what_it_kept_back(zerodha):
    with ticker(zerodha, f'{{"ltp": [{INFY}]}}') as client:
        client.until("ticks", lambda line: line["ticks"][0]["mode"] == "ltp")
        zerodha.misbehave({"what": "mute"})
        zerodha.publish({"instrument": "NSE:INFY", "last": 5.0})
        zerodha.behave()
        zerodha.publish({"instrument": "NSE:INFY", "last": 6.0})
        got = ticks_until(client, zerodha)
        assert got[-1]["last_price"] == 6.0 and 5.0 not in [tick["last_price"] for tick in got]
        kept = [entry for entry in zerodha.log() if entry.get("lost") == "mute"]
        assert [event["last_price"] for entry in kept for event in entry["events"]] == [5.0]
