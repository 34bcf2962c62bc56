"""Lockstep: the same configuration gives the same records, byte for byte, also when it is killed on the way."""

import json
import os
import random
import time

import pytest

from hubprocess import Hub, run
from realdata import EXCERPT

CONFIGURATION = f"""
hub: {{ listen: "127.0.0.1:PORT", data: ./data, clock: virtual }}
providers:
  tape:
    plugin: replay
    settings: {{ speed: 20, files: [{{ path: "{EXCERPT}", symbol: "ARCA:SPY", kind: trade }}] }}
  simulator:
    plugin: simulator
    settings: {{ seed: 7, rate: 20, kinds: [trade, quote], history: 1d, model: jump }}
indicators:
  momentum: {{ plugin: ta, settings: {{ outputs: ["rsi(14)", "ema(5)"], intervals: [1s, 1m] }} }}
pipelines:
  tape: {{ from: [tape], instruments: ["ARCA:SPY"], bars: [1s, 1m], indicators: [momentum] }}
  sim: {{ from: [simulator], instruments: ["SIM:A", "SIM:B"], bars: [1s, 1m], indicators: [momentum] }}
"""


def dump(folder) -> bytes:
    result = run("journal", "dump", str(folder / "data"), timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout.encode()


def run_to_the_end(hub: Hub, kills: int, rng: random.Random) -> None:
    for _ in range(kills):
        hub.start("--exit-when-done", wait=False)
        try:
            hub.process.wait(rng.uniform(0.15, 0.8))
        except Exception:
            hub.kill()
    hub.start("--exit-when-done", wait=False)
    assert hub.wait_end(240) == 0, hub.tail()


@pytest.mark.timeout(600)
def test_two_lockstep_runs_are_identical_also_when_killed_on_the_way(tmp_path):
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 31)))
    print(f"seed {seed}")
    rng = random.Random(seed)
    plain = Hub(tmp_path / "plain", CONFIGURATION)
    run_to_the_end(plain, 0, rng)
    again = Hub(tmp_path / "again", CONFIGURATION)
    run_to_the_end(again, 0, rng)
    killed = Hub(tmp_path / "killed", CONFIGURATION)
    run_to_the_end(killed, 8, rng)
    first = dump(plain.folder)
    assert first.count(b"\n") > 25_000
    assert dump(again.folder) == first
    assert dump(killed.folder) == first
    for folder in (plain.folder, again.folder, killed.folder):
        assert run("journal", "verify", str(folder / "data")).returncode == 0
