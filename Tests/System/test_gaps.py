"""Gaps of a live source that does not resume: what it sent while the hub was down is told, with its range."""

import subprocess
import time

from hubprocess import ROOT

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  wave: { plugin: sine, settings: { period: 30, amplitude: 5, rate: 50 } }
pipelines:
  demo: { from: [wave], instruments: ["SIM:WAVE"], bars: [1s, 1m, 1d, 1w, 1M] }
"""


def gaps(hub):
    return hub.json("/v1/events", types="gap")["data"]


def trades(hub):
    # Gaps are told to every reader, whatever its types.
    return [e for e in hub.json("/v1/events", types="trade", limit=10_000)["data"] if e["type"] == "trade"]


def wait_for(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {seconds} s")


def test_a_killed_hub_tells_what_it_missed_of_a_live_source(start_hub, tmp_path):
    folder = tmp_path / "hub" / "plugins"
    folder.mkdir(parents=True)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-I", str(ROOT / "Sources/PluginABI/include"),
         "-o", str(folder / "sine.so"), str(ROOT / "Examples/c-provider/sine.c"), "-lm"], check=True)
    hub = start_hub(CONFIGURATION)
    wait_for(lambda: len(trades(hub)) > 20, "trades")
    hub.kill()
    time.sleep(0.5)
    hub.start()
    closed = wait_for(lambda: [g for g in gaps(hub) if g["state"] == "closed"], "closed gap")
    found = gaps(hub)
    assert [g["state"] for g in found] == ["open", "closed"]
    assert {g["reason"] for g in found} == {"hub_down"} and {g["gap_id"] for g in found} == {f"g-{found[0]['seq']}"}
    assert found[0]["to"] is None and found[0]["from"] == closed[0]["from"]
    times = [t["time"] for t in trades(hub)]
    assert closed[0]["from"] in times and closed[0]["to"] in times
    # Nothing lies between, and the gap is told before what comes behind it.
    between = [t for t in times if closed[0]["from"] < t < closed[0]["to"]]
    assert not between
    first = next(t for t in trades(hub) if t["time"] == closed[0]["to"])
    assert found[0]["seq"] < first["seq"]
    # It covers the time the hub was away.
    assert closed[0]["to"] - closed[0]["from"] >= 400_000
