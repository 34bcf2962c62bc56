"""What was missed is fetched: bars of a hole, once the source is back. The vendor is wounded.c; the tests tell it when to be
away, and see in the file `asked` what it was asked for."""

import pathlib
import subprocess
import time

import pytest

from hubprocess import ROOT

HUB = """
hub: { listen: "127.0.0.1:PORT", data: ./data, query: { timeout: 500ms, retries: 0 } }
providers:
  acme: { plugin: wounded, finalize_after: 100ms }
pipelines:
  test: { from: [acme], instruments: [SYMBOLS], bars: [BARS], BACKFILL }
"""


@pytest.fixture
def wounded(start_hub, tmp_path):
    def start(symbols=("TEST:A",), bars="5s, 1m", backfill="backfill: {}"):
        folder = tmp_path / "hub" / "plugins"
        folder.mkdir(parents=True)
        subprocess.run(
            ["cc", "-std=gnu11", "-shared", "-fPIC", f"-I{ROOT / 'Sources/PluginABI/include'}", "-o",
             str(folder / "wounded.so"), str(pathlib.Path(__file__).parent / "wounded.c")], check=True)
        names = ", ".join(f'"{symbol}"' for symbol in symbols)
        text = HUB.replace("SYMBOLS", names).replace("BARS", bars).replace("BACKFILL", backfill)
        return start_hub(text)

    return start


def wait_for(condition, what: str, seconds: float = 90):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def control(hub, word: str):
    # In one step: the vendor reads it at any time.
    new = hub.folder / "control.new"
    new.write_text(word)
    new.rename(hub.folder / "control")


def asked(hub):
    file = hub.folder / "asked"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(symbol, int(interval), int(first), int(last), int(when)) for symbol, interval, first, last, when in lines]


def trades(hub, symbol="TEST:A"):
    return hub.json(f"/v1/quotes/{symbol}").get("seq", 0) if hub.get(f"/v1/quotes/{symbol}").ok else 0


def gaps(hub):
    return hub.json("/v1/quality/gaps")["data"]


def outage(hub, seconds: float, word: str = "down"):
    """The source is away for so long, and back."""
    wait_for(lambda: trades(hub), "no trades")
    before = trades(hub)
    wait_for(lambda: trades(hub) > before, "no more trades")
    control(hub, word)
    wait_for(lambda: [gap for gap in gaps(hub) if gap["state"] == "open"], "no open gap")
    time.sleep(seconds)


def bars(hub, symbol="TEST:A", interval="5s", **more):
    return hub.json(f"/v1/bars/{symbol}", interval=interval, forming="false", limit=1000, **more)["data"]


def test_bars_of_a_hole_are_fetched_when_the_source_is_back(wounded):
    hub = wounded()
    outage(hub, 12)
    assert [gap["repair"] for gap in gaps(hub)] == ["pending"]
    control(hub, "")
    gap = wait_for(lambda: [gap for gap in gaps(hub) if gap["repair"] == "partial"], "the gap is not healed")[0]
    assert (gap["state"], gap["reason"], gap["source"]) == ("closed", "source_down", "acme")
    told = [event for event in hub.json("/v1/events", types="gap")["data"] if event["gap_id"] == gap["gap_id"]]
    assert [(event["state"], event["repair"]) for event in told] == [
        ("open", "pending"), ("closed", "pending"), ("closed", "partial")]
    assert len({(event["from"], event["symbols"][0]) for event in told}) == 1
    assert told[1]["to"] == told[2]["to"] > told[0]["from"] + 12_000_000
    # Every bar is there, one behind the other; those that the hole touched are the vendor's.
    rows = bars(hub)
    times = [row["time"] for row in rows]
    assert times == list(range(times[0], times[-1] + 1, 5_000_000))
    touched = [row for row in rows if row["time"] < gap["to"] and row["time"] + 5_000_000 > gap["from"]]
    assert len(touched) >= 3 and {row["volume"] for row in touched} == {777}
    events = [e for e in hub.json("/v1/events", types="bar:5s", limit=1000)["data"] if e["type"] == "bar"]
    fetched = [event for event in events if event.get("built_from") == "provider"]
    assert all("backfilled" in event["flags"] and event["source"] == "acme" for event in fetched)
    # The first and the last were the hub's own already: they come again as revised.
    own = {event["time"] for event in events if event["built_from"] != "provider"}
    assert {event["time"]: event["state"] for event in fetched} == {
        time: "revised" if time in own else "closed" for time in [row["time"] for row in touched]}
    # One call, of whole bars.
    assert len(asked(hub)) == 1 and asked(hub)[0][:2] == ("TEST:A", 5)
    rest = {(row["type"], row.get("interval")): row["complete"] for row in hub.json("/v1/quality/coverage")["data"]}
    assert rest["bar", "5s"] is True and rest["trade", None] is False
    figures = hub.get("/metrics").text
    assert "hub_gaps_healed_total 1" in figures and "hub_gaps_waiting 0" in figures


def test_what_was_missed_while_the_hub_was_killed_is_fetched_after_the_start(wounded):
    hub = wounded(backfill="backfill: { gaps: true }")
    wait_for(lambda: bars(hub), "no bars")
    hub.kill()
    time.sleep(11)
    hub.start()
    gap = wait_for(lambda: [gap for gap in gaps(hub) if gap["repair"] == "partial"], "the gap is not healed")[0]
    assert gap["reason"] == "hub_down"
    times = [row["time"] for row in bars(hub)]
    assert times == list(range(times[0], times[-1] + 1, 5_000_000))


def test_a_vendor_without_an_answer_is_asked_again_and_the_hub_killed_meanwhile_goes_on(wounded):
    hub = wounded()
    outage(hub, 6)
    control(hub, "fail")
    wait_for(lambda: len(asked(hub)) >= 2, "it is not asked again")
    found = gaps(hub)[0]
    assert (found["state"], found["repair"]) == ("closed", "pending")
    first, second = asked(hub)[0], asked(hub)[1]
    # Not before the pause is over.
    assert second[4] - first[4] >= 5_000_000
    hub.kill()
    control(hub, "")
    hub.start()
    wait_for(
        lambda: {gap["gap_id"]: gap["repair"] for gap in gaps(hub)}.get(found["gap_id"]) == "partial",
        "the gap is forgotten")


def test_many_instruments_of_one_hole_are_asked_for_once_each_and_what_cannot_be_had_stays_listed(wounded):
    names = [f"TEST:N{number}" for number in range(40)]
    hub = wounded(symbols=["TEST:A", "TEST:LOST", *names], bars="1s, 5s")
    outage(hub, 1)
    control(hub, "")
    healed = wait_for(lambda: [gap for gap in gaps(hub) if gap["repair"] == "partial"], "the gap is not healed")[0]
    left = wait_for(lambda: [gap for gap in gaps(hub) if gap["repair"] == "impossible"], "what is lost is not listed")[0]
    assert left["symbols"] == ["TEST:LOST"] and left["state"] == "closed" and left["gap_id"] != healed["gap_id"]
    assert (left["from"], left["to"]) == (healed["from"], healed["to"])
    assert "TEST:LOST" not in healed["symbols"] and {"TEST:A", *names} == set(healed["symbols"])
    # There are no bars of a second: then those of five are asked for. Nobody is asked twice.
    questions = [(symbol, interval) for symbol, interval, *_ in asked(hub)]
    assert len(questions) == len(set(questions)), questions
    assert {symbol for symbol, interval in questions if interval == 5} == {"TEST:A", *names}
    assert "could not be fetched" in hub.tail(400)


def test_gaps_are_left_alone_where_the_operator_says_so(wounded):
    hub = wounded(backfill="backfill: { gaps: false }")
    outage(hub, 1)
    control(hub, "")
    wait_for(lambda: [gap for gap in gaps(hub) if gap["state"] == "closed"], "the gap is not closed")
    assert [gap["repair"] for gap in gaps(hub)] == ["impossible"]
    assert not asked(hub)
