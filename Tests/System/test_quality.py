"""What is wrong with the data is told: each defect comes flagged `suspect`, everywhere the same, and is counted."""

import json
import pathlib
import subprocess
import time

import pytest

from hubprocess import ROOT, split_message

# Symbol, line of the script, whether it is suspect, in this order.
SCRIPT = [
    ("trade SIM:SPIKE 1000 100 1 1", False),
    ("trade SIM:SPIKE 1100 150 1 2", True),
    ("trade SIM:SPIKE 1200 101 1 3", False),
    ("trade SIM:SPIKE 1300 160 1 4", True),
    # The next one near it confirms the move.
    ("trade SIM:SPIKE 1400 161 1 5", False),
    ("trade SIM:SPIKE 1500 -1 1 6", True),
    ("trade SIM:SPIKE 1600 160 1 7", False),
    ("quote SIM:CROSS 1000 100 101", False),
    ("quote SIM:CROSS 1100 101.5 101", True),
    ("quote SIM:CROSS 1200 100.5 101", False),
    ("book SIM:CROSS 1200 101 100", True),
    ("trade SIM:TIME 2000 100 1 1", False),
    ("trade SIM:TIME 1500 100 1 2", True),
    ("trade SIM:TIME 2500 100 1 3", False),
    ("tick SIM:VOLUME 1000 100 5000", False),
    ("tick SIM:VOLUME 2000 100 5100", False),
    ("tick SIM:VOLUME 3000 100 4900", True),
    ("tick SIM:VOLUME 4000 100 5200", False),
    ("trade SIM:TWICE 1000 100 10 1", False),
    ("trade SIM:TWICE 2000 100 10 2", False),
    ("trade SIM:TWICE 1000 100 10 1", True),
    ("trade SIM:TWICE 2000 100 10 2", True),
    ("trade SIM:TWICE 3000 100 10 3", False),
    # Two alike in one message are two; once more in a later one they are the same again.
    ("trade SIM:NOID 1000 100 10 0;trade SIM:NOID 1000 100 10 0", False),
    ("trade SIM:NOID 1000 100 10 0", True),
    ("trade SIM:END 1000 1 1 1", False),
]

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  feed: { plugin: defects, settings: { script: SCRIPT } }
pipelines:
  demo:
    from: [feed]
    instruments: ["SIM:SPIKE", "SIM:CROSS", "SIM:TIME", "SIM:VOLUME", "SIM:TWICE", "SIM:NOID", "SIM:END"]
    kinds: [trade, tick, quote, book]
    bars: [1d]
QUALITY
"""


def build(folder: pathlib.Path):
    (folder / "plugins").mkdir(parents=True)
    subprocess.run(
        ["cc", "-std=gnu11", "-shared", "-fPIC", "-I", str(ROOT / "Sources/PluginABI/include"),
         "-o", str(folder / "plugins" / "defects.so"), str(ROOT / "Tests/System/defects.c")], check=True)


def run_script(start_hub, tmp_path, quality=""):
    build(tmp_path / "hub")
    script = json.dumps([line for line, _ in SCRIPT])
    hub = start_hub(CONFIGURATION.replace("SCRIPT", script).replace("QUALITY", quality))
    deadline = time.monotonic() + 60
    while not hub.json("/v1/events", symbols="SIM:END", types="trade")["data"]:
        assert time.monotonic() < deadline, f"the script did not come to its end:\n{hub.tail()}"
        time.sleep(0.05)
    return hub


def records():
    return [(record.split()[0], record.split()[1], suspect) for line, suspect in SCRIPT for record in line.split(";")]


def market(events):
    return [e for e in events if e["type"] in ("trade", "tick", "quote", "book")]


def is_suspect(event):
    return "suspect" in event.get("flags", [])


def metrics(hub):
    found = {}
    for line in hub.get("/metrics").text.splitlines():
        if line.startswith("hub_quality_failures_total{"):
            found[line.split('check="')[1].split('"')[0]] = int(float(line.rsplit(" ", 1)[1]))
        if line.startswith("hub_provider_suspect_total{"):
            found["records"] = int(float(line.rsplit(" ", 1)[1]))
    return found


def test_each_defect_is_flagged_in_history_on_the_stream_and_in_the_counters(start_hub, tmp_path):
    hub = run_script(start_hub, tmp_path)
    events = market(hub.json("/v1/events", limit=1000)["data"])
    assert [(e["type"], e["symbol"], is_suspect(e)) for e in events] == records()

    with hub.websocket("/v1/stream?symbols=*&types=trade,tick,quote,book&from=earliest&to=now") as socket:
        streamed = []
        while not streamed or streamed[-1]["type"] != "end":
            streamed += [value for value, _ in split_message(socket.recv(timeout=30))]
    assert market(streamed) == events

    with hub.websocket(
        "/v1/stream?symbols=*&types=trade,tick,quote,book&from=earliest&to=now&exclude=suspect"
    ) as socket:
        streamed = []
        while not streamed or streamed[-1]["type"] != "end":
            streamed += [value for value, _ in split_message(socket.recv(timeout=30))]
    assert market(streamed) == [e for e in events if not is_suspect(e)]

    suspects = sum(is_suspect(e) for e in events)
    assert metrics(hub) == {
        "records": suspects, "spike": 3, "crossed": 3, "backwards": 2, "volume_falls": 1, "duplicates": 3, "ahead": 0,
        "source": 0,
    }
    provider = hub.json("/v1/status")["providers"][0]
    assert provider["suspect"] == suspects and provider["events"] == len(events)


def test_a_real_move_is_followed_at_once_and_the_same_trade_is_counted_once(start_hub, tmp_path):
    hub = run_script(start_hub, tmp_path)
    assert hub.json("/v1/quotes/SIM:SPIKE")["last"] == 160
    twice = hub.json("/v1/quotes/SIM:TWICE")
    assert twice["volume"] == 30 and twice["last"] == 100
    assert hub.json("/v1/quotes/SIM:NOID")["volume"] == 30
    assert hub.json("/v1/quotes/SIM:VOLUME")["volume"] in (200, 5200)
    assert hub.json("/v1/quotes/SIM:TIME")["last_time"] == max(
        e["time"] for e in hub.json("/v1/events", symbols="SIM:TIME", types="trade")["data"] if e["type"] == "trade")


def test_flags_survive_a_kill(start_hub, tmp_path):
    hub = run_script(start_hub, tmp_path)
    before = [text for _, text in hub.events(types="trade,tick,quote,book")]
    hub.kill()
    hub.start()
    after = [text for _, text in hub.events(types="trade,tick,quote,book", before=str(json.loads(before[-1])["seq"] + 1))]
    assert after == before


def test_checks_that_are_turned_off_flag_nothing(start_hub, tmp_path):
    quality = (
        "    quality: { spike_percent: 0, crossed: ignore, backwards: ignore, volume_falls: ignore, duplicates: ignore }"
    )
    hub = run_script(start_hub, tmp_path, quality)
    events = market(hub.json("/v1/events", limit=1000)["data"])
    assert len(events) == len(records()) and not any(map(is_suspect, events))
    assert set(metrics(hub).values()) == {0}
    # Then the same trade once more is one more.
    assert hub.json("/v1/quotes/SIM:TWICE")["volume"] == 50


@pytest.mark.parametrize("rows, suspect", [
    ("1736174100000000000,100,1\n1736174101000000000,150,1\n1736174102000000000,100,1\n", [1]),
    # Rows that are alike are separate prints, but not behind later ones.
    ("1736174100000000000,100,1\n1736174100000000000,100,1\n1736174101000000000,100,1\n", []),
])
def test_a_recording_is_checked_as_well(start_hub, tmp_path, rows, suspect):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "tape.csv").write_text("ts_event_ns,price,size\n" + rows)
    hub = start_hub("""
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  tape: { plugin: replay, settings: { speed: max, files: [{ path: tape.csv, symbol: "ARCA:SPY", kind: trade }] } }
pipelines:
  demo: { from: [tape], instruments: ["ARCA:SPY"] }
""")
    deadline = time.monotonic() + 30
    while len(trades := hub.json("/v1/trades/ARCA:SPY")["data"]) < 3:
        assert time.monotonic() < deadline, hub.tail()
        time.sleep(0.05)
    assert [i for i, trade in enumerate(trades) if is_suspect(trade)] == suspect
