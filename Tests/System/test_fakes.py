"""What all fake vendor servers share: misbehaviours on order, the log of the truth, the process itself."""

import json
import signal
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from fakes import FakeVendor
from vendorclients import SEED

pytestmark = pytest.mark.hubless

HEADERS = {"Authorization": "token fakekey:faketoken"}
SOCKET = "/?api_key=fakekey&access_token=faketoken"
INFY = 408065


@pytest.fixture(scope="module")
def running():
    with FakeVendor("zerodha", "--seed", SEED, "--no-limits") as fake:
        yield fake


@pytest.fixture
def fake(running):
    return running.fresh()


def profile(fake, **options):
    return requests.get(fake.url + "/user/profile", headers=HEADERS, timeout=10, allow_redirects=False, **options)


def subscribed(fake):
    """A socket whose snapshot is read."""
    socket = connect(fake.websocket_url + SOCKET)
    socket.send(json.dumps({"a": "subscribe", "v": [INFY]}))
    while len(socket.recv(timeout=10)) < 40:
        continue
    return socket


def last_prices(socket, count: int) -> list[float]:
    out = []
    while len(out) < count:
        frame = socket.recv(timeout=10)
        if len(frame) > 40:
            out.append(int.from_bytes(frame[8:12], "big", signed=True) / 100)
    return out


def test_answers_go_wrong_as_ordered_and_right_again_after_that(fake):
    fake.misbehave({"what": "rate_limit", "retry_after": 7}, {"what": "rate_limit"},
                   {"what": "status", "status": 502}, {"what": "html", "status": 503},
                   {"what": "redirect", "location": "elsewhere/login"}, {"what": "garbage"})
    answers = [profile(fake) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [429, 429, 502, 503, 302, 200, 200]
    assert answers[0].headers["Retry-After"] == "7" and "Retry-After" not in answers[1].headers
    assert answers[2].json()["error_type"] == "DataException"
    assert answers[3].headers["Content-Type"].startswith("text/html")
    assert answers[4].headers["Location"] == "elsewhere/login"
    with pytest.raises(ValueError):
        answers[5].json()
    assert answers[6].json()["status"] == "success"
    assert [r.get("misbehaviour") for r in fake.requests()] == [
        "rate_limit", "rate_limit", "status", "html", "redirect", "garbage", None]


def test_a_body_can_end_in_the_middle_and_an_answer_can_be_slow(fake):
    fake.misbehave({"what": "truncate"})
    with pytest.raises(requests.exceptions.RequestException):
        profile(fake)
    fake.misbehave({"what": "slow", "delay_s": 0.3})
    began = time.monotonic()
    assert profile(fake).status_code == 200 and time.monotonic() - began >= 0.3


def test_orders_hit_the_routes_they_name_for_as_long_as_they_say(fake):
    fake.misbehave({"what": "status", "status": 500, "routes": "/quote*", "next": None})
    quote = fake.url + "/quote/ltp?i=NSE:INFY"
    assert profile(fake).status_code == 200
    assert [requests.get(quote, headers=HEADERS, timeout=10).status_code for _ in range(3)] == [500] * 3
    fake.behave()
    assert requests.get(quote, headers=HEADERS, timeout=10).status_code == 200
    with pytest.raises(AssertionError, match="unknown misbehaviour 'explode'"):
        fake.misbehave({"what": "explode"})
    with pytest.raises(AssertionError, match="no instrument 'NSE:NOBODY'"):
        fake.publish({"instrument": "NSE:NOBODY", "last": 1})


def test_an_upgrade_is_refused_with_the_status_asked_for(fake):
    fake.misbehave({"what": "refuse_upgrade", "status": 503})
    with pytest.raises(InvalidStatus) as refused:
        connect(fake.websocket_url + SOCKET)
    assert refused.value.response.status_code == 503
    subscribed(fake).close()


@pytest.mark.parametrize("how, code", [("mid-frame", 1006), ("reset", 1006), ("close", 4001)])
def test_a_socket_ends_as_ordered(fake, how, code):
    with subscribed(fake) as socket:
        fake.cut(how, code=4001)
        with pytest.raises(ConnectionClosed) as end:
            last_prices(socket, 1)
        assert (end.value.rcvd.code if end.value.rcvd else 1006) == code
    fake.wait(lambda state: not state["connections"], "the end")


def test_what_was_sent_before_a_reset_still_arrives(fake):
    with subscribed(fake) as socket:
        fake.publish(*({"instrument": "NSE:INFY", "last": float(price)} for price in range(1, 2001)))
        fake.cut("reset")
        got = []
        with pytest.raises(ConnectionClosed):
            while True:
                frame = socket.recv(timeout=10)
                got.append(int.from_bytes(frame[:2], "big"))
        assert sum(got[-10:]) == 2000  # Ten frames of 200 packets each.


def test_a_plan_runs_by_itself_and_the_same_seed_makes_the_same_prices(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"after_s": 0.2, "what": "status", "status": 503}]))
    prices = []
    for _ in range(2):
        with FakeVendor("zerodha", "--seed", SEED, "--plan", str(plan), "--no-limits", "--rate", "50",
                        "--start", "2026-11-20T10:00:00+05:30") as fake:
            with subscribed(fake) as socket:
                prices.append(last_prices(socket, 5))
            deadline = time.monotonic() + 30
            while profile(fake).status_code != 503:
                assert time.monotonic() < deadline
    assert prices[0] == prices[1], f"seed {SEED}"


def test_the_market_goes_on_while_its_client_is_away_and_candles_have_what_it_missed():
    with FakeVendor("zerodha", "--seed", SEED, "--no-limits", "--rate", "50",
                    "--start", "2026-11-20T10:00:10+05:30") as fake:
        with subscribed(fake) as socket:
            last_prices(socket, 3)
        fake.wait(lambda state: not state["connections"] and len(fake.log(what="unsent")) > 5, "prints to nobody")
        fake.market(rate=0)
        seen = [(event["last_price"], event["last_traded_quantity"]) for event in fake.delivered()[1:]]
        missed = [(event["last"], event["quantity"]) for entry in fake.log(what="unsent") for event in entry["events"]]
        lost = [(event["last_price"], event["last_traded_quantity"]) for entry in fake.log(what="data")
                if not entry["delivered"] for event in entry["events"]]
        url = f"{fake.url}/instruments/historical/{INFY}/minute"
        candles = requests.get(url, headers=HEADERS, timeout=10, params={
            "from": "2026-11-20 10:00:00", "to": "2026-11-20 10:01:00"}).json()["data"]["candles"]
        prints = seen + lost + missed
        assert sum(bar[5] for bar in candles) == sum(quantity for _, quantity in prints), f"seed {SEED}"
        assert max(bar[2] for bar in candles) == max(price for price, _ in prints), f"seed {SEED}"


def test_a_seeded_plan_has_every_misbehaviour_at_the_same_times_for_the_same_seed():
    plans = []
    for _ in range(2):
        with FakeVendor("upstox", "--seed", SEED, "--chaos", "0.5") as fake:
            deadline = time.monotonic() + 30
            while len(orders := fake.log(what="order")) < 19:
                assert time.monotonic() < deadline
            plans.append([{k: v for k, v in entry["order"].items() if k != "id"} for entry in orders])
    assert plans[0] == plans[1], f"seed {SEED}"


def test_a_fake_ends_on_a_signal_and_when_its_input_closes():
    first = FakeVendor("upstox")
    assert first.stop() == 0
    second = FakeVendor("upstox")
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(10) == 0
