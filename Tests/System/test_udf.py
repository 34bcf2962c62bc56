"""TradingView's Universal Data Feed, asked as the library's adapter asks: the shapes its documentation gives."""

import time

import pytest

HUB = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  simulator:
    plugin: simulator
    settings: { seed: 3, rate: 200, kinds: [trade, quote], history: 2d, instruments: { "SIM:A": { price: 100, tick_size: 0.05, currency: INR } } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A", "SIM:B C"], bars: [5s, 1m, 1h, 1d] }
"""


@pytest.fixture
def hub(start_hub):
    hub = start_hub(HUB)
    deadline = time.monotonic() + 60
    while len(hub.json("/v1/bars/SIM:A", interval="1m", limit=3000)["data"]) < 2800 and time.monotonic() < deadline:
        time.sleep(0.1)
    while not hub.json("/v1/trades/SIM:B C", limit=1)["data"] and time.monotonic() < deadline:
        time.sleep(0.05)
    return hub


def test_configuration_time_and_symbols_have_the_fields_that_charts_read(hub):
    config = hub.json("/udf/config")
    assert config["supports_search"] is True and config["supports_group_request"] is False
    assert config["supports_time"] is True and config["supports_marks"] is True
    assert {"1", "5", "60", "240", "1D", "1W", "1M", "5S"} <= set(config["supported_resolutions"])
    assert {"value": "SIM", "name": "SIM", "desc": "SIM"} in config["exchanges"]
    assert {"name": "All types", "value": ""} in config["symbols_types"]
    assert abs(int(hub.get("/udf/time").text) - time.time()) < 5

    symbol = hub.json("/udf/symbols", symbol="SIM:A")
    assert symbol["ticker"] == "SIM:A" and symbol["name"] == "A"
    assert symbol["session"] == "24x7" and symbol["timezone"] == "Etc/UTC"
    assert (symbol["minmov"], symbol["pricescale"]) == (5, 100)
    assert symbol["has_intraday"] and symbol["has_seconds"] and symbol["has_daily"] and symbol["has_weekly_and_monthly"]
    assert "5" in symbol["supported_resolutions"] and "1S" not in symbol["supported_resolutions"]
    assert symbol["currency_code"] == "INR"
    unknown = hub.json("/udf/symbols", symbol="SIM:NOBODY")
    assert unknown["s"] == "error" and "SIM:NOBODY" in unknown["errmsg"]

    found = hub.json("/udf/search", query="b c", type="", exchange="", limit=30)
    assert [row["ticker"] for row in found] == ["SIM:B C"]
    assert set(found[0]) == {"symbol", "full_name", "description", "exchange", "ticker", "type"}
    assert hub.json("/udf/search", query="", exchange="NSE", limit=30) == []
    assert len(hub.json("/udf/search", query="sim", limit=1)) == 1


def test_history_counts_back_and_says_where_earlier_bars_are(hub):
    bars = hub.json("/v1/bars/SIM:A", interval="1m", limit=3000, forming="false")["data"]
    first, last = bars[0]["time"] // 1_000_000, bars[-1]["time"] // 1_000_000
    history = hub.json("/udf/history", symbol="SIM:A", resolution="1", **{"from": first, "to": last})
    assert history["s"] == "ok"
    assert history["t"] == [bar["time"] // 1_000_000 for bar in bars[:-1]]
    assert history["c"] == [bar["close"] for bar in bars[:-1]]
    assert history["v"] == [bar["volume"] for bar in bars[:-1]]
    assert all(a < b for a, b in zip(history["t"], history["t"][1:]))

    # countback wins over from
    back = hub.json("/udf/history", symbol="SIM:A", resolution="1", countback=300, **{"from": last - 60, "to": last})
    assert back["t"] == history["t"][-300:]
    hours = hub.json("/udf/history", symbol="SIM:A", resolution="60", countback=5, to=last)
    assert len(hours["t"]) == 5 and all(t % 3600 == 0 for t in hours["t"])
    days = hub.json("/udf/history", symbol="SIM:A", resolution="D", countback=5, to=last + 86400 * 400)
    assert days["s"] == "ok" and all(t % 86400 == 0 for t in days["t"])

    # Nothing there: the newest bar before it is named; before the first bar there is none.
    empty = hub.json("/udf/history", symbol="SIM:A", resolution="1D", **{"from": last + 86400 * 30, "to": last + 86400 * 40})
    assert empty == {"s": "no_data", "nextTime": days["t"][-1]}
    before = hub.json("/udf/history", symbol="SIM:A", resolution="1", **{"from": 0, "to": first - 60})
    assert before == {"s": "no_data"}
    assert hub.json("/udf/history", symbol="SIM:A", resolution="1", countback=10, to=first) == {"s": "no_data"}

    # The running bar is the last one.
    now = int(hub.get("/udf/time").text)
    running = hub.json("/udf/history", symbol="SIM:A", resolution="1", countback=2, to=now + 60)
    assert running["t"][-1] >= last

    wrong = hub.json("/udf/history", symbol="SIM:A", resolution="7", **{"from": 0, "to": 1})
    assert wrong["s"] == "error" and "resolution" in wrong["errmsg"]
    assert hub.json("/udf/history", symbol="SIM:A", resolution="1")["s"] == "error"


def test_quotes_answer_each_symbol_and_marks_are_columns(hub):
    quotes = hub.json("/udf/quotes", symbols="SIM:A,SIM:B C,SIM:NOBODY")
    assert quotes["s"] == "ok"
    good, other, unknown = quotes["d"]
    assert good["s"] == "ok" and good["n"] == "SIM:A" and other["s"] == "ok"
    assert {"ch", "chp", "short_name", "exchange", "description", "lp", "ask", "bid", "open_price", "high_price",
            "low_price", "prev_close_price", "volume"} <= set(good["v"])
    assert good["v"]["low_price"] <= good["v"]["lp"] <= good["v"]["high_price"]
    assert unknown["s"] == "error" and unknown["n"] == "SIM:NOBODY"

    hub.kill()
    hub.start()
    now = int(hub.get("/udf/time").text)
    marks = hub.json("/udf/marks", symbol="SIM:A", resolution="1", **{"from": now - 3600, "to": now + 60})
    assert set(marks) == {"id", "time", "color", "text", "label", "labelFontColor", "minSize"}
    assert len({len(column) for column in marks.values()}) == 1
    assert all(t % 60 == 0 for t in marks["time"])
