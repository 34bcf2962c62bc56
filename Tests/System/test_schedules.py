"""Work that the hub does by itself: history that is fetched and kept up, and schedules. The vendor is wounded.c, which notes in
the file `asked` what it was asked for."""

import datetime
import json
import pathlib
import re
import subprocess
import time

import pytest
import requests

from hubprocess import ROOT, run
from test_healing import asked, bars, control, wait_for

HUB = """
hub: { listen: "127.0.0.1:PORT", data: ./data, query: { timeout: 500ms, retries: 0 } }
providers:
  acme: { plugin: wounded, finalize_after: 100ms }
pipelines:
  test: { from: [acme], instruments: ["TEST:A", "TEST:B", "TEST:LOST"], bars: [1m, 1d], on_demand: ["OTHER:*"], MORE }
"""
DAY = 86_400_000_000


@pytest.fixture
def start(start_hub, tmp_path):
    def start(more="backfill: {}", sections=""):
        folder = tmp_path / "hub" / "plugins"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["cc", "-std=gnu11", "-shared", "-fPIC", f"-I{ROOT / 'Sources/PluginABI/include'}", "-o",
             str(folder / "wounded.so"), str(pathlib.Path(__file__).parent / "wounded.c")], check=True)
        return start_hub(HUB.replace("MORE", more) + sections)

    return start


def metric(hub, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", hub.get("/metrics").text, re.MULTILINE)
    assert found, f"{name} is not told"
    return float(found[1])


def jobs(hub):
    return hub.json("/v1/backfills")["data"]


def test_history_is_fetched_as_far_back_as_the_file_says_and_not_again_after_a_restart(start):
    hub = start("backfill: { history: { 1m: 2d, 1d: 10d } }")
    wait_for(lambda: len(jobs(hub)) == 2 and all(job["state"] in ("done", "failed") for job in jobs(hub)), "no history")
    found = {job["interval"]: job for job in jobs(hub)}
    for job in found.values():
        assert job["done"] == job["total"] and job["provider"] == "acme"
        # One has nothing; the others are fetched all the same, and it is said which.
        assert job["state"] == "failed" and "TEST:LOST" in job["error"]
    # The vendor takes a day of minutes at once.
    assert found["1m"]["total"] >= 6 and 2 * 2878 <= found["1m"]["rows"] <= 2 * 2881
    now = time.time() * 1e6
    first, last = found["1m"]["from"], found["1m"]["to"]
    assert now - first >= 2 * DAY and now - last < 120_000_000
    for symbol in ("TEST:A", "TEST:B"):
        minutes = hub.json(f"/v1/bars/{symbol}", interval="1m", limit=5000, **{"from": first, "to": last})["data"]
        assert [row["time"] for row in minutes] == list(range(first, last, 60_000_000))
        days = [row["time"] for row in hub.json(f"/v1/bars/{symbol}", interval="1d", forming="false")["data"]]
        assert days == list(range(days[0], days[-1] + 1, DAY)) and len(days) == 10
    questions = len(asked(hub))
    hub.kill()
    hub.start()
    wait_for(lambda: hub.json("/v1/quotes/TEST:A"), "no prices")
    time.sleep(5)
    # What is there is not asked for again; perhaps the minutes in which the hub was away are.
    again = asked(hub)[questions:]
    assert all(first >= now - 120_000_000 or symbol == "TEST:LOST" for symbol, _, first, _, _ in again), again


def test_a_backfill_goes_on_where_it_was_when_the_hub_is_killed(start):
    hub = start()
    first = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) * 1_000_000
    wish = {"symbols": ["OTHER:X"], "interval": "1m", "from": first, "to": first + 60 * DAY, "provider": "acme"}
    control(hub, "slow")
    job = requests.post(hub.url + "/v1/backfills", json=wish, timeout=60).json()
    found = wait_for(
        lambda: (now := hub.json(f"/v1/backfills/{job['id']}"))["done"] >= 5 and now, "it does not begin")
    assert found["state"] == "running" and found["done"] < found["total"] == 60, found
    hub.kill()
    before = len(asked(hub))
    hub.start()
    over = wait_for(
        lambda: (now := hub.json(f"/v1/backfills/{job['id']}"))["state"] != "running" and now["state"] != "queued" and now,
        "it does not go on")
    assert (over["state"], over["done"], over["total"], over.get("error")) == ("done", 60, 60, None)
    # At most the day that was under way is asked for twice.
    assert 5 <= before < len(asked(hub)) <= 61
    rows = [event for event in read_events(hub, "OTHER:X") if event["type"] == "bar"]
    times = [event["time"] for event in rows]
    assert len(times) == len(set(times)) == 60 * 1440
    assert sorted(times) == list(range(first, first + 60 * DAY, 60_000_000))


def read_events(hub, symbol):
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = hub.json("/v1/events", symbols=symbol, types="bar:1m", limit=50_000, **{"from": "2024-01-01"}, **more)
        yield from page["data"]
        cursor = page["meta"].get("next")
        if not cursor:
            return


def test_every_so_often_answers_are_fetched_into_the_cache(start):
    hub = start(sections="""
schedules:
  front: { do: warm, every: 1s, with: { pipeline: test, symbols: ["OTHER:X"], kinds: [quote, bar], intervals: [1d] } }
""")
    wait_for(lambda: metric(hub, 'hub_schedule_runs_total{schedule="front"}') >= 2, "it does not run")
    assert metric(hub, 'hub_schedule_failures_total{schedule="front"}') == 0
    assert metric(hub, 'hub_schedule_next_time_seconds{schedule="front"}') >= int(time.time()) - 5
    before = hub.json("/v1/status")["cache"]["misses"]
    quote = hub.json("/v1/quotes/OTHER:X")
    assert quote["origin"] == "provider" and quote["age_ms"] < 30_000
    # It was there already: whoever asks does not wait for the vendor.
    assert hub.json("/v1/status")["cache"]["hits"] >= 1 and before >= 2
    assert {(symbol, interval) for symbol, interval, *_ in asked(hub)} == {("OTHER:X", 86400)}


def test_at_a_time_of_day_what_is_missing_is_fetched(start):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=61)
    hub = start(sections=f"""
schedules:
  close: {{ do: backfill, at: "{at:%H:%M}", with: {{ pipeline: test, symbols: ["TEST:A"], intervals: [1d] }} }}
  lists: {{ do: refresh_instruments, every: 1s }}
""")
    due = metric(hub, 'hub_schedule_next_time_seconds{schedule="close"}')
    assert due == int(at.timestamp()) // 60 * 60
    wait_for(lambda: metric(hub, 'hub_schedule_runs_total{schedule="close"}') == 1, "it does not run", 120)
    assert metric(hub, 'hub_schedule_last_time_seconds{schedule="close"}') == due
    assert metric(hub, 'hub_schedule_next_time_seconds{schedule="close"}') == due + 86_400
    assert {(symbol, interval) for symbol, interval, *_ in asked(hub)} == {("TEST:A", 86400)}
    assert [job["state"] for job in jobs(hub)] == ["done"]
    assert len(bars(hub, "TEST:A", "1d")) >= 3
    # Nobody has a list: that is said once, however often it is tried.
    assert metric(hub, 'hub_schedule_failures_total{schedule="lists"}') >= 5
    assert hub.tail(1000).count("no provider has a list of instruments") == 1


def test_wrong_schedules_are_told_with_their_places_and_cures(tmp_path):
    (tmp_path / "hub.yaml").write_text("""
providers: { sim: { plugin: simulator } }
pipelines:
  demo: { from: [sim], instruments: ["SIM:A"], bars: [1m], backfill: { from: [sim], history: { 7m: 1d, 1m: forever } } }
schedules:
  both: { do: warm, at: "08:30", every: 10s }
  none: { do: warm }
  zone: { do: warm, at: "08:30", zone: Asia/Culcutta2 }
  days: { do: warm, at: "08:30", days: trading }
  open: { do: warm, every: 10s, when: open }
  pipe: { do: backfill, at: "8:30", with: { pipeline: dem } }
  save: { do: backup, at: "08:30" }
  word: { do: dance, at: "08:30" }
""")
    answer = run("check", "hub.yaml", cwd=tmp_path)
    said = answer.stdout + answer.stderr
    assert answer.returncode != 0
    for text in (
        "hub.yaml:6:34: error: schedules.both.every: has both 'at' and 'every'",
        "hub.yaml:7:3: error: schedules.none: needs 'at' (a time of day) or 'every' (a duration)",
        "there is no time zone 'Asia/Culcutta2'; expected a name such as Asia/Kolkata",
        "schedules.days.days: 'trading' needs a 'venue'", "schedules.open.when: 'open' needs a 'venue'",
        "schedules.pipe.at: expected a time of day", "there is no pipeline 'dem'; did you mean 'demo'?",
        "'backup' comes with a later version of the hub", "schedules.word.do: expected one of",
        "'7m' is no interval", "history.1m: expected a distance back", "'sim' is simulated: what it makes up",
    ):
        assert text in said, f"{text}\n\n{said}"


def test_a_price_from_before_the_last_session_is_asked_for_once_at_the_start(start, tmp_path):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "control").write_text("down")
    hub = start()
    old = int((time.time() - 3 * 86_400) * 1e6)
    trade = {"type": "trade", "symbol": "TEST:A", "time": old, "price": 55, "size": 1}
    taken = requests.post(hub.url + "/v1/imports", data=json.dumps(trade) + "\n", timeout=60)
    assert taken.status_code == 200 and taken.json()["accepted"] == 1, taken.text
    wait_for(lambda: hub.json("/v1/quotes/TEST:A")["last"] == 55, "the price of the import is not there")
    made = hub.json("/v1/bars/TEST:A", interval="1m", **{"from": "-5d"})["data"]
    assert hub.stop() == 0
    hub.start()
    wait_for(lambda: hub.json("/v1/quotes/TEST:A")["last"] == 101.5, "the old price stands")
    ticks = hub.json("/v1/events", symbols="TEST:*", types="tick")["data"]
    assert [(tick["symbol"], tick["source"], tick["flags"]) for tick in ticks] == [
        ("TEST:A", "acme", ["snapshot", "backfilled"])]
    # It is the newest price, and part of no bar.
    assert hub.json("/v1/bars/TEST:A", interval="1m", forming="true", **{"from": "-5d"})["data"] == made
    assert hub.stop() == 0
    hub.start()
    wait_for(lambda: hub.json("/v1/quotes/TEST:A")["last"] == 101.5, "no price")
    time.sleep(4)
    assert len(hub.json("/v1/events", symbols="TEST:*", types="tick")["data"]) == 1
