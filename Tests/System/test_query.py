"""What nobody streams is asked for: prices, history, profiles, news, lists of instruments. The vendor is vendor.c, which says
in its answers how often it was asked."""

import contextlib
import json
import pathlib
import resource
import socket
import subprocess
import time

import pytest
import requests

from contract import Contract
from hubprocess import ROOT, binary

HUB = """
hub: { listen: "127.0.0.1:PORT", data: ./data, query: { timeout: 500ms, retries: 0 } }
providers:
  simulator: { plugin: simulator, settings: { seed: 5, rate: 50, kinds: [trade, quote] } }
  acme: { plugin: vendor }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A"], bars: [1m] }
  india: { from: [acme], on_demand: ["NSE:*"] }
"""
MINUTE = 60_000_000


@pytest.fixture
def hub(start_hub, tmp_path):
    plugins = tmp_path / "hub" / "plugins"
    plugins.mkdir(parents=True)
    include = ROOT / "Sources" / "PluginABI" / "include"
    source = pathlib.Path(__file__).parent / "vendor.c"
    subprocess.run(
        ["cc", "-std=gnu11", "-shared", "-fPIC", f"-I{include}", "-o", str(plugins / "vendor.so"), str(source)], check=True)
    return start_hub(HUB)


def wait_for(condition, what: str):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_price_that_nobody_streams_is_asked_for_once_and_then_kept(hub):
    quote = hub.json("/v1/quotes/NSE:TCS")
    assert quote["origin"] == "provider" and quote["source"] == "acme" and quote["stale"] is False and "seq" not in quote
    assert (quote["last"], quote["previous_close"], quote["change"], quote["change_percent"]) == (101.5, 100, 1.5, 1.5)
    assert quote["volume"] == 1
    again = hub.json("/v1/quotes/NSE:TCS")
    assert again["volume"] == 1 and again["received"] == quote["received"] and again["age_ms"] >= quote["age_ms"]
    assert hub.json("/v1/quotes/NSE:TCS", fresh="true")["volume"] == 2
    cache = hub.json("/v1/status")["cache"]
    assert (cache["hits"], cache["misses"], cache["entries"]) == (1, 2, 1)
    assert 'hub_cache_requests_total{result="hit"} 1' in hub.get("/metrics").text


def test_a_thousand_who_ask_at_once_are_one_call(hub):
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, allowed[1]), allowed[1]))
    try:
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(socket.create_connection(("127.0.0.1", hub.port), timeout=60)) for _ in range(1000)]
            for client in clients:
                client.sendall(b"GET /v1/quotes/NSE:TCS HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answers = [b"".join(iter(lambda: client.recv(65536), b"")) for client in clients]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)
    refused = [answer[:400] for answer in answers if not answer.startswith(b"HTTP/1.1 200")]
    assert not refused, (len(refused), refused[0])
    assert {json.loads(answer.split(b"\r\n\r\n", 1)[1])["volume"] for answer in answers} == {1}
    cache = hub.json("/v1/status")["cache"]
    assert cache["misses"] == 1 and cache["hits"] + cache["coalesced"] == 999


def test_a_list_of_prices_takes_each_from_where_it_is(hub):
    wait_for(lambda: hub.get("/v1/quotes/SIM:A").status_code == 200, "the simulator is silent")
    answer = hub.json("/v1/quotes", symbols="SIM:A,NSE:TCS,NSE:MISSING,NYSE:MISSING,NSE:INFY")
    rows = {row["symbol"]: row for row in answer["data"]}
    assert [row["symbol"] for row in answer["data"]] == ["SIM:A", "NSE:TCS", "NSE:INFY"]
    assert rows["SIM:A"]["origin"] == "live" and rows["NSE:TCS"]["origin"] == "provider"
    assert rows["NSE:TCS"]["volume"] == rows["NSE:INFY"]["volume"] == 1, "two calls for one request"
    assert [failure["symbol"] for failure in answer["meta"]["failed"]] == ["NSE:MISSING", "NYSE:MISSING"]
    assert "origin" not in answer["meta"]
    assert hub.json("/v1/quotes", symbols="NSE:TCS")["meta"]["origin"] == "provider"


@pytest.mark.parametrize("symbol, status, code", [
    ("NSE:MISSING", 404, "unknown_symbol"), ("NSE:PLAN", 501, "plan_required"), ("NSE:BROKEN", 502, "provider_failed"),
    ("NSE:MUTE", 504, "provider_timeout"), ("SIM:A", 404, "unknown_symbol"),
])
def test_not_found_not_in_the_plan_failed_and_silent_are_told_apart(hub, symbol, status, code):
    if symbol == "SIM:A":
        # A real provider is asked about anything it may know; only what it answers says that it does not.
        symbol = "SIM:MISSING"
    response = hub.get(f"/v1/profiles/{symbol}")
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["provider"] == "acme"
    assert [one["provider"] for one in problem["providers"]] == ["acme"] and problem["providers"][0]["detail"]
    Contract(hub.json("/openapi.json")).check_answer("/v1/profiles/NSE:X", response)


def test_profiles_sentiment_and_news_say_where_they_come_from(hub):
    contract = Contract(hub.json("/openapi.json"))
    profile = hub.json("/v1/profiles/NSE:TCS")
    assert (profile["name"], profile["employees"], profile["source"], profile["origin"]) == (
        "Test Industries", 42, "acme", "provider")
    assert "calls" not in profile
    contract.check("Profile", profile)
    sentiment = hub.json("/v1/sentiment/NSE:TCS")
    assert sentiment["score"] == 0.5 and sentiment["time"] == 1736174100000000
    contract.check("Sentiment", sentiment)
    news = hub.json("/v1/news", symbols="NSE:TCS,NSE:INFY")
    assert [row["headline"] for row in news["data"]][0] == "newer" and news["data"][0]["source"] == "acme"
    assert [row["time"] for row in news["data"]] == sorted((row["time"] for row in news["data"]), reverse=True)
    contract.check("NewsList", news)
    assert hub.json("/v1/news", symbols="NSE:TCS", limit=1)["meta"]["count"] == 1


def test_instruments_that_a_provider_lists_are_found_by_words_and_by_its_own_names(hub):
    wait_for(lambda: hub.json("/v1/instruments", query="laborat")["data"], "the list of instruments does not come")
    found = hub.json("/v1/instruments", query="alpha lab")["data"]
    assert [row["symbol"] for row in found] == ["NSE:ALPHA"]
    assert found[0]["identifiers"] == {"acme": {"token": "1001"}} and found[0]["isin"] == "INE000A01001"
    assert [row["symbol"] for row in hub.json("/v1/instruments", query="alpha")["data"]] == [
        "NSE:ALPHA", "NFO:ALPHA25JAN100CE"]
    assert [row["symbol"] for row in hub.json("/v1/instruments", type="option")["data"]] == ["NFO:ALPHA25JAN100CE"]
    option = hub.json("/v1/instruments/NFO:ALPHA25JAN100CE")
    assert (option["strike"], option["right"], option["expiry"], option["lot_size"], option["underlying"]) == (
        100, "call", "2025-01-30", 75, "NSE:ALPHA")
    assert option["streaming"] is False and option["types"] == []
    lookup = {"provider": "acme", "id": "1002", "symbol": "NSE:BETA"}
    assert hub.json("/v1/instruments/lookup", provider="acme", id="1002") == lookup
    assert hub.json("/v1/instruments/lookup", provider="acme", symbol="NSE:BETA") == lookup
    assert hub.get("/v1/instruments/lookup", **{"provider": "acme", "id": "9"}).json()["code"] == "not_found"
    assert hub.get("/v1/instruments/NSE:NOBODY").status_code == 404
    quote = hub.json("/v1/quotes/NSE:ALPHA")
    assert (quote["name"], quote["currency"], quote["instrument_type"]) == ("Alpha Laboratories", "INR", "equity")


def test_bars_that_the_hub_does_not_have_come_from_the_provider_and_are_not_journaled(hub):
    start = 1736135100000000
    answer = hub.json("/v1/bars/NSE:TCS", interval="1m", **{"from": start, "to": start + 10 * MINUTE})
    assert [row["time"] for row in answer["data"]] == [start + number * MINUTE for number in range(10)]
    assert answer["data"][0]["close"] == 11 and answer["data"][0]["state"] == "closed"
    assert answer["meta"]["origin"] == "provider" and answer["meta"]["symbol"] == "NSE:TCS"
    # The vendor takes ten days of minutes at once: a longer range is asked for in parts.
    wide = hub.json("/v1/bars/NSE:TCS", interval="1m", limit=100000, **{"from": start, "to": start + 25 * 1440 * MINUTE})
    assert wide["meta"]["count"] == 25 * 1440
    assert len({row["volume"] for row in wide["data"]}) >= 3
    assert hub.json("/v1/events", symbols="NSE:TCS", types="bar")["data"] == []
    page = hub.json("/v1/bars/NSE:TCS", interval="1m", limit=4, **{"from": start, "to": start + 10 * MINUTE})
    rest = hub.json(
        "/v1/bars/NSE:TCS", interval="1m", limit=4, cursor=page["meta"]["next"],
        **{"from": start, "to": start + 10 * MINUTE})
    assert [row["time"] for row in rest["data"]] == [start + number * MINUTE for number in range(4, 8)]
    assert hub.json("/v1/bars/NSE:TCS", interval="1d", limit=5)["meta"]["count"] == 5


def test_what_the_hub_keeps_is_joined_with_what_the_provider_has_from_before(hub):
    wait_for(lambda: hub.json("/v1/bars/SIM:A", interval="1m")["data"], "no bars of the simulator")
    # A simulated instrument is not asked for anywhere else than where its pipeline says; the vendor is a real one.
    assert hub.json("/v1/bars/SIM:A", interval="1m", limit=3)["meta"]["origin"] == "stored"


def test_market_hours_are_known_by_venue(hub):
    contract = Contract(hub.json("/openapi.json"))
    status = hub.json("/v1/market/status", venue="NSE")
    contract.check("MarketStatus", status)
    assert status["timezone"] == "Asia/Kolkata" and status["next_open"] > status["time"]
    assert hub.json("/v1/market/status", venue="CRYPTO")["open"] is True
    rows = hub.json("/v1/market/status")
    contract.check("MarketStatusList", rows)
    assert {"NSE", "MCX", "CDS", "FX", "NYSE"} <= {row["venue"] for row in rows["data"]}

    def days(venue, first, last):
        answer = hub.json("/v1/market/calendar", venue=venue, **{"from": first, "to": last, "ts": "iso"})
        contract.check("MarketDayList", answer)
        return {row["date"]: row for row in answer["data"]}

    nse = days("NSE", "2025-08-14", "2025-08-18")
    assert nse["2025-08-15"]["open"] is False and nse["2025-08-15"]["holiday"] == "Independence Day"
    assert nse["2025-08-16"]["open"] is False and "holiday" not in nse["2025-08-16"]
    assert nse["2025-08-14"]["sessions"][-1] == {
        "phase": "open", "from": "2025-08-14T03:45:00.000000000Z", "to": "2025-08-14T10:00:00.000000000Z"}
    # MCX closes later while New York is on standard time, and holds the evening session on most holidays.
    mcx = days("MCX", "2025-01-06", "2025-01-07") | days("MCX", "2025-07-01", "2025-07-02") | days("MCX", "2025-05-01", "2025-05-02")
    assert mcx["2025-01-06"]["sessions"][0]["to"] == "2025-01-06T18:25:00.000000000Z"
    assert mcx["2025-07-01"]["sessions"][0]["to"] == "2025-07-01T18:00:00.000000000Z"
    assert mcx["2025-05-01"]["special"] is True and mcx["2025-05-01"]["sessions"][0]["from"] == "2025-05-01T11:30:00.000000000Z"
    fx = days("FX", "2025-01-03", "2025-01-07")
    assert fx["2025-01-03"]["sessions"][0]["to"] == "2025-01-03T22:00:00.000000000Z"
    assert fx["2025-01-04"]["open"] is False
    assert fx["2025-01-05"]["sessions"][0]["from"] == "2025-01-05T22:00:00.000000000Z"
    assert hub.get("/v1/market/status", venue="NOWHERE").json()["code"] == "bad_parameter"


def test_history_is_fetched_in_parts_kept_and_not_fetched_twice(hub):
    start = 1736135100000000
    wish = {"symbols": ["NSE:TCS"], "interval": "1m", "from": start, "to": start + 25 * 1440 * MINUTE, "provider": "acme"}
    response = requests.post(hub.url + "/v1/backfills", json=wish, timeout=60)
    contract = Contract(hub.json("/openapi.json"))
    contract.check_answer("/v1/backfills", response)
    job = response.json()
    assert response.status_code == 202 and response.headers["Location"] == f"/v1/backfills/{job['id']}"
    wait_for(lambda: hub.json(f"/v1/backfills/{job['id']}")["state"] not in ("queued", "running"), "the backfill does not end")
    job = hub.json(f"/v1/backfills/{job['id']}")
    contract.check("Backfill", job)
    assert (job["state"], job["rows"]) == ("done", 25 * 1440), job
    assert job["done"] == job["total"] >= 3
    wait_for(lambda: hub.json("/v1/events", symbols="NSE:TCS", types="bar:1m", limit=1)["data"], "no bars in the journal")
    event = hub.json("/v1/events", symbols="NSE:TCS", types="bar:1m", limit=1)["data"][0]
    assert event["built_from"] == "provider" and event["source"] == "acme" and "backfilled" in event["flags"]
    answer = hub.json("/v1/bars/NSE:TCS", interval="1m", **{"from": start, "to": start + 10 * MINUTE})
    assert answer["meta"]["origin"] == "stored" and answer["meta"]["count"] == 10
    bad = requests.post(hub.url + "/v1/backfills", json={"symbols": ["NSE:TCS"], "interval": "7m", "form": 1}, timeout=60)
    assert bad.status_code == 400 and {one["parameter"] for one in bad.json()["errors"]} == {"interval", "form", "from"}


def test_hub_backfill_shows_how_far_it_is_and_says_what_failed(hub):
    def backfill(*arguments):
        return subprocess.run(
            [binary(), "backfill", *arguments, "--address", hub.url], capture_output=True, text=True, timeout=60)

    done = backfill("NSE:TCS", "--interval", "1d", "--from", "2024-01-01", "--to", "2024-03-01")
    assert done.returncode == 0 and "60 bars taken in" in done.stdout, done
    assert "100 %" in done.stderr and "\r" not in done.stderr
    failed = backfill("NSE:PLAN", "--interval", "1d", "--from", "2024-01-01", "--to", "2024-03-01")
    assert failed.returncode != 0 and "the basic plan has no such thing" in failed.stderr
