"""A file that the hub has taken in before, whole or in part, is not taken in twice."""

import json
import subprocess
import threading
import time

import requests

from hubprocess import binary

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  one: { plugin: replay, settings: { speed: max, files: [{ path: one.csv, symbol: "TEST:ONE", kind: trade }] } }
pipelines:
  tape: { from: [one], instruments: ["TEST:ONE", "TEST:TWO"], bars: [1m] }
"""
ROWS = 60_000


def started(start_hub, tmp_path):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "one.csv").write_text("ts_event_ns,price,size\n1000000000000000000,1,1\n")
    lines = [f"{1700000000_000000000 + n * 1_000_000},{100 + n % 7},{n + 1}" for n in range(ROWS)]
    (folder / "trades.csv").write_text("ts_event_ns,price,size\n" + "\n".join(lines) + "\n")
    return start_hub(CONFIGURATION)


def command(hub, *more):
    return [binary(), "import", "--address", hub.url, "trades.csv", "--symbol", "TEST:TWO", "--kind", "trade", *more]


def bring(hub, *more):
    done = subprocess.run(command(hub, *more), cwd=hub.folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sizes(hub):
    return [int(e["size"]) for e, _ in hub.events(types="trade", symbols="TEST:TWO", after=0, limit=50000)]


def test_a_file_imported_twice_is_there_once(start_hub, tmp_path):
    hub = started(start_hub, tmp_path)
    assert bring(hub).startswith(f"{ROWS} rows: {ROWS} accepted, 0 dropped")
    hub.kill()
    hub.start()
    assert bring(hub).startswith(f"{ROWS} rows: 0 accepted, {ROWS} dropped")
    assert sizes(hub) == list(range(1, ROWS + 1))
    # One that goes on is another file, and so is the same one for another instrument.
    text = (hub.folder / "trades.csv").read_text()
    (hub.folder / "trades.csv").write_text("\n".join(text.splitlines()[:101]) + "\n")
    assert bring(hub).startswith("100 rows: 100 accepted, 0 dropped")
    assert bring(hub, "--again").startswith("100 rows: 100 accepted, 0 dropped")
    assert len(sizes(hub)) == ROWS + 200


def test_an_import_that_was_cut_is_begun_again_and_nothing_is_missing_or_doubled(start_hub, tmp_path):
    hub = started(start_hub, tmp_path)
    cut = subprocess.Popen(command(hub), cwd=hub.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not hub.json("/v1/trades/TEST:TWO", limit=1)["data"]:
        assert time.monotonic() < deadline and cut.poll() is None
    cut.kill()
    cut.communicate()
    done = bring(hub)
    accepted, dropped = int(done.split()[2]), int(done.split()[4])
    assert accepted + dropped == ROWS and accepted > 0 and dropped > 0
    assert sizes(hub) == list(range(1, ROWS + 1))


def test_rows_of_an_origin_come_in_order_and_once_however_they_are_sent(start_hub, tmp_path):
    hub = started(start_hub, tmp_path)
    url = hub.url + "/v1/imports"

    def send(first, last, **parameters):
        body = "\n".join(json.dumps(
            {"type": "trade", "symbol": "TEST:TWO", "time": 1736174100000000 + n, "price": 1, "size": n})
            for n in range(first, last + 1))
        return requests.post(url, data=body, params={"origin": "mine", "row": first} | parameters, timeout=10)

    assert send(1, 50).json()["accepted"] == 50
    # Another cut of the same rows, and two at once.
    overlapping = send(31, 80).json()
    assert (overlapping["rows"], overlapping["accepted"], overlapping["dropped"]) == (50, 30, 20)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(send(81, 120).json()["accepted"])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0, 0, 0, 40]
    assert sizes(hub) == list(range(1, 121))
    ahead = send(200, 210)
    assert (ahead.status_code, ahead.json()["errors"][0]["message"]) == (400, "expected at most 121, found 200")
    for wrong in ({"origin": "two words"}, {"row": 0}, {"row": None}, {"origin": None}):
        assert send(121, 122, **wrong).json()["code"] == "bad_parameter"
    assert len(sizes(hub)) == 120
