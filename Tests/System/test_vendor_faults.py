"""Every misbehaviour of every vendor, one at a time, and what a client of the hub is told."""

import contextlib
import re
import subprocess
import time

import pytest
import requests

from fakes import FakeVendor
from hubprocess import Hub, binary
from vendorclients import SEED

PROBLEM = {"type", "title", "status", "detail", "instance", "code", "retry", "request_id"}
STATUS = {"provider_failed": 502, "provider_timeout": 504, "provider_limited": 503, "auth_needed": 503, "plan_required": 501}

INDIAN = "api_key: fakekey, api_secret: fakesecret, access_token: faketoken"
SETTINGS = {
    "zerodha": INDIAN + ', rest_url: "{url}", websocket_url: "{ws}", login_url: "{url}/connect/login"',
    "upstox": INDIAN + ', rest_url: "{url}", websocket_url: "{ws}"',
    "twelvedata": 'api_key: fakekey, rest_url: "{url}", websocket_url: "{ws}/v1/quotes/price"',
    "finnhub": 'api_key: fakekey, rest_url: "{url}/api/v1", websocket_url: "{ws}"',
}
#: What the hub and the fake call one instrument.
NAMES = {"zerodha": ("NSE:INFY", "NSE:INFY"), "upstox": ("NSE:INFY", "NSE_EQ|INE009A01021"),
         "twelvedata": ("NASDAQ:AAPL", "AAPL"), "finnhub": ("NASDAQ:AAPL", "AAPL")}

CONFIGURATION = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data, public_url: "http://127.0.0.1:PORT", query: {{ timeout: 2s, retries: 1 }}, cache: {{ negative: 0s }} }}
providers:
  {vendor}:
    plugin: {vendor}
    settings: {{ {settings} }}
    backoff: {{ min: 50ms, max: 200ms }}
    breaker: {{ failures: 1000, open: 1s }}
    {rates}
pipelines:
  one: {{ from: [{vendor}], instruments: ["{symbol}"], bars: [1m] }}
"""


@pytest.fixture(scope="module", params=sorted(SETTINGS))
def running(request, tmp_path_factory):
    with started(request.param, tmp_path_factory) as one:
        yield one


@contextlib.contextmanager
def started(vendor: str, tmp_path_factory):
    symbol, key = NAMES[vendor]
    with FakeVendor(vendor, "--seed", SEED, "--no-limits") as fake:
        settings = SETTINGS[vendor].format(url=fake.url, ws=fake.websocket_url)
        hub = Hub(tmp_path_factory.mktemp(vendor) / "hub",
                  CONFIGURATION.format(
                      vendor=vendor, settings=settings, symbol=symbol,
                      # Of their plans' budgets is another test.
                      rates="rates: { default: 1000/s }" if vendor in ("finnhub", "twelvedata") else "")).start()
        fake.wait(is_streaming, "a subscription")
        yield vendor, fake, hub, symbol, key
        assert hub.stop() == 0, hub.tail()
        told = hub.log.read_text(errors="replace")
        assert not [secret for secret in ("fakekey", "fakesecret", "faketoken") if secret in told], told[-2000:]


def is_streaming(state: dict) -> bool:
    return any(connection.get("modes") or connection.get("subscribed") for connection in state["connections"])


def quote(hub, symbol):
    return hub.get(f"/v1/quotes/{symbol}", fresh="true")


def wait_right(hub, symbol, seconds: float = 20):
    """Until the vendor's faults are forgotten."""
    end = time.monotonic() + seconds
    while (answer := quote(hub, symbol)).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.2)
    return answer.json()


FAULTS = [
    ({"what": "status", "status": 500}, {"provider_failed"}),
    ({"what": "status", "status": 503}, {"provider_failed"}),
    ({"what": "rate_limit", "retry_after": 1}, {"provider_limited"}),
    ({"what": "slow", "delay_s": 6}, {"provider_timeout"}),
    ({"what": "html"}, {"provider_failed"}),
    ({"what": "html", "status": 502}, {"provider_failed"}),
    ({"what": "redirect", "location": "elsewhere/login"}, {"provider_failed"}),
    ({"what": "redirect", "location": "/moved/elsewhere"}, {"provider_failed"}),
    ({"what": "garbage"}, {"provider_failed"}),
    ({"what": "truncate"}, {"provider_failed"}),
]


@pytest.mark.parametrize("order, codes", FAULTS, ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "")
def test_a_vendor_that_answers_wrongly_is_a_problem_with_a_code_and_right_again_after_that(running, order, codes):
    vendor, fake, hub, symbol, _ = running
    wait_right(hub, symbol)
    fake.misbehave({**order, "routes": "*quote*", "next": 10})
    begun = time.monotonic()
    answer = quote(hub, symbol)
    took = time.monotonic() - begun
    fake.behave()
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json", body
    assert PROBLEM <= body.keys() and body["code"] in codes, body
    assert answer.status_code == body["status"] == STATUS[body["code"]], body
    assert body["retry"] is True and body["instance"].startswith("/v1/quotes/"), body
    assert "<" not in answer.text, "no page of the vendor's reaches a client"
    assert took < 20, "a client waits no longer than for two tries"
    assert wait_right(hub, symbol)["source"] == vendor


@pytest.mark.parametrize("what", ["cut", "reset", "close", "duplicate", "reorder", "garbage_frame", "refuse_upgrade", "html", "redirect"])
def test_a_stream_that_goes_wrong_goes_on(running, what):
    vendor, fake, hub, symbol, key = running
    fake.wait(is_streaming, "a subscription")
    order = {"what": what} | ({"status": 503, "next": 2} if what == "refuse_upgrade" else {})
    if what in ("html", "redirect"):
        # In the place of an upgrade, or of the call before it.
        order |= {"routes": "/v3/feed/*" if vendor == "upstox" else "/*", "next": 1, "status": 502}
    fake.misbehave(order)
    if what in ("refuse_upgrade", "html", "redirect"):
        fake.cut("reset")
    # The frame that is struck, and those after it until one is seen.
    price, end = 500.0, time.monotonic() + 60
    while True:
        price += 0.05
        fake.publish({"instrument": key, "last": round(price, 2), "quantity": 1})
        rows = hub.json("/v1/events", types="tick,trade", symbols=symbol, limit=50)["data"]
        if any(abs(row.get("last", row.get("price", 0)) - price) < 0.5 for row in rows if row["type"] != "gap") and \
                fake.state()["connections"] and not pending(fake):
            break
        assert time.monotonic() < end, (rows[-3:], hub.tail())
        time.sleep(0.05)
    fake.behave()


def pending(fake) -> list:
    return [order for order in fake._door("GET", "misbehave") if order["next"] != 0]


@pytest.mark.parametrize("status", [403, 401])
@pytest.mark.parametrize("vendor", sorted(SETTINGS))
def test_a_refusal_is_a_login_or_the_plan_and_never_an_outage(vendor, status, tmp_path_factory):
    # A refusal is remembered, so each has a hub of its own.
    with started(vendor, tmp_path_factory) as (_, fake, hub, symbol, _key):
        refuse(vendor, status, fake, hub, symbol)


def refuse(vendor, status, fake, hub, symbol):
    wait_right(hub, symbol)
    fake.misbehave({"what": "status", "status": status, "routes": "*quote*", "next": 10})
    body = quote(hub, symbol).json()
    fake.behave()
    expected = {401: {"auth_needed"}, 403: {"auth_needed"} if vendor in ("zerodha", "upstox") else {"plan_required"}}[status]
    assert body["code"] in expected and body["status"] == STATUS[body["code"]], body
    if body["code"] == "auth_needed" and vendor in ("zerodha", "upstox"):
        state = hub.json("/v1/status")["providers"][0]
        assert state["state"] == "auth_needed" and state["login_url"] == f"{hub.url}/auth/{vendor}", state
        if vendor == "zerodha":
            fake.market(redirect_url=f"{hub.url}/auth/zerodha/callback")
        # What a person's browser does.
        command = subprocess.Popen([binary(), "auth", vendor, "--address", hub.url, "--wait", "30"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        page = re.search(r"Log in here: (\S+)", command.stdout.readline())
        assert requests.get(page.group(1), timeout=20).status_code == 200
        assert command.wait(60) == 0, command.stdout.read()
        fake.wait(is_streaming, "a subscription with the new token")


@pytest.mark.parametrize("vendor", sorted(SETTINGS))
def test_a_limit_without_a_time_is_told_as_a_limit_and_the_vendor_is_left_alone(vendor, tmp_path_factory):
    with started(vendor, tmp_path_factory) as (_, fake, hub, symbol, _key):
        wait_right(hub, symbol)
        fake.misbehave({"what": "rate_limit", "routes": "*quote*", "next": 10})
        before = len(fake.requests())
        answers = [quote(hub, symbol) for _ in range(5)]
        for answer in answers:
            assert answer.status_code == 503 and answer.json()["code"] == "provider_limited", answer.text
            assert answer.json()["retry"] is True
        assert len(fake.requests()) - before <= 5, "each client's question has two tries, and a refused one waits"
