"""Failover as an operator relies on it: vendors that fall mute, late or dead lose their place, and get it back."""

import json
import os
import random
import time

import pytest

from fakes import FakeVendor
from hubprocess import Hub
from test_indian_vendors import streamed, until

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))

CONFIGURATION = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
calendars: {{ NSE: {{ like: always }} }}
providers:
  upstox:
    plugin: upstox
    settings: {{ access_token: faketoken, rest_url: "{upstox.url}", websocket_url: "{upstox.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
    stale_after: 2s
    {more}
  zerodha:
    plugin: zerodha
    settings:
      {{ api_key: fakekey, access_token: faketoken, rest_url: "{zerodha.url}", websocket_url: "{zerodha.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
    stale_after: 5s
  simulator: {{ plugin: simulator, settings: {{ seed: 7, rate: 50, history: 0 }} }}
pipelines:
  india:
    from: [upstox, zerodha, simulator]
    instruments: ["NSE:INFY", "NSE:NIFTY 50"{instruments}]
    kinds: [tick, trade]
    bars: [1m]
    failover: {{ {failover} }}
"""
INFY = {"upstox": "NSE_EQ|INE009A01021", "zerodha": "NSE:INFY"}


class Market:
    """Two brokers and a hub; what each broker prints tells by its price who printed it."""

    def __init__(self, folder, failover: str, more: str = "", instruments: str = ""):
        self.vendors = {name: FakeVendor(name, "--seed", SEED, "--no-limits") for name in ("upstox", "zerodha")}
        self.printed = {"upstox": 1000, "zerodha": 2000}
        text = CONFIGURATION.format(**self.vendors, failover=failover, more=more, instruments=instruments)
        self.hub = Hub(folder, text).start()

    def stop(self):
        code = self.hub.stop()
        for vendor in self.vendors.values():
            vendor.stop()
        assert code == 0

    def subscribed(self, vendor: str, count: int = 2):
        self.vendors[vendor].wait(lambda state: streamed(state) == count, f"{count} subscriptions")

    def publish(self, vendor: str, late: float = 0):
        """One price more of INFY."""
        self.printed[vendor] += 1
        facts = {"instrument": INFY[vendor], "last": self.printed[vendor], "quantity": 1}
        self.vendors[vendor].publish(facts | ({"time": time.time() - late} if late else {}))

    def publish_until(self, condition, *vendors: str, seconds: float = 60, late: dict | None = None):
        """Both brokers go on trading meanwhile."""
        end = time.monotonic() + seconds
        while not (answer := condition()):
            assert time.monotonic() < end, f"{self.failovers()} {self.states()}\n{self.hub.tail()}"
            for vendor in vendors:
                self.publish(vendor, (late or {}).get(vendor, 0))
            time.sleep(0.1)
        return answer

    def events(self, **parameters) -> list[dict]:
        # Gaps are told whatever types are asked for.
        return [event for event, _ in self.hub.events(**parameters) if event["type"] in parameters["types"]]

    def failovers(self) -> list[dict]:
        return [event for event in self.events(types="control") if event["what"] == "failover"]

    def states(self) -> dict:
        return {one["name"]: (one["state"], one.get("reason")) for one in self.hub.json("/v1/status")["providers"]}

    def active(self) -> str:
        return self.hub.json("/v1/status")["pipelines"][0]["active"]

    def check(self, first: str = "upstox"):
        """Whoever serves by the failovers, in journal order, printed what is there; nothing twice, nothing out of order."""
        serving = first
        seen: dict[str, list] = {}
        for event in self.events(types="control,tick,trade"):
            if event["type"] == "control" and event["what"] == "failover" and "symbol" not in event:
                assert event["from"] == serving and event["last_seq"] < event["seq"], event
                serving = event["to"]
            elif event["type"] in ("tick", "trade") and event["symbol"] == "NSE:INFY":
                assert event["source"] == serving, event
                prices = seen.setdefault(serving, [])
                # A broker tells the state again when it is subscribed anew; that is no print.
                if serving != "simulator" and prices[-1:] != [event["last"]] and "snapshot" not in event.get("flags", []):
                    prices.append(event["last"])
        for prices in seen.values():
            assert prices == sorted(set(prices)), prices
        return seen


@pytest.fixture
def market(tmp_path):
    made = []

    def make(*arguments, **named):
        made.append(Market(tmp_path, *arguments, **named))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_a_mute_provider_loses_its_place_in_time_and_speech_gives_it_back(market):
    market = market("after: 3s, back_after: 2s")
    market.subscribed("upstox")
    market.publish("upstox")
    until(lambda: market.events(types="tick", symbols="NSE:INFY"))
    # Cold: nobody is subscribed where nobody is needed.
    assert streamed(market.vendors["zerodha"].state()) == 0
    market.vendors["upstox"].misbehave({"what": "mute", "for_s": 9})
    began = time.monotonic()
    market.publish_until(market.failovers, "upstox", "zerodha")
    # Silent for 2 s is stale, stale for 3 s is enough; the rest is the machine's.
    assert time.monotonic() - began < 20
    first = market.failovers()[0]
    assert (first["pipeline"], first["from"], first["to"]) == ("india", "upstox", "zerodha"), first
    market.publish_until(lambda: market.active() == "upstox", "upstox", "zerodha")
    last = market.printed["upstox"] + 1
    market.publish_until(lambda: any(tick["last"] >= last for tick in market.events(types="tick") if tick["source"] == "upstox"), "upstox")
    seen = market.check()
    assert seen["zerodha"]
    # The hole has both ends, and ends where the other broker began.
    gaps = market.hub.json("/v1/quality/gaps")["data"]
    stale = [gap for gap in gaps if gap["reason"] in ("source_stale", "source_down")]
    assert stale and all(gap["state"] == "closed" and gap["from"] < gap["to"] for gap in stale), gaps
    # Nobody is needed any more.
    market.vendors["zerodha"].wait(lambda state: streamed(state) == 0, "the end of the subscriptions")
    states = {(one["state"], one["source"]) for one in market.events(types="control") if one["what"] == "source"}
    assert ("stale", "upstox") in states


def test_a_provider_whose_prices_are_late_loses_its_place_although_it_is_connected(market):
    market = market("after: 3s, back_after: 2s, standby: warm", more="late_after: 2s")
    upstox = market.vendors["upstox"]
    market.subscribed("upstox")
    market.subscribed("zerodha")
    market.publish_until(lambda: len(market.events(types="tick", symbols="NSE:INFY")) >= 5, "upstox", "zerodha")
    upstox.market(delay=10)
    market.publish_until(market.failovers, "upstox", "zerodha")
    assert market.states()["upstox"][0] == "degraded" and "late" in market.states()["upstox"][1]
    upstox.market(delay=0)
    market.publish_until(lambda: len(market.failovers()) == 2, "upstox", "zerodha")
    assert [event["to"] for event in market.failovers()] == ["zerodha", "upstox"]
    market.check()


def test_a_dead_token_costs_the_place_at_once_and_a_warm_standby_is_there_already(market):
    market = market("after: 10m, back_after: 10m, standby: warm")
    market.subscribed("upstox")
    market.subscribed("zerodha")
    connection = market.vendors["zerodha"].state()["connections"][0]["number"]
    market.publish_until(lambda: market.events(types="tick", symbols="NSE:INFY"), "upstox", "zerodha")
    # What the standby sends is dropped before it is numbered, and counted.
    standby = lambda: [one for one in market.hub.json("/v1/status")["providers"] if one["name"] == "zerodha"][0]["standby"]
    market.publish_until(standby, "zerodha")
    assert all(event["source"] != "zerodha" for event in market.events(types="tick"))
    market.vendors["upstox"].misbehave({"what": "token_death"})
    market.publish_until(market.failovers, "upstox", "zerodha")
    assert market.states()["upstox"][0] == "auth_needed"
    market.publish_until(lambda: any(event["source"] == "zerodha" for event in market.events(types="tick")), "zerodha")
    assert market.vendors["zerodha"].state()["connections"][0]["number"] == connection
    market.check()


def test_the_simulator_stands_in_when_both_brokers_are_away_and_everything_it_makes_is_marked(market):
    market = market("after: 3s, back_after: 1s")
    market.subscribed("upstox")
    market.publish_until(lambda: market.events(types="tick", symbols="NSE:INFY"), "upstox")
    for vendor in market.vendors.values():
        vendor.misbehave({"what": "refuse_upgrade", "next": None, "status": 503}, {"what": "status", "status": 503, "next": None})
        vendor.cut("reset")
    until(lambda: market.active() == "simulator")
    made = until(lambda: [event for event in market.events(types="trade,tick") if event["source"] == "simulator"])
    assert all(event["simulated"] for event in made)
    for vendor in market.vendors.values():
        vendor.behave()
    market.publish_until(lambda: market.active() == "upstox", "upstox", "zerodha")
    market.check()


def test_an_instrument_that_the_serving_provider_does_not_have_is_taken_from_the_next_that_has_it(market):
    market = market("after: 10m", instruments=', "NSE:NOBODYKNOWS"')
    market.subscribed("upstox")
    market.publish_until(lambda: market.events(types="tick", symbols="NSE:INFY"), "upstox")
    moved = until(lambda: [event for event in market.failovers() if "symbol" in event])
    assert [(event["symbol"], event["from"], event["to"]) for event in moved] == [("NSE:NOBODYKNOWS", "upstox", "simulator")]
    made = until(lambda: market.events(types="trade", symbols="NSE:NOBODYKNOWS"))
    assert all(event["source"] == "simulator" and event["seq"] > moved[0]["seq"] for event in made)
    status = market.hub.json("/v1/status")["pipelines"][0]
    assert status["active"] == "upstox" and status["failed_instruments"] == 0 and status["switches"] == 0
    # The other instruments are where they were, and the simulator makes nothing of them.
    market.check()
    # After a restart the instrument is where it was, without another event.
    market.hub.kill()
    market.hub.start()
    before = made[-1]["seq"]
    until(lambda: [event for event in market.events(types="trade", symbols="NSE:NOBODYKNOWS") if event["seq"] > before])
    assert len([event for event in market.failovers() if "symbol" in event]) == 1


def test_a_failover_is_found_where_the_new_source_begins_and_survives_a_kill(market):
    market = market("after: 3s, back_after: 10m, standby: warm")
    market.subscribed("upstox")
    market.subscribed("zerodha")
    market.publish_until(lambda: market.events(types="tick", symbols="NSE:INFY"), "upstox", "zerodha")
    market.vendors["upstox"].misbehave({"what": "mute"})
    market.publish_until(market.failovers, "zerodha")
    market.publish_until(lambda: any(event["source"] == "zerodha" for event in market.events(types="tick")), "zerodha")
    before = json.dumps(market.failovers())
    market.hub.kill()
    market.hub.start()
    # Who served goes on serving, and both are subscribed: the preferred one may become well again.
    assert market.active() == "zerodha"
    market.subscribed("zerodha")
    count = len(market.events(types="tick"))
    market.publish_until(lambda: len(market.events(types="tick")) > count, "zerodha")
    assert json.dumps(market.failovers()) == before
    market.check()
