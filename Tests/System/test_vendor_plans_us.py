"""The logs of the fake TwelveData and Finnhub say what a client can have received, whatever went wrong meanwhile."""

import json
import random
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fakes import FakeVendor
from vendorclients import SEED

pytestmark = pytest.mark.hubless

VENDORS = {
    "twelvedata": ("/v1/quotes/price?apikey=fakekey",
                   [{"action": "subscribe", "params": {"symbols": "AAPL,EUR/USD,BTC/USD"}}]),
    "finnhub": ("/?token=fakekey",
                [{"type": "subscribe", "symbol": symbol} for symbol in ("AAPL", "OANDA:EUR_USD", "BINANCE:BTCUSDT")]),
}
FAULTS = (
    {"what": "duplicate", "next": 2}, {"what": "reorder"}, {"what": "garbage_frame", "text": '{"half": '},
    {"what": "mute", "for_s": 0.3}, {"what": "cut"}, {"what": "reset"}, {"what": "close", "code": 1001},
)


class Reader(threading.Thread):
    """Stays connected as well as it can and keeps what it reads."""

    def __init__(self, fake, path: str, subscriptions: list[dict]):
        super().__init__(daemon=True)
        self.address, self.subscriptions = fake.websocket_url + path, subscriptions
        self.heard: list[dict] = []
        self.openings = 0
        self.ending = False

    def run(self) -> None:
        while not self.ending:
            with connect(self.address, compression=None, max_queue=None) as socket:
                self.openings += 1
                for message in self.subscriptions:
                    socket.send(json.dumps(message))
                self._read(socket)

    def _read(self, socket) -> None:
        while not self.ending:
            try:
                message = json.loads(socket.recv(timeout=0.2))
            except ConnectionClosed:
                return
            except (TimeoutError, json.JSONDecodeError):
                continue
            if message.get("type") == "trade":
                self.heard += message["data"]
            elif message.get("event") == "price":
                self.heard.append(message)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_log_equals_what_a_client_received_under_a_plan_of_faults(vendor, tmp_path):
    dice = random.Random(f"{SEED} {vendor}")
    faults = [*FAULTS, *dice.choices(FAULTS, k=3)]
    dice.shuffle(faults)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"after_s": 1 + 0.3 * n, **fault} for n, fault in enumerate(faults)]))
    with FakeVendor(vendor, "--seed", SEED, "--rate", "100", "--plan", str(plan)) as fake:
        reader = Reader(fake, *VENDORS[vendor])
        reader.start()
        deadline = time.monotonic() + 60
        while len(fake.log(what="order")) < len(faults):
            assert time.monotonic() < deadline, f"the plan did not end; seed {SEED}"
            time.sleep(0.1)
        before = len(reader.heard)
        while len(reader.heard) < before + 30:
            assert time.monotonic() < deadline, f"the stream did not come back; seed {SEED}"
            time.sleep(0.05)
        fake.market(rate=0)
        while len(reader.heard) < len(sent := fake.delivered()):
            assert time.monotonic() < deadline, f"the client is {len(sent) - len(reader.heard)} short; seed {SEED}"
            time.sleep(0.05)
        reader.ending = True
        reader.join(10)
        assert reader.heard == [{k: v for k, v in event.items() if k != "instrument"} for event in sent], f"seed {SEED}"
        assert reader.openings >= 4, f"seed {SEED}"
        lost = {entry["lost"] for entry in fake.log() if entry.get("lost")}
        assert {"mute", "cut"} <= lost, f"seed {SEED}"
