"""Recorded real trades through replay, bars and back out over HTTP, against an aggregation made here from the file."""

import datetime
import zoneinfo
from fractions import Fraction

import pytest

from realdata import rows, spy_trades

CONFIGURATION = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data }}
providers:
  tape:
    plugin: replay
    settings: {{ speed: max, files: [{{ path: "{path}", symbol: "ARCA:SPY", kind: trade }}] }}
pipelines:
  tape: {{ from: [tape], instruments: ["ARCA:SPY"], bars: [1m, 5m, 1h, 1d] }}
"""

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
SECONDS = {"1m": 60, "5m": 300, "1h": 3600}


def bucket(ns: int, interval: str) -> int:
    """Open of the bar in microseconds: counted from 04:00 New York; for 1d the session date at 00:00 UTC."""
    local = datetime.datetime.fromtimestamp(ns // 10**9, NEW_YORK)
    if interval == "1d":
        return int(datetime.datetime(local.year, local.month, local.day, tzinfo=datetime.timezone.utc).timestamp()) * 10**6
    anchor = int(datetime.datetime(local.year, local.month, local.day, 4, tzinfo=NEW_YORK).timestamp()) * 10**9
    length = SECONDS[interval] * 10**9
    return (anchor + (ns - anchor) // length * length) // 1000


def aggregate(path, interval):
    """Plain and exact: every row counts, open and close in file order, volume as a fraction."""
    bars = {}
    for ns, price, size, _ in rows(path):
        key = bucket(ns, interval)
        price, size = Fraction(price), Fraction(size)
        if key not in bars:
            bars[key] = [price, price, price, price, size, 1]
        else:
            bar = bars[key]
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
            bar[4] += size
            bar[5] += 1
    return bars



@pytest.mark.timeout(300)
def test_bars_of_a_day_of_real_trades_equal_an_independent_aggregation(start_hub):
    path = spy_trades()
    hub = start_hub(CONFIGURATION.format(path=path), "--exit-when-done", wait=False)
    assert hub.wait_end(240) == 0, hub.tail()
    # The second start reads what the first one left behind: nothing is replayed again.
    hub.start()
    for interval in ("1m", "5m", "1h", "1d"):
        expected = aggregate(path, interval)
        answer = hub.json("/v1/bars/ARCA:SPY", interval=interval, limit=100000)
        assert [row["time"] for row in answer["data"]] == sorted(expected), interval
        for row in answer["data"]:
            o, h, l, c, volume, count = expected[row["time"]]
            got = (row["open"], row["high"], row["low"], row["close"], row["volume"], row["count"])
            assert got == (float(o), float(h), float(l), float(c), float(volume), count), (interval, row)
            assert row["state"] in ("closed", "revised")
    if path.name == "spy-trades-20131008.csv.gz":
        assert len(hub.json("/v1/bars/ARCA:SPY", interval="1h")["data"]) == 16
        day = hub.json("/v1/bars/ARCA:SPY", interval="1d")["data"]
        assert [row["time"] for row in day] == [1381190400000000]
        assert day[0]["count"] == 451545


@pytest.mark.timeout(300)
def test_every_row_of_the_file_is_one_trade_in_file_order(start_hub):
    path = spy_trades()
    hub = start_hub(CONFIGURATION.format(path=path), "--exit-when-done", wait=False)
    assert hub.wait_end(240) == 0, hub.tail()
    hub.start()
    expected = [(ns // 1000, float(price), float(size)) for ns, price, size, _ in rows(path)]
    got, last = [], 0
    for event, _ in hub.events(types="trade", symbols="ARCA:SPY", after=0, limit=50000):
        assert event["seq"] > last
        last = event["seq"]
        got.append((event["time"], event["price"], event["size"]))
    assert got == expected
