"""Bars in bulk: what was missing filled in, the regular session alone, and what was known at a cursor; each against an
independent computation."""

import datetime
import gzip
import os
import random
import socket
import threading
import time
import zoneinfo

import pytest
import requests

from hubprocess import run

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
MINUTE = 60_000_000
CONFIGURATION = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data }}
providers:
  tape:
    plugin: replay
    settings: {{ speed: max, files: [{{ path: "{path}", symbol: "ARCA:SPY", kind: trade }}] }}
pipelines:
  tape: {{ from: [tape], instruments: ["ARCA:SPY"], bars: {{ intervals: [1s, 1m, 5m, 1h, 1d], session: SESSION }} }}
"""


def random_trades(path):
    """Three dates of a share, a weekend between two of them: before the opening, inside and after; minutes are missing."""
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 32)))
    print(f"HUB_SEED={seed}")
    draw = random.Random(seed)
    lines, price = ["ts_event_ns,price,size,exchange,condition,suspicious"], 16700
    for day in (4, 7, 8):
        time = local(2013, 10, day, 8) * 1000
        while time < local(2013, 10, day, 17, 30) * 1000:
            price += draw.randint(-3, 3)
            lines.append(f"{time},{price / 100},{draw.randint(1, 9) * 100},P,0,0")
            time += draw.choice([0, 1, 10**9, 7 * 10**9, 45 * 10**9, 200 * 10**9]) + draw.randrange(10**6)
    path.write_text("\n".join(lines) + "\n")
    return path


def local(year, month, day, hour, minute=0):
    """Microseconds of a time in New York."""
    return int(datetime.datetime(year, month, day, hour, minute, tzinfo=NEW_YORK).timestamp()) * 1_000_000


def stretches(times):
    """The stretches of each date in which a US share trades: 04:00 to 20:00, on weekdays; none of these is a holiday."""
    first = datetime.datetime.fromtimestamp(min(times) / 1e6, NEW_YORK).date()
    last = datetime.datetime.fromtimestamp(max(times) / 1e6, NEW_YORK).date()
    while first <= last:
        if first.weekday() < 5:
            yield local(first.year, first.month, first.day, 4), local(first.year, first.month, first.day, 20)
        first += datetime.timedelta(days=1)


@pytest.fixture
def trades(tmp_path):
    return random_trades(tmp_path / "trades.csv")


def played(start_hub, trades, session="all"):
    configuration = CONFIGURATION.format(path=trades).replace("SESSION", session)
    hub = start_hub(configuration, "--exit-when-done", wait=False)
    assert hub.wait_end(120) == 0, hub.tail()
    return hub.start()


def strip(row):
    return {name: row[name] for name in ("time", "open", "high", "low", "close", "volume", "count")}


def filled(bars, step, start, end):
    """Every open inside the sessions from the first bar on, each missing one repeating the last close."""
    by_time = {bar["time"]: strip(bar) for bar in bars}
    result, last = [], None
    for opening, closing in stretches([start, end]):
        for time in range(opening, closing, step):
            if time in by_time:
                last = by_time[time]
                result.append((last, "bar"))
            elif last is not None and start <= time and time + step <= end:
                close = last["close"]
                result.append(({"time": time, "open": close, "high": close, "low": close, "close": close,
                                "volume": 0, "count": 0}, "filled"))
    return result


def test_missing_bars_repeat_the_last_close_inside_the_sessions_and_nowhere_else(start_hub, trades):
    hub = played(start_hub, trades)
    last_trade = max(int(line.split(",")[0]) for line in trades.read_text().splitlines()[1:]) // 1000
    for interval, step in (("5s", 5_000_000), ("1m", MINUTE)):
        bars = hub.json("/v1/bars/ARCA:SPY", interval=interval, limit=100000)["data"]
        expected = filled(bars, step, bars[0]["time"], last_trade)
        assert any(kind == "filled" for _, kind in expected)
        answer = hub.json("/v1/bars/ARCA:SPY", interval=interval, fill="previous", limit=100000)["data"]
        assert [strip(row) for row in answer] == [row for row, _ in expected]
        assert all((row["state"] == "filled") == (kind == "filled") for row, (_, kind) in zip(answer, expected))
        assert all(row["vwap"] is None for row in answer if row["state"] == "filled")
        # The newest so many are the end of the same list; pages from the first on make up the whole of it.
        newest = hub.json("/v1/bars/ARCA:SPY", interval=interval, fill="previous", limit=17)["data"]
        assert newest == answer[-17:]
        joined, token = [], None
        while True:
            query = {"interval": interval, "fill": "previous", "limit": 1009, "from": bars[0]["time"]}
            page = hub.json("/v1/bars/ARCA:SPY", **query, **({"cursor": token} if token else {}))
            joined += page["data"]
            token = page["meta"].get("next")
            if not token:
                break
        assert [strip(row) for row in joined] == [strip(row) for row in answer]
    # In front of the first bar there is nothing to repeat; in the middle the bar before the range is repeated.
    early = hub.json("/v1/bars/ARCA:SPY", interval="5s", fill="previous", limit=100000, **{"from": "2013-10-01"})["data"]
    whole = hub.json("/v1/bars/ARCA:SPY", interval="5s", fill="previous", limit=100000)["data"]
    assert early == whole
    gap = next(i for i, row in enumerate(whole) if row["state"] == "filled")
    inside = hub.json("/v1/bars/ARCA:SPY", interval="5s", fill="previous", limit=5, **{"from": whole[gap]["time"]})
    assert inside["data"] == whole[gap:gap + 5]


@pytest.mark.parametrize("default", ["all", "regular"])
def test_the_regular_session_is_computed_from_what_was_traded_inside_it(start_hub, trades, default):
    hub = played(start_hub, trades, default)
    minutes = hub.json("/v1/bars/ARCA:SPY", interval="1m", session="all", limit=100000)
    assert minutes["meta"]["session"] == "all"
    regular_hours = [(local(2013, 10, day, 9, 30), local(2013, 10, day, 16)) for day in (4, 7, 8)]

    def is_inside(time):
        return any(opening <= time < closing for opening, closing in regular_hours)

    inside = [bar for bar in minutes["data"] if is_inside(bar["time"])]
    assert 0 < len(inside) < len(minutes["data"])
    regular = hub.json("/v1/bars/ARCA:SPY", interval="1m", session="regular", limit=100000)
    assert regular["meta"]["session"] == "regular"
    assert regular["data"] == inside
    assert hub.json("/v1/bars/ARCA:SPY", interval="1m", limit=100000)["meta"]["session"] == default
    # Hours begin at 09:00 and half of the first one is before the opening; a day has all of its early trades.
    for interval in ("1h", "1d"):
        groups = {}
        for bar in inside:
            date = datetime.datetime.fromtimestamp(bar["time"] / 1e6, NEW_YORK)
            anchor = local(date.year, date.month, date.day, 4)
            hour = anchor + (bar["time"] - anchor) // (60 * MINUTE) * 60 * MINUTE
            day = int(datetime.datetime(date.year, date.month, date.day, tzinfo=datetime.timezone.utc).timestamp())
            groups.setdefault(hour if interval == "1h" else day * 1_000_000, []).append(bar)
        rows_ = hub.json("/v1/bars/ARCA:SPY", interval=interval, session="regular")["data"]
        assert [row["time"] for row in rows_] == sorted(groups)
        for row in rows_:
            bars = groups[row["time"]]
            assert row["open"] == bars[0]["open"] and row["close"] == bars[-1]["close"]
            assert row["high"] == max(bar["high"] for bar in bars)
            assert row["low"] == min(bar["low"] for bar in bars)
            assert row["volume"] == sum(bar["volume"] for bar in bars)
            assert row["count"] == sum(bar["count"] for bar in bars)
        pages = hub.json("/v1/bars/ARCA:SPY", interval=interval, session="regular", limit=2)["data"]
        assert pages == rows_[-2:]
    monday = local(2013, 10, 7, 0)
    for interval, parts in (
        ("1w", {"2013-09-30": [bar for bar in inside if bar["time"] < monday],
                "2013-10-07": [bar for bar in inside if bar["time"] >= monday]}),
        ("1M", {"2013-10-01": inside}),
    ):
        longer = hub.json("/v1/bars/ARCA:SPY", interval=interval, session="regular")["data"]
        assert {row["date"]: row["volume"] for row in longer} == {
            date: sum(bar["volume"] for bar in bars) for date, bars in parts.items()}
        assert [row["close"] for row in longer] == [bars[-1]["close"] for bars in parts.values()]
    both = hub.json("/v1/bars/ARCA:SPY", interval="1m", session="regular", fill="previous", limit=100000)["data"]
    expected = [time for opening, closing in regular_hours for time in range(opening, closing, MINUTE)]
    assert [row["time"] for row in both] == [time for time in expected if time >= inside[0]["time"]]


def test_bars_and_events_as_of_a_cursor_are_those_known_then(start_hub, trades):
    hub = played(start_hub, trades)
    head = hub.json("/v1/status")["hub"]["head"]
    epoch = hub.json("/v1/status")["hub"]["epoch"]
    bars = [event for event, _ in hub.events(types="bar:1m", symbols="ARCA:SPY", after=0, limit=50000)]
    for seq in (1, head // 3, head // 2, head):
        newest = {}
        for bar in bars:
            if bar["seq"] <= seq:
                newest[bar["time"]] = bar
        answer = hub.json("/v1/bars/ARCA:SPY", interval="1m", as_of=f"{epoch}.{seq}", limit=100000, forming="false")
        assert answer["meta"]["as_of"] == f"{epoch}.{seq}"
        assert [strip(row) for row in answer["data"]] == [strip(newest[time]) for time in sorted(newest)]
        events = hub.json("/v1/events", types="trade", as_of=f"{epoch}.{seq}", limit=10)["data"]
        assert all(event["seq"] <= seq for event in events)
        trades = hub.json("/v1/trades/ARCA:SPY", as_of='{"after":%d}' % seq, limit=10)["data"]
        assert trades == events
    ahead = hub.get("/v1/bars/ARCA:SPY", as_of=f"{epoch}.{head + 1}")
    assert (ahead.status_code, ahead.json()["code"]) == (410, "cursor_ahead")
    unknown = hub.get("/v1/events", as_of="0123456789abcdef.1")
    assert (unknown.status_code, unknown.json()["code"]) == (410, "epoch_unknown")
    assert hub.get("/v1/events", as_of="yesterday").json()["code"] == "bad_cursor"


def in_force(events, at):
    known = [event for event in events if event["time"] <= at]
    return max(known, key=lambda event: (event["time"], event["seq"])) if known else None


@pytest.mark.parametrize("kind", ["trade", "bar:1m", "bar:5m"])
def test_asof_gives_the_newest_event_at_or_before_each_time(start_hub, trades, kind):
    hub = played(start_hub, trades)
    head, epoch = (hub.json("/v1/status")["hub"][name] for name in ("head", "epoch"))
    events = [event for event, _ in hub.events(types=kind, symbols="ARCA:SPY", after=0, limit=50000)]
    draw = random.Random(7)
    first, last = events[0]["time"], events[-1]["time"]
    times = [draw.randrange(first - MINUTE, last + MINUTE) for _ in range(200)]
    times += [event["time"] for event in draw.sample(events, 20)] + [first - 1, last, last + 10**13]
    draw.shuffle(times)
    parameters = {"times": ",".join(map(str, times))}
    if kind != "trade":
        parameters["type"] = kind
    answer = hub.json("/v1/asof", symbol="ARCA:SPY", **parameters)
    assert [row["at"] for row in answer["data"]] == times
    for row in answer["data"]:
        assert row["event"] == in_force(events, row["at"]), row["at"]
    # As it was known earlier, and for several instruments.
    seq = head * 2 // 3
    then = hub.json("/v1/asof", symbols="ARCA:*", as_of=f"{epoch}.{seq}", **parameters)
    known = [event for event in events if event["seq"] <= seq]
    for row in then["data"]:
        assert (row["symbol"], row["event"]) == ("ARCA:SPY", in_force(known, row["at"]))
    for wrong, code in (
        ({}, "bad_parameter"), ({"times": "1700000000"}, "bad_time"), ({"times": "now", "type": "x"}, "bad_parameter"),
    ):
        response = hub.get("/v1/asof", symbol="ARCA:SPY", **wrong)
        assert (response.status_code, response.json()["code"]) == (400, code)
    assert hub.get("/v1/asof", symbol="ARCA:NOBODY", times="now").json()["code"] == "unknown_symbol"


SIMULATED = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  sim:
    plugin: simulator
    settings: { seed: 11, rate: 50, history: 3d, kinds: [trade, quote], instruments: {
      "SIM:A": {price: 10}, "SIM:B": {price: 20, volatility: 0.9}, "SIM:C": {price: 3000}, "OTHER:D": {price: 5} } }
pipelines:
  demo: { from: [sim], instruments: ["SIM:A", "SIM:B", "SIM:C", "OTHER:D"], bars: [1m, 1d] }
"""


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("did not come about")


def test_movers_are_the_quotes_in_the_order_of_their_change_or_volume(start_hub):
    hub = start_hub(SIMULATED)
    symbols = ["SIM:A", "SIM:B", "SIM:C", "OTHER:D"]
    wait_for(lambda: len([q for q in hub.json("/v1/quotes", symbols="*")["data"] if q["change_percent"]]) == 4)
    for by, key in (
        ("gainers", lambda q: -q["change_percent"]), ("losers", lambda q: q["change_percent"]),
        ("active", lambda q: -q["volume"]),
    ):
        answer = hub.json("/v1/movers", by=by)["data"]
        assert [row["rank"] for row in answer] == list(range(1, len(answer) + 1))
        assert [key(row) for row in answer] == sorted(key(row) for row in answer)
        assert {row["symbol"] for row in answer} <= set(symbols)
    rising = hub.json("/v1/movers")["data"]
    falling = hub.json("/v1/movers", by="losers")["data"]
    assert all(row["change_percent"] > 0 for row in rising) and all(row["change_percent"] < 0 for row in falling)
    active = hub.json("/v1/movers", by="active", limit=2)
    assert len(active["data"]) == 2 and active["meta"]["next"]
    rest = hub.json("/v1/movers", by="active", limit=2, cursor=active["meta"]["next"])["data"]
    assert [row["rank"] for row in active["data"] + rest] == [1, 2, 3, 4]
    assert {row["symbol"] for row in hub.json("/v1/movers", by="active", venue="OTHER")["data"]} == {"OTHER:D"}
    assert hub.get("/v1/movers", by="loosers").json()["errors"][0]["parameter"] == "by"


def test_coverage_counts_what_asking_for_its_range_gives(start_hub, trades):
    hub = played(start_hub, trades)
    found = hub.json("/v1/quality/coverage", symbols="ARCA:*")["data"]
    assert {(row["type"], row.get("interval")) for row in found} == {
        ("trade", None), ("bar", "1s"), ("bar", "1m"), ("bar", "5m"), ("bar", "1h"), ("bar", "1d")}
    for row in found:
        assert row["complete"] is True and row["symbol"] == "ARCA:SPY"
        span = {"from": row["from"], "to": row["to"], "limit": 50000}
        if row["type"] == "trade":
            assert len([0 for _ in hub.events(types="trade", **span)]) == row["count"]
            assert "expected" not in row
            continue
        bars = hub.json("/v1/bars/ARCA:SPY", interval=row["interval"], **span)["data"]
        assert len(bars) == row["count"]
        assert row["from"] == bars[0]["time"]
        step = {"1s": 10**6, "1m": MINUTE, "5m": 5 * MINUTE, "1h": 60 * MINUTE}.get(row["interval"])
        if step:
            opens = [t for a, b in stretches([row["from"], row["to"]]) for t in range(a, b, step)]
            assert row["expected"] == len([t for t in opens if row["from"] <= t < row["to"]])
        else:
            assert row["expected"] == 3
    hour = {"from": local(2013, 10, 7, 10), "to": local(2013, 10, 7, 11)}
    narrow = hub.json("/v1/quality/coverage", symbols="ARCA:SPY", types="bar:1m", **hour)
    assert len(narrow["data"]) == 1 and narrow["data"][0]["expected"] <= 60
    assert narrow["data"][0]["count"] <= narrow["data"][0]["expected"]


EMPTY = """
hub: { listen: "127.0.0.1:PORT", data: ./data LIMITS }
providers:
  one: { plugin: replay, settings: { speed: max, files: [{ path: one.csv, symbol: "TEST:ONE", kind: trade }] } }
pipelines:
  tape: { from: [one], instruments: ["TEST:ONE", "ARCA:SPY", "NSE:NIFTY 50"], bars: [1m, 5m, 1d] }
"""


def empty(start_hub, tmp_path, limits="", name="hub"):
    """A hub that has nothing of the instruments that are imported."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "one.csv").write_text("ts_event_ns,price,size\n1000000000000000000,1,1\n")
    return start_hub(EMPTY.replace("LIMITS", limits), name=name)


def bring(hub, *arguments):
    return run("import", "--address", hub.url, *map(str, arguments), cwd=hub.folder)


def test_imported_trades_make_the_bars_that_a_replay_makes(start_hub, trades, tmp_path):
    hub = empty(start_hub, tmp_path)
    packed = hub.folder / "trades.csv.gz"
    packed.write_bytes(gzip.compress(trades.read_bytes()))
    done = bring(hub, packed, "--symbol", "ARCA:SPY", "--kind", "trade")
    assert done.returncode == 0, done.stderr + done.stdout
    count = len(trades.read_text().splitlines()) - 1
    assert done.stdout.startswith(f"{count} rows: {count} accepted, 0 dropped (the hub has them), 0 refused; cursor ")
    played_back = played_hub(start_hub, trades)
    span = {"from": "2013-10-01", "to": "2013-10-20", "limit": 50000}
    fields = ("time", "price", "size", "symbol")
    imported = [event for event, _ in hub.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000)]
    expected = [event for event, _ in played_back.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000)]
    assert [[e[f] for f in fields] for e in imported] == [[e[f] for f in fields] for e in expected]
    assert all(event["source"] == "import" and "backfilled" in event["flags"] for event in imported)
    for interval in ("1m", "5m", "1d"):
        ours = hub.json("/v1/bars/ARCA:SPY", interval=interval, **span)["data"]
        theirs = played_back.json("/v1/bars/ARCA:SPY", interval=interval, **span)["data"]
        assert [strip(row) for row in ours] == [strip(row) for row in theirs], interval


def played_hub(start_hub, trades):
    configuration = CONFIGURATION.format(path=trades).replace("SESSION", "all")
    hub = start_hub(configuration, "--exit-when-done", wait=False, name="replayed")
    assert hub.wait_end(120) == 0, hub.tail()
    return hub.start()


def test_a_backfill_shows_in_bars_and_asof_from_its_cursor_on_and_not_before(start_hub, trades, tmp_path):
    lines = trades.read_text().splitlines()
    hub = empty(start_hub, tmp_path)
    for part, rows in (("late", lines[1::2]), ("early", lines[2::2])):
        (hub.folder / f"{part}.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    cursors = []
    for part in ("late", "early"):
        done = bring(hub, f"{part}.csv", "--symbol", "ARCA:SPY", "--kind", "trade")
        assert done.returncode == 0, done.stderr
        cursors.append(done.stdout.split("cursor ")[1].strip())
    before = hub.json("/v1/bars/ARCA:SPY", interval="1m", as_of=cursors[0], limit=50000)["data"]
    after = hub.json("/v1/bars/ARCA:SPY", interval="1m", as_of=cursors[1], limit=50000)["data"]
    assert sum(row["count"] for row in before) == len(lines[1::2])
    assert sum(row["count"] for row in after) == len(lines) - 1
    assert any(row["revision"] > 0 for row in after)
    events = [event for event, _ in hub.events(types="bar:1m", symbols="ARCA:SPY", after=0, limit=50000)]
    for cursor, shown in zip(cursors, (before, after)):
        seq = int(cursor.split(".")[1])
        newest = {}
        for event in events:
            if event["seq"] <= seq:
                newest[event["time"]] = event
        assert [strip(row) for row in shown] == [strip(newest[time]) for time in sorted(newest)]
    at = after[-1]["time"] + MINUTE
    for cursor in cursors:
        seq = int(cursor.split(".")[1])
        row = hub.json("/v1/asof", symbol="ARCA:SPY", times=at, as_of=cursor)["data"][0]
        known = [e for e, _ in hub.events(types="trade", symbols="ARCA:SPY", after=0, before=seq + 1, limit=50000)]
        assert row["event"] == in_force(known, at)


def test_what_is_wrong_with_a_file_is_told_by_line_and_the_rest_is_taken(start_hub, tmp_path):
    hub = empty(start_hub, tmp_path, ", limits: { body_size: 2KiB }")
    rows = [f"{1546400700 + 60 * n}000000000,{n + 1},{n + 2},{n + 1},{n + 1.5},{n}" for n in range(100)]
    rows[10] = rows[10].replace(",11,", ",x,", 1)
    rows[50] = "1546403700000000000,51,40,51,51.5,50"
    (hub.folder / "bars.csv").write_text("ts_open_ns,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    done = bring(hub, "bars.csv", "--symbol", "NSE:NIFTY 50", "--kind", "bar:1m")
    assert done.returncode == 1
    assert "bars.csv:12: column 'open' holds 'x', expected a number" in done.stderr
    assert "bars.csv:52: open 51 and close 51.5 are not within low 51 and high 40" in done.stderr
    assert done.stdout.startswith("100 rows: 98 accepted, 0 dropped (the hub has them), 2 refused")
    shown = hub.json("/v1/bars/NSE:NIFTY 50", interval="1m", **{"from": "2019-01-01", "to": "2019-01-03"})["data"]
    assert len(shown) == 98 and shown[0]["open"] == 1 and shown[-1]["close"] == 100.5
    again = bring(hub, "bars.csv", "--symbol", "NSE:NIFTY 50", "--kind", "bar:1m")
    assert again.stdout.startswith("100 rows: ")
    for arguments, words in (
        (["bars.csv", "--symbol", "NSE:NIFTY 50", "--kind", "trade"], "there is no column 'ts_event_ns' or 'time'"),
        (["bars.csv", "--kind", "bar:1m"], "there is no column 'symbol'"),
        (["bars.csv"], "say with --kind"), (["gone.csv", "--kind", "trade"], "cannot read gone.csv"),
        (["bars.csv", "--kind", "bar:1m", "--symbol", "NSE:X", "--source", "nobody"], "source: expected one or import"),
    ):
        failed = bring(hub, *arguments)
        assert failed.returncode != 0 and words in failed.stderr, failed.stderr
    rest = ["bars.csv", "--kind", "bar:1m", "--symbol", "NSE:X"]
    nobody = run("import", "--address", "127.0.0.1:1", *rest, cwd=hub.folder)
    assert nobody.returncode != 0 and "Start one with 'hub run" in nobody.stderr


def test_events_that_one_hub_wrote_are_taken_in_by_another(start_hub, trades, tmp_path):
    first = played(start_hub, trades)
    lines = [text for _, text in first.events(types="trade,bar:1d", symbols="ARCA:SPY", after=0, limit=50000)]
    hub = empty(start_hub, tmp_path, name="second")
    (hub.folder / "events.ndjson").write_text("\n".join(lines) + "\n")
    done = bring(hub, "events.ndjson")
    assert done.returncode == 0, done.stderr
    fields = ("time", "price", "size")
    theirs = [e for e, _ in first.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000)]
    ours = [e for e, _ in hub.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000)]
    assert [[e[f] for f in fields] for e in ours] == [[e[f] for f in fields] for e in theirs]


def test_the_import_route_refuses_what_it_must(start_hub, tmp_path):
    hub = empty(start_hub, tmp_path, ", limits: { body_size: 2KiB }")
    line = '{"type":"trade","symbol":"ARCA:SPY","time":1736174100123456,"price":1,"size":1}\n'
    url = hub.url + "/v1/imports"
    good = requests.post(url, data=line + "\n{}\n" + line, timeout=10)
    assert good.status_code == 200
    answer = good.json()
    assert (answer["rows"], answer["accepted"], answer["refused"]) == (3, 2, 1)
    assert answer["errors"] == [{"line": 3, "column": 1, "message": "'type' is missing"}]
    assert requests.post(url, data=line * 100, timeout=10).json()["code"] == "request_too_large"
    foreign = requests.post(url, data=line, headers={"Origin": "https://evil.example"}, timeout=10)
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")
    wrong = requests.get(url, timeout=10)
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    other = requests.post(hub.url + "/v1/bars", data=line, timeout=10)
    assert (other.status_code, other.headers["Allow"]) == (405, "GET, HEAD")
    asked = requests.options(
        url, headers={"Origin": hub.url, "Access-Control-Request-Method": "POST"}, timeout=10)
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]


class CuttingProxy:
    """Passes one connection after another on to the hub; those with a limit are cut after so many bytes of answer."""

    def __init__(self, port, limits):
        self.port, self.limits, self.requests = port, list(limits), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        for limit in self.limits:
            client, _ = self.listener.accept()
            with client, socket.create_connection(("127.0.0.1", self.port)) as hub:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += client.recv(65536)
                self.requests.append(request.decode())
                hub.sendall(request)
                hub.settimeout(5)
                left = limit
                while left is None or left > 0:
                    try:
                        piece = hub.recv(65536 if left is None else min(left, 65536))
                    except TimeoutError:
                        break
                    if not piece:
                        break
                    client.sendall(piece)
                    left = None if left is None else left - len(piece)


def test_an_export_that_was_cut_goes_on_where_it_ended(start_hub, trades):
    hub = played(start_hub, trades)
    whole = run("export", "--address", hub.url, "--symbols", "ARCA:SPY", "--types", "trade", "--output", "whole.csv",
                cwd=hub.folder)
    assert whole.returncode == 0, whole.stderr
    expected = (hub.folder / "whole.csv").read_bytes()
    assert len(expected.splitlines()) == len(trades.read_text().splitlines())
    proxy = CuttingProxy(hub.port, [60_000, 50_000, None])
    command = ["export", "--address", proxy.address, "--symbols", "ARCA:SPY", "--types", "trade", "--output", "cut.csv"]
    for _ in range(2):
        cut = run(*command, cwd=hub.folder)
        assert cut.returncode != 0 and "the same command goes on from there" in cut.stderr
        assert not (hub.folder / "cut.csv").exists()
    done = run(*command, cwd=hub.folder)
    assert done.returncode == 0, done.stderr
    assert (hub.folder / "cut.csv").read_bytes() == expected
    assert "Range: bytes=" not in proxy.requests[0]
    starts = [int(request.split("Range: bytes=")[1].split("-")[0]) for request in proxy.requests[1:]]
    assert 0 < starts[0] < 60_000 and starts[0] < starts[1] < len(expected)
    assert sorted(p.name for p in hub.folder.iterdir() if p.name.startswith("cut.csv")) == ["cut.csv"]
    # What came out goes in again elsewhere.
    lines = run("export", "--address", hub.url, "--symbols", "ARCA:SPY", "--types", "trade", cwd=hub.folder)
    assert len(lines.stdout.splitlines()) == len(expected.splitlines()) - 1
    wrong = run("export", "--address", hub.url, "--types", "trades", cwd=hub.folder)
    assert wrong.returncode != 0 and "types:" in wrong.stderr


def test_an_exported_csv_is_imported_as_it_is(start_hub, trades, tmp_path):
    hub = played(start_hub, trades)
    done = run("export", "--address", hub.url, "--types", "trade", "--output", "out.csv", cwd=hub.folder)
    assert done.returncode == 0, done.stderr
    other = empty(start_hub, tmp_path, name="second")
    done = bring(other, hub.folder / "out.csv", "--kind", "trade")
    assert done.returncode == 0, done.stderr
    fields = ("time", "price", "size", "symbol", "venue")
    theirs, ours = ([event for event, _ in h.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000)]
                    for h in (hub, other))
    assert [[e.get(f) for f in fields] for e in ours] == [[e.get(f) for f in fields] for e in theirs]
