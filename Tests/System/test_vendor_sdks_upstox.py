"""The fake of Upstox against the vendor's own client library, which must work with it unchanged. No hub runs here."""

import gzip
import json

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import vendorclients
from fakes import FakeVendor
from vendorclients import SEED, Client

pytestmark = pytest.mark.hubless

INFOSYS, NIFTY_50, OPTION, NIFTY_FUTURE = "NSE_EQ|INE009A01021", "NSE_INDEX|Nifty 50", "NSE_FO|40084", "NSE_FO|48225"


@pytest.fixture(scope="module", autouse=True)
def libraries():
    vendorclients.install()


@pytest.fixture(scope="module")
def running():
    with FakeVendor("upstox", "--seed", SEED, "--ping", "0.5") as fake:
        yield fake


@pytest.fixture
def upstox(running):
    return running.fresh(access_token="faketoken")


def rest(fake, token="faketoken"):
    return Client("upstox_rest", fake.url, token)


def feed(fake, mode: str, *keys: str, token="faketoken"):
    return Client("upstox_feed", fake.websocket_url, token, mode, json.dumps(keys))


def numbers(value, name=""):
    """A message of the library, in which 64-bit integers are texts, with numbers."""
    if isinstance(value, dict):
        return {k: numbers(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [numbers(v) for v in value]
    return int(value) if isinstance(value, str) and value.isdigit() and name != "interval" else value


def without_zeros(value):
    """A message of the fake as proto3 shows it: what is zero is not there."""
    if isinstance(value, dict):
        return {k: without_zeros(v) for k, v in value.items() if v not in (0, "ltpc", "initial_feed")}
    return [without_zeros(v) for v in value] if isinstance(value, list) else value


def messages_until(client, fake) -> list[dict]:
    """Every message of the library, up to the last that the fake says was delivered, compared with the fake's log."""
    sent = []
    for entry in fake.log(what="data,market_info"):
        if entry["delivered"]:
            events = entry["events"]
            message = {"type": events[0]["type"], "currentTs": events[0]["currentTs"]}
            if message["type"] == "market_info":
                message["marketInfo"] = {"segmentStatus": events[0]["segmentStatus"]}
            else:
                message["feeds"] = {event["instrument"]: event["feed"] for event in events}
            sent.append(without_zeros(message))
    got = [numbers(line["message"]) for line in client.seen if line.get("what") == "message"]
    while len(got) < len(sent):
        got.append(numbers(client.until("message")["message"]))
    assert got == sent, f"seed {SEED}"
    return got


def test_the_upstox_client_reads_quotes(upstox):
    with rest(upstox) as client:
        upstox.market(prices={INFOSYS: {"last": 1503.25, "close": 1490.0}})
        ltp = client.call("MarketQuoteV3Api.get_ltp", instrument_key=f"{INFOSYS},{NIFTY_50},NSE_EQ|INE000000000")
        assert set(ltp["data"]) == {"NSE_EQ:INFY", "NSE_INDEX:Nifty 50"}
        assert ltp["data"]["NSE_EQ:INFY"]["last_price"] == 1503.25
        assert ltp["data"]["NSE_EQ:INFY"]["instrument_token"] == INFOSYS and ltp["data"]["NSE_EQ:INFY"]["cp"] == 1490
        old = client.call("MarketQuoteApi.get_full_market_quote", INFOSYS, "2.0")["data"]["NSE_EQ:INFY"]
        assert len(old["depth"]["buy"]) == 5 and old["net_change"] == 13.25
        new = client.call("MarketQuoteV3Api.get_full_market_quote_v3", instrument_key=INFOSYS)["data"]["NSE_EQ:INFY"]
        assert new["prev_close_price"] == 1490 and new["year_high"] >= 1503.25
        bars = client.call("MarketQuoteV3Api.get_market_quote_ohlc", "1d", instrument_key=INFOSYS)
        assert bars["data"]["NSE_EQ:INFY"]["live_ohlc"]["close"] == 1503.25
        greek = client.call("MarketQuoteV3Api.get_market_quote_option_greek", instrument_key=OPTION)
        (one,) = greek["data"].values()
        assert 0 < one["delta"] < 1 and one["oi"] > 0
        bad = client.attempt("MarketQuoteV3Api.get_ltp", instrument_key="INFY")
        assert bad["status"] == 400 and "UDAPI100011" in bad["body"]


def test_the_upstox_client_reads_candles_newest_first(upstox):
    with rest(upstox) as client:
        def history(*arguments):
            return client.call("HistoryV3Api.get_historical_candle_data1", *arguments)["data"]["candles"]
        minutes = history(INFOSYS, "minutes", "1", "2024-01-12", "2024-01-08")
        days = history(INFOSYS, "days", "1", "2024-01-12", "2024-01-08")
        assert len(minutes) == 5 * 375 and len(days) == 5 and all(len(bar) == 7 for bar in minutes)
        assert minutes[-1][0] == "2024-01-08T09:15:00+05:30" and minutes[0][0] == "2024-01-12T15:29:00+05:30"
        assert days[0][2] == max(bar[2] for bar in minutes[:375]) and days[0][5] == sum(b[5] for b in minutes[:375])
        assert len(history(INFOSYS, "months", "1", "2024-12-31", "2024-01-01")) == 12
        index = history(NIFTY_50, "minutes", "5", "2024-01-08", "2024-01-08")
        assert len(index) == 75 and index[0][5] == 0
        wide = client.attempt("HistoryV3Api.get_historical_candle_data1", INFOSYS, "minutes", "5", "2024-03-01",
                              "2024-01-08")
        assert wide["status"] == 400 and "UDAPI1148" in wide["body"]


def test_both_vendors_tell_the_same_history(upstox):
    with FakeVendor("zerodha", "--seed", SEED) as zerodha, rest(upstox) as one, \
            Client("kite_rest", zerodha.url, "fakekey", "faketoken") as other:
        ours = one.call("HistoryV3Api.get_historical_candle_data1", INFOSYS, "minutes", "1", "2024-01-08",
                        "2024-01-08")["data"]["candles"]
        theirs = other.call("historical_data", 408065, "2024-01-08 00:00:00", "2024-01-08 23:59:59", "minute")
        assert [bar[1:6] for bar in reversed(ours)] == [
            [bar[name] for name in ("open", "high", "low", "close", "volume")] for bar in theirs], f"seed {SEED}"


def test_a_running_day_is_told_by_intraday_candles_only():
    with FakeVendor("upstox", "--start", "2026-11-20T12:00:30+05:30") as fake, rest(fake) as client:
        fake.publish({"instrument": INFOSYS, "last": 5000.0, "quantity": 10},
                     {"instrument": INFOSYS, "last": 4999.0, "quantity": 5})
        today = client.call("HistoryV3Api.get_intra_day_candle_data", INFOSYS, "minutes", "1")["data"]["candles"]
        assert len(today) == 166 and today[0][:6] == ["2026-11-20T12:00:00+05:30", 5000.0, 5000.0, 4999.0, 4999.0, 15]
        past = client.call("HistoryV3Api.get_historical_candle_data1", INFOSYS, "minutes", "1", "2026-11-20",
                           "2026-11-19")["data"]["candles"]
        assert {bar[0][:10] for bar in past} == {"2026-11-19"}


def test_the_upstox_client_reads_calendar_profile_search_and_news(upstox):
    upstox.market(status={"NSE_EQ": "NORMAL_OPEN", "MCX_FO": "NORMAL_CLOSE"})
    with rest(upstox) as client:
        market = "MarketHolidaysAndTimingsApi."
        assert client.call(market + "get_market_status", "NSE")["data"]["status"] == "NORMAL_OPEN"
        assert client.call(market + "get_market_status", "MCX")["data"]["status"] == "NORMAL_CLOSE"
        holidays = client.call(market + "get_holidays")["data"]
        assert {h["holiday_type"] for h in holidays} == {"TRADING_HOLIDAY", "SETTLEMENT_HOLIDAY", "SPECIAL_TIMING"}
        assert client.call(market + "get_exchange_timings", "2024-01-13")["data"] == []
        hours = client.call(market + "get_exchange_timings", "2024-01-12")["data"]
        assert {h["exchange"]: h["end_time"] - h["start_time"] for h in hours}["NSE"] == 375 * 60_000
        profile = client.call("FundamentalsApi.get_company_profile", "INE009A01021")["data"]
        assert "INFOSYS" in profile["company_profile"] and profile["sector_market_cap_inr"]["unit"] == "Cr"
        assert "UDAPI1206" in client.attempt("FundamentalsApi.get_company_profile", "INE000000000")["body"]
        found = client.call("InstrumentsApi.search_instrument", "infosys", exchanges="NSE")
        assert [row["instrument_key"] for row in found["data"]] == [INFOSYS]
        news = client.call("NewsApi.get_news", "instrument_keys", instrument_keys=INFOSYS, page_size=2)
        assert len(news["data"][0][INFOSYS]) == 2 and news["metadata"]["page"]["total_records"] == 3


def test_the_upstox_client_raises_what_the_vendor_means(upstox):
    for token, status, code in [("yesterday", 401, "UDAPI100050"), ("fakeextended", 403, "UDAPI100067")]:
        with rest(upstox, token) as client:
            refused = client.attempt("MarketQuoteV3Api.get_ltp", instrument_key=INFOSYS)
            assert refused["status"] == status and code in refused["body"]
    with rest(upstox, "fakeanalytics") as client:
        assert client.call("MarketQuoteV3Api.get_ltp", instrument_key=INFOSYS)["status"] == "success"
        upstox.misbehave({"what": "rate_limit"})
        assert "UDAPI10005" in client.attempt("MarketQuoteV3Api.get_ltp", instrument_key=INFOSYS)["body"]
        upstox.misbehave({"what": "status", "status": 500})
        assert client.attempt("MarketQuoteV3Api.get_ltp", instrument_key=INFOSYS)["status"] == 500
        # The library itself waits as Retry-After says, and asks again.
        upstox.misbehave({"what": "rate_limit", "retry_after": 1})
        assert client.call("MarketQuoteV3Api.get_ltp", instrument_key=INFOSYS)["status"] == "success"
    assert [r["status"] for r in upstox.requests()][-2:] == [429, 200]


def test_instrument_files_are_gzip_arrays_that_need_no_token(upstox):
    raw = requests.get(upstox.url + "/market-quote/instruments/exchange/complete.json.gz", timeout=10)
    records = {record["instrument_key"]: record for record in json.loads(gzip.decompress(raw.content))}
    assert records[INFOSYS]["isin"] == "INE009A01021" and records[INFOSYS]["tick_size"] == 5.0
    assert len(records[NIFTY_50]) == 7
    assert records[NIFTY_FUTURE]["expiry"] % 1000 == 0 and records[NIFTY_FUTURE]["instrument_type"] == "FUT"


def test_a_login_at_upstox_gives_a_token_once(upstox):
    target = "http://127.0.0.1:9/done"
    page = requests.get(upstox.url + "/v2/login/authorization/dialog", allow_redirects=False, timeout=10, params={
        "response_type": "code", "client_id": "fakekey", "redirect_uri": target, "state": "abc"})
    assert page.headers["Location"].startswith(target) and page.headers["Location"].endswith("&state=abc")
    code = page.headers["Location"].split("code=")[1].split("&")[0]
    with rest(upstox, "none") as client:
        token = client.call("LoginApi.token", "2.0", code=code, client_id="fakekey", client_secret="fakesecret",
                            redirect_uri=target, grant_type="authorization_code")
        again = client.attempt("LoginApi.token", "2.0", code=code, client_id="fakekey", client_secret="fakesecret",
                               redirect_uri=target, grant_type="authorization_code")
        assert again["status"] == 401
    with rest(upstox, token["access_token"]) as client:
        assert client.call("UserApi.get_profile", "2.0")["data"]["broker"] == "UPSTOX"


def test_the_upstox_streamer_decodes_what_the_fake_sent_in_every_mode():
    with FakeVendor("upstox", "--seed", SEED, "--account", "plus") as fake, feed(fake, "full", INFOSYS,
                                                                                NIFTY_50) as client:
        assert client.until("message")["message"]["type"] == "market_info"
        client.until("message")
        client.tell(["subscribe", [OPTION, "NSE_FO|1"], "option_greeks"])
        client.tell(["subscribe", ["NSE_EQ|INE467B01029"], "ltpc"])
        client.tell(["subscribe", [NIFTY_FUTURE], "full_d30"])
        fake.wait(lambda state: state["connections"] and len(state["connections"][0]["modes"]) == 6, "four modes")
        fake.market(rate=100)
        fake.wait(lambda state: state["connections"][0]["frames"] > 40, "events")
        fake.market(rate=0)
        fake.market(status={"NSE_EQ": "CLOSING_END"})
        got = messages_until(client, fake)
        full = [m["feeds"][INFOSYS]["fullFeed"]["marketFF"] for m in got if INFOSYS in m.get("feeds", {})]
        assert "marketLevel" in full[0] and any("marketLevel" not in part for part in full), f"seed {SEED}"
        deep = next(m["feeds"][NIFTY_FUTURE] for m in got if NIFTY_FUTURE in m.get("feeds", {}))
        assert len(deep["fullFeed"]["marketFF"]["marketLevel"]["bidAskQuote"]) == 30
        assert got[-1]["marketInfo"]["segmentStatus"]["NSE_EQ"] == "CLOSING_END"


def test_the_upstox_streamer_stops_at_a_dead_token(upstox):
    with feed(upstox, "ltpc", INFOSYS, token="yesterday") as client:
        assert "401 Unauthorized" in client.until("error")["text"]
    assert [r["status"] for r in upstox.requests()] == [401]


def test_the_upstox_streamer_comes_back_after_a_cut_with_a_new_code(upstox):
    with feed(upstox, "ltpc", INFOSYS) as client:
        client.until("message", lambda line: "feeds" in line["message"])
        upstox.misbehave({"what": "cut"})
        upstox.publish({"instrument": INFOSYS, "last": 1601.0, "quantity": 1})
        client.until("reconnecting")
        client.until("open")
        upstox.wait(lambda state: state["connections"] and state["connections"][0]["modes"], "the subscription again")
        upstox.publish({"instrument": INFOSYS, "last": 1602.0, "quantity": 1})
        got = messages_until(client, upstox)
        assert got[-1]["feeds"][INFOSYS]["ltpc"]["ltp"] == 1602.0
        lost = [event["feed"]["ltpc"]["ltp"] for entry in upstox.log(what="half") for event in entry["events"]]
        assert lost == [1601.0]
    opened = [r for r in upstox.requests() if r["path"].endswith("/feeds")]
    assert len({dict(r["query"])["code"] for r in opened}) == len(opened) == 2


def test_an_address_of_the_upstox_feed_works_once(upstox):
    with rest(upstox) as client:
        url = client.call("WebsocketApi.get_market_data_feed_authorize_v3")["data"]["authorized_redirect_uri"]
    with connect(url) as socket:
        assert isinstance(socket.recv(timeout=10), bytes)
        with pytest.raises(InvalidStatus):
            connect(url)
        upstox.wait(lambda state: len(upstox.log(what="ping")) >= 2, "two pings of the server")
