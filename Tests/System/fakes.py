"""Fake vendor servers as processes, and their control doors. Tests/Vendors/README.md describes what they can do."""

import json
import pathlib
import subprocess
import sys
import time

import requests

VENDORS = pathlib.Path(__file__).resolve().parents[1] / "Vendors"


class FakeVendor:
    """One fake: `with FakeVendor("zerodha", "--rate", "20") as fake`."""

    def __init__(self, vendor: str, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, str(VENDORS / f"fake_{vendor}.py"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the fake of {vendor} did not start; it ended with {self.process.wait(10)}")
        told = json.loads(line)
        self.port, self.plan = told["port"], told["plan"]
        self.since = 0
        self.url = f"http://127.0.0.1:{self.port}"
        self.websocket_url = f"ws://127.0.0.1:{self.port}"

    def __enter__(self) -> "FakeVendor":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> int:
        self.process.stdin.close()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(10)
        self.process.stdout.close()
        return code

    def _door(self, method: str, path: str, **arguments):
        answer = requests.request(method, f"{self.url}/_fake/{path}", timeout=30, **arguments)
        if answer.status_code != 200:
            raise AssertionError(f"the fake refused /_fake/{path}: {answer.text}")
        return answer.json()

    def misbehave(self, *orders: dict) -> dict:
        return self._door("POST", "misbehave", json=list(orders))

    def behave(self) -> dict:
        return self._door("DELETE", "misbehave")

    def publish(self, *events: dict) -> dict:
        return self._door("POST", "publish", json={"events": list(events)})

    def market(self, **body) -> dict:
        return self._door("POST", "market", json=body)

    def cut(self, how: str = "mid-frame", **facts) -> dict:
        return self._door("POST", "cut", json={"how": how, **facts})

    def fresh(self, **market) -> "FakeVendor":
        """As just started, but for its prices: for tests that share one. What was logged before is not seen again."""
        self.behave()
        self.market(rate=0, **market)
        self.wait(lambda state: not state["connections"], "the end of all connections")
        self.since = self.state()["next"]
        return self

    def state(self) -> dict:
        return self._door("GET", "state")

    def log(self, since: int | None = None, what: str | None = None) -> list[dict]:
        query = {"from": self.since if since is None else since} | ({"what": what} if what else {})
        return self._door("GET", "log", params=query)["entries"]

    def requests(self, since: int | None = None) -> list[dict]:
        return self._door("GET", "requests", params={"from": self.since if since is None else since})["entries"]

    def delivered(self, since: int | None = None) -> list[dict]:
        """The events of all frames that a client can have received, in order."""
        return [event for entry in self.log(since) if entry.get("delivered") for event in entry.get("events", ())]

    def wait(self, condition, what: str, seconds: float = 30):
        """Until `condition(state)` holds; the state."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            state = self.state()
            if condition(state):
                return state
            time.sleep(0.02)
        raise AssertionError(f"the fake did not see {what} in {seconds} s: {self.state()}")
