"""An hour of trading: Upstox, then Zerodha, then the simulator, while the fakes do everything wrong that they can.

The fakes and the hub share a clock that runs faster than the real one (`fastclock.c`), and the fakes share a tape, so that
both show the same market. At the end the journal is compared with what the fakes say they sent (`tradinghour.py`).

HUB_SEED repeats a run; HUB_HOUR_SPEED sets the speed of the long one (1: an hour takes an hour).
"""

import collections
import os
import pathlib
import random
import re
import subprocess
import threading
import time

import pytest
import requests

import tradinghour
from fakes import FakeVendor
from hubprocess import Hub, binary
from test_oracle import Follower, Model

START = 1_799_123_400  # Tuesday, 2027-01-05, 10:00 in India: NSE and BSE are open
SYMBOLS = ["NSE:INFY", "NSE:RELIANCE", "NSE:TCS", "NSE:SBIN", "BSE:INFY", "NSE:NIFTY 50"]
CODES = {"provider_failed", "provider_timeout", "provider_limited", "auth_needed", "unsupported", "no_data", "overloaded"}
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "retry", "request_id"}

CONFIGURATION = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data, public_url: "http://127.0.0.1:PORT", log: {{ level: debug }} }}
providers:
  upstox:
    plugin: upstox
    settings:
      {{ api_key: fakekey, api_secret: fakesecret, access_token: faketoken,
        rest_url: "{upstox.url}", websocket_url: "{upstox.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
    breaker: {{ failures: 5, open: 1s }}
    stale_after: 60s
  zerodha:
    plugin: zerodha
    settings:
      {{ api_key: fakekey, api_secret: fakesecret, access_token: faketoken, rest_url: "{zerodha.url}",
        websocket_url: "{zerodha.websocket_url}", login_url: "{zerodha.url}/connect/login" }}
    backoff: {{ min: 50ms, max: 500ms }}
    breaker: {{ failures: 5, open: 1s }}
    stale_after: 60s
  simulator: {{ plugin: simulator, settings: {{ seed: 7, rate: 1, history: 0 }}, stale_after: 10m }}
pipelines:
  india:
    from: [upstox, zerodha, simulator]
    instruments: [{symbols}]
    kinds: [trade, tick, quote, book]
    bars: [1m, 5m]
    failover: {{ after: 20s, back_after: 60s, standby: warm }}
"""


@pytest.fixture(scope="session")
def fast_clock(tmp_path_factory):
    library = tmp_path_factory.mktemp("clock") / "fastclock.so"
    source = pathlib.Path(__file__).with_name("fastclock.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


class Hour:
    """Two fakes, a hub, clients, and somebody who logs in."""

    def __init__(self, folder, library, seed: int, speed: float, seconds: float, plan: bool):
        # The hub starts while the market is open already, and has some seconds for it.
        quiet = 5 * speed
        self.seed, self.speed, self.seconds, self.has_plan = seed, speed, seconds + quiet, plan
        self.anchor = time.time()
        shared = ("--seed", str(seed), "--start", "2027-01-05T10:00:00+05:30", "--anchor", repr(self.anchor), "--speed",
                  str(speed), "--tape", ",".join(SYMBOLS), "--tape-rate", "0.4", "--tape-seconds", str(seconds + quiet), "--tape-quiet", str(quiet))
        shared += ("--plan", "seed") if plan else ()
        self.fakes = {vendor: FakeVendor(vendor, *shared) for vendor in ("upstox", "zerodha")}
        for vendor, fake in self.fakes.items():
            for item in sorted(fake.plan, key=lambda item: item["after_s"]):
                print(f"{vendor} after {item['after_s']:.2f} s: {({k: v for k, v in item.items() if k != 'after_s'})}")
        names = ", ".join(f'"{symbol}"' for symbol in SYMBOLS)
        self.hub = Hub(folder / "hub", CONFIGURATION.format(symbols=names, **self.fakes))
        self.fakes["zerodha"].market(redirect_url=f"{self.hub.url}/auth/zerodha/callback")
        self.environment = {"LD_PRELOAD": str(library), "FASTCLOCK_ANCHOR": repr(self.anchor),
                            "FASTCLOCK_START": str(START), "FASTCLOCK_SPEED": str(speed)}
        self.followers, self.faults, self.answers, self.logins = [], [], {}, []
        self.is_over = threading.Event()

    def moment(self, real: float) -> float:
        """The hub's time at a real one."""
        return START + (real - self.anchor) * self.speed

    def now(self) -> float:
        return self.moment(time.time())

    def beside(self, work) -> threading.Thread:
        def guarded():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - told at the end
                self.faults.append(error)
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def run(self):
        saved = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            self.hub.start()
        finally:
            for name, value in saved.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        model = Model(self.hub)
        epoch = self.hub.json("/v1/status")["hub"]["epoch"]
        everything = (["NSE:*", "BSE:*"], ["tick", "quote", "book", "bar"])
        self.followers = [Follower(self.hub, everything, 0, epoch) for _ in range(2)]
        threads = [self.beside(self.log_in_when_asked), self.beside(self.cut_one_client)]
        if self.has_plan:
            threads.append(self.beside(self.ask))
        while self.now() < START + self.seconds and not self.faults:
            assert self.hub.process.poll() is None, f"the hub ended: {self.hub.tail()}"
            time.sleep(0.05)
        time.sleep(1)
        head = model.learn()
        self.events = [event for event, _ in model.events]
        gaps = self.hub.json("/v1/quality/gaps", limit=10000)["data"]
        self.is_over.set()
        for thread in threads:
            thread.join(60)
        for follower in self.followers:
            follower.finish(model, head)
        if self.faults:
            raise self.faults[0]
        self.logs = {vendor: fake.log() for vendor, fake in self.fakes.items()}
        self.gaps = tradinghour.folded(gaps)

    def log_in_when_asked(self):
        """A person who notices after a few minutes that a broker wants a login."""
        since: dict[str, float] = {}
        while not self.is_over.wait(0.1):
            for provider in self.hub.json("/v1/status")["providers"]:
                name = provider["name"]
                if provider["state"] != "auth_needed":
                    since.pop(name, None)
                elif name == "upstox" and self.is_zerodhas_turn():
                    continue
                elif self.now() - since.setdefault(name, self.now()) > 60:
                    assert provider["login_url"] == f"{self.hub.url}/auth/{name}", provider
                    self.log_in(name)

    def is_zerodhas_turn(self) -> bool:
        """Whether Upstox's tokens have died and Zerodha's plan is not over: nobody logs in to Upstox then."""
        if not self.has_plan:
            return False
        deaths = [item["after_s"] for item in self.fakes["upstox"].plan if item["what"] == "token_death"]
        last = max(item["after_s"] for item in self.fakes["zerodha"].plan if item["what"] != "token_death")
        return min(deaths) - 0.5 < time.time() - self.anchor < last + 1

    def log_in(self, name: str):
        command = subprocess.Popen([binary(), "auth", name, "--address", self.hub.url, "--wait", "10"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        page = re.search(r"Log in here: (\S+)", line := command.stdout.readline())
        assert page, line
        # A fault may hit the login, too: then it is tried again.
        try:
            answer = requests.get(page.group(1), timeout=20)
            if answer.status_code == 200 and command.wait(30) == 0:
                self.logins.append(name)
                return
        except requests.RequestException:
            pass
        command.kill()
        command.wait(10)

    def cut_one_client(self):
        chance = random.Random(f"{self.seed} client")
        while not self.is_over.wait(chance.uniform(0.5, 3)):
            self.followers[1].cut()

    def ask(self):
        """A client of REST: every answer is right or a problem of the contract."""
        paths = [("/v1/quotes", {"symbols": ",".join(SYMBOLS), "fresh": "true"}),
                 ("/v1/quotes/NSE:INFY", {"fresh": "true"}), ("/v1/bars/NSE:TCS", {"interval": "1m", "from": "-2d", "limit": 50}),
                 ("/v1/quotes/NSE:NIFTY 50", {})]
        turn = 0
        while not self.is_over.wait(0.2):
            path, query = paths[turn % len(paths)]
            turn += 1
            answer = self.hub.get(path, **query)
            what = f"{path} {query}: {answer.status_code} {answer.text[:500]}"
            assert "<" not in answer.text, what
            body = answer.json()
            if answer.status_code != 200:
                assert answer.headers["Content-Type"] == "application/problem+json", what
                assert PROBLEM <= body.keys() and body["code"] in CODES and body["status"] == answer.status_code, what
                code = body["code"]
            else:
                failed = body.get("meta", {}).get("failed", [])
                assert all(one["code"] in CODES and one["detail"] for one in failed), what
                code = "ok" if not failed else failed[0]["code"]
            self.answers[code] = self.answers.get(code, 0) + 1

    def judge(self):
        """The journal against the logs."""
        margin = self.speed * 1.0
        told = [event for entry in self.logs["upstox"] if entry["what"] == "tape" for event in entry["events"]]
        same = [event for entry in self.logs["zerodha"] if entry["what"] == "tape" for event in entry["events"]]
        order = [(event["instrument"], event["print"]) for event in told]
        assert len(set(order)) == len(order) > 0
        assert sorted(map(repr, told)) == sorted(map(repr, same)), "the two fakes have the same market"
        served = tradinghour.windows(self.events, "upstox")
        present = set()
        counts = {}
        for source, vendor in (("upstox", tradinghour.Upstox), ("zerodha", tradinghour.Kite)):
            expected = tradinghour.expected_records(self.logs[source], vendor)
            present |= tradinghour.align(source, expected, served, margin, self.moment, self.gaps)
            counts[source] = (len(expected), sum(len(w.records) for w in served if w.source == source))
        simulated = [event for window in served if window.source == "simulator" for event in window.records]
        assert all(event.get("simulated") is True for event in simulated)
        assert not any(event.get("simulated") for window in served if window.source != "simulator"
                       for event in window.records)
        first: dict[str, int] = {}
        for symbol, number in present:
            first[symbol] = min(number, first.get(symbol, number))
        assert first.keys() == set(SYMBOLS), f"only {sorted(first)} are in the journal"
        switches = [window.start for window in served[1:]]
        missing = [event for event in told if (event["instrument"], event["print"]) not in present
                   and first[event["instrument"]] < event["print"] and event["time"] < START + self.seconds - margin]
        unexplained = [
            event for event in missing
            if not any(tradinghour.covers(gap, event["instrument"], event["time"], margin / 3) for gap in self.gaps)
            and not any(abs(event["time"] - switch) < margin for switch in switches)
            # Its place was taken by what the journal itself says is simulated.
            and not any(window.source == "simulator" and window.start < event["time"] < window.end for window in served)]
        print(f"prints {len(told)}, in the journal {len(present)}, missing {len(missing)}; records delivered and journaled "
              f"{counts}; simulated {len(simulated)}; switches {len(switches)}; gaps {len(self.gaps)}; "
              f"logins {self.logins}; answers {self.answers}")
        assert not unexplained, f"{len(unexplained)} prints are in no gap, the first: {unexplained[:3]}; gaps {self.gaps}"
        self.check_bars()
        print(f"repair of the gaps: {collections.Counter(gap['repair'] for gap in self.gaps)}")
        return served

    def check_bars(self):
        """The newest revision of every minute is what its ticks in the journal say, or the vendor's own candle."""
        closed, prices = {}, {}
        for event in self.events:
            if event["type"] == "bar" and event["interval"] == "1m":
                closed[event["symbol"], event["time"]] = event
            elif event["type"] in ("tick", "trade"):
                minute = event["time"] // 60_000_000 * 60_000_000
                prices.setdefault((event["symbol"], minute), []).append(event.get("last", event.get("price")))
        wrong = []
        for place, bar in closed.items():
            if bar["built_from"] == "provider":
                continue
            own = prices.get(place, [])
            if [bar[name] for name in ("open", "high", "low", "close")] != [own[0], max(own), min(own), own[-1]]:
                wrong.append((bar, own))
        print(f"bars {len(closed)}, wrong {len(wrong)}")
        assert not wrong, f"{len(wrong)} of {len(closed)} bars are not what their ticks say: {wrong[:2]}"

    def told(self) -> str:
        """What the journal says happened to the sources: for who looks for the cause of a failure."""
        out = []
        for event in getattr(self, "events", []):
            if event["type"] == "gap" or event["type"] == "control" and event["what"] in ("source", "failover"):
                facts = {k: v for k, v in event.items() if k not in ("type", "time", "received", "what", "symbols", "types")}
                out.append(f"{(event['received'] / 1e6 - START) / self.speed:8.2f} s {event['type']} {facts}")
        return "\n".join(out)

    def check_model(self):
        """What the model is good for: a journal that differs in one record does not pass."""
        chance = random.Random(f"{self.seed} model")
        right = self.events
        places = [i for i, event in enumerate(right) if event["type"] == "tick" and not event.get("simulated")]
        place = chance.choice(places[len(places) // 4:len(places) // 2])
        later = next(i for i in places if i > place and right[i]["symbol"] == right[place]["symbol"])
        other = {**right[place], "last": right[place]["last"] + 0.05}
        for fault, wrong in (("one is missing", right[:place] + right[place + 1:]),
                             ("one is there twice", right[:place] + [right[place]] + right[place:]),
                             ("one has another price", right[:place] + [other] + right[place + 1:]),
                             ("two are swapped", right[:place] + [right[later]] + right[place + 1:later] + [right[place]] + right[later + 1:])):
            self.events = wrong
            with pytest.raises(AssertionError):
                self.judge()
                print(f"the model does not notice that {fault}")
        self.events = right

    def check_strikes(self):
        """Nearly everything that was planned was done to the hub by one vendor or the other. Not all: at this pace a fault has
        a second of its own, and a vendor to which nobody is connected in that second can do nothing wrong."""
        struck = set()
        for vendor, fake in self.fakes.items():
            for entry in self.logs[vendor]:
                struck |= {entry["what"], entry.get("flag"), entry.get("lost")}
            for request in fake.requests():
                if "misbehaviour" in request:
                    struck |= {request["misbehaviour"], (request["misbehaviour"], request["status"])}
                if "slow" in request:
                    struck.add("slow")
        wanted = {"half", "reset", "close", "mute", "duplicate", "late",
                  "slow", "rate_limit", "html", "redirect", "garbage", "truncate", "refuse_upgrade",
                  ("status", 401), ("status", 403), ("status", 500), ("status", 503)}
        assert len(wanted - struck) <= 3, f"not done: {wanted - struck}"

    def check_secrets(self):
        told = self.hub.log.read_text(errors="replace") + self.hub.get("/v1/status").text + self.hub.get("/metrics").text
        for secret in ("faketoken", "fakesecret"):
            assert secret not in told, f"{secret} is told: {[l for l in told.splitlines() if secret in l][:2]}"

    def stop(self):
        self.is_over.set()
        for follower in self.followers:
            follower.isEnding = True
            follower.isReading.set()
            follower.cut()
        code = self.hub.stop()
        for fake in self.fakes.values():
            fake.stop()
        return code


def spend(folder, library, speed: float, seconds: float = 3600, plan: bool = True) -> Hour:
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 31)))
    print(f"HUB_SEED={seed} speed {speed}")
    hour = Hour(folder, library, seed, speed, seconds, plan)
    code = None
    try:
        hour.run()
        served = hour.judge()
        hour.check_secrets()
        if plan:
            assert {"upstox", "zerodha", "simulator"} <= {window.source for window in served}
            hour.check_strikes()
            assert {"upstox", "zerodha"} <= set(hour.logins), "the tokens of both die, and somebody logs in again"
    except BaseException:
        print(hour.told())
        raise
    finally:
        code = hour.stop()
    assert code == 0, hour.hub.tail()
    done = subprocess.run([binary(), "journal", "verify", str(hour.hub.folder / "data")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return hour


@pytest.mark.timeout(180)
def test_an_hour_without_faults_is_in_the_journal_print_by_print(tmp_path, fast_clock):
    hour = spend(tmp_path, fast_clock, speed=360, plan=False)
    assert hour.logins == []


@pytest.mark.timeout(240)
def test_an_hour_of_trading_with_every_misbehaviour_is_in_the_journal(tmp_path, fast_clock):
    spend(tmp_path, fast_clock, speed=120)


@pytest.mark.slow
@pytest.mark.timeout(4200)
def test_a_slower_hour_of_trading_with_every_misbehaviour_is_in_the_journal(tmp_path, fast_clock):
    spend(tmp_path, fast_clock, speed=float(os.environ.get("HUB_HOUR_SPEED", 20)))
