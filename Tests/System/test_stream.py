"""The stream and the routes, as a client sees them."""

import json
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hubprocess import split_message

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, heartbeat: 1s }
providers:
  simulator: { plugin: simulator, settings: { seed: 3, rate: 200, kinds: [trade, quote, book], history: 1d } }
indicators:
  momentum: { plugin: ta, settings: { outputs: ["sma(3)", "macd(12,26,9)"], intervals: [1s] } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:ALPHA", "SIM:BETA"], kinds: [trade, quote, book], bars: [1s, 1m], indicators: [momentum] }
"""


@pytest.fixture
def hub(start_hub):
    hub = start_hub(CONFIGURATION)
    # Both instruments have traded: there is something to ask for.
    for symbol in ("SIM:ALPHA", "SIM:BETA"):
        while not hub.json(f"/v1/trades/{symbol}", limit=1)["data"]:
            time.sleep(0.02)
    return hub


def collect(ws, until, seconds=20):
    """Objects until one satisfies `until`."""
    got = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for value, _ in split_message(ws.recv(timeout=seconds)):
            got.append(value)
            if until(value):
                return got
    raise AssertionError(f"not seen in {seconds} s; last: {got[-3:]}")


def subscribe(ws, **fields):
    ws.send(json.dumps({"op": "subscribe", "id": 1, **fields}))


def test_the_greeting_comes_first_then_the_answer_then_live_once(hub):
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade"])
        got = collect(ws, lambda o: o["type"] == "live")
        assert [o["type"] for o in got[:2]] == ["hello", "subscribed"]
        # What came between the answer and `live` was published in between.
        assert all(o["type"] == "trade" and got[1]["after"] < o["seq"] <= got[-1]["seq"] for o in got[2:-1])
        assert got[0]["api"] == 1 and len(got[0]["epoch"]) == 16
        assert sorted(m["symbol"] for m in got[1]["matched"]) == ["SIM:ALPHA", "SIM:BETA"]
        got = collect(ws, lambda o: o["type"] == "heartbeat")
        assert all(o["type"] in ("trade", "heartbeat") for o in got)


def test_history_and_live_are_one_stream(hub):
    time.sleep(1)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["*"], types=["*"], **{"from": "earliest"})
        got = collect(ws, lambda o: o["type"] == "live")
        live = got[-1]
        got += collect(ws, lambda o: o.get("seq", 0) > live["seq"] + 100 and o["type"] != "live")
        seqs = [o["seq"] for o in got if "seq" in o and o["type"] not in ("live", "hello", "snapshot")]
        assert seqs == list(range(1, len(seqs) + 1))
        assert [o["type"] for o in got].count("live") == 1


def test_a_list_joins_the_stream_without_gap_or_duplicate(hub):
    page = hub.json("/v1/trades/SIM:ALPHA", limit=10)
    last = page["data"][-1]["seq"]
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:ALPHA"], types=["trade"], **{"from": {"cursor": page["meta"]["as_of"]}})
        got = [o for o in collect(ws, lambda o: o["type"] == "trade" and o["seq"] > last) if o["type"] == "trade"]
    following = hub.json("/v1/events", symbols="SIM:ALPHA", types="trade", after=last, limit=len(got))["data"]
    assert following == got


def test_values_name_the_bar_they_come_from(hub):
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:ALPHA"], types=["bar:1s", "value:macd(12,26,9)@1s", "value:sma(3)@1s"])
        got = collect(ws, lambda o: o["type"] == "value" and o.get("ready"), 40)
    bars = {o["seq"] for o in got if o["type"] == "bar"}
    value = got[-1]
    assert value["cause"] in bars or value["cause"] < min(bars)
    assert value["values"]["sma"] is not None if value["name"] == "sma(3)" else True


def test_a_snapshot_is_the_newest_event_of_each_instrument_and_type(hub):
    time.sleep(1)
    with hub.websocket() as ws:
        subscribe(ws, symbols=["SIM:*"], types=["trade", "quote"], snapshot=True)
        got = collect(ws, lambda o: o["type"] == "live")
        snapshot = next(o for o in got if o["type"] == "snapshot")
        keys = {(e["symbol"], e["type"]) for e in snapshot["data"]}
        assert keys == {(s, t) for s in ("SIM:ALPHA", "SIM:BETA") for t in ("trade", "quote")}
        assert all(e["seq"] <= snapshot["seq"] for e in snapshot["data"])


def test_the_short_form_of_the_url_subscribes(hub):
    with hub.websocket("/v1/stream?symbols=SIM:*&types=quote&from=-1m") as ws:
        assert collect(ws, lambda o: o["type"] == "quote")[0]["type"] == "hello"


def test_a_bad_short_form_is_refused_before_the_upgrade(hub):
    with pytest.raises(InvalidStatus) as refusal:
        hub.websocket("/v1/stream?symbols=SIM:*&from=yesterdayish").__enter__()
    assert refusal.value.response.status_code == 400
    assert json.loads(refusal.value.response.body)["code"] in ("bad_time", "bad_parameter")


def test_a_page_of_another_origin_gets_no_stream_and_no_data(hub):
    with pytest.raises(InvalidStatus) as refusal:
        hub.websocket(origin="https://evil.example").__enter__()
    assert refusal.value.response.status_code == 403
    answer = requests.get(hub.url + "/v1/status", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and answer.json()["code"] == "foreign_origin"


def test_garbage_unknown_operations_and_oversized_messages_get_clear_answers(hub):
    with hub.websocket() as ws:
        ws.send('{"op":"dance","id":9}')
        error = collect(ws, lambda o: o["type"] == "error")[-1]
        assert error["code"] == "unknown_op" and error["id"] == 9
        ws.send("{ this is not json")
        assert collect(ws, lambda o: o["type"] in ("error", "bye"))[-1]["code"] == "bad_message"
    with hub.websocket() as ws:
        with pytest.raises(ConnectionClosed) as closed:
            ws.send("x" * 100_000)
            while True:
                ws.recv(timeout=10)
        assert closed.value.rcvd.code == 1009


def test_a_cursor_that_cannot_be_is_an_error_not_silence(hub):
    head = hub.json("/v1/status")["hub"]
    with hub.websocket() as ws:
        subscribe(ws, symbols=["*"], **{"from": {"cursor": f"{head['epoch']}.{head['head'] + 10**9}"}})
        assert collect(ws, lambda o: o["type"] == "error")[-1]["code"] == "cursor_ahead"
        subscribe(ws, symbols=["*"], **{"from": {"cursor": "0123456789abcdef.5"}})
        assert collect(ws, lambda o: o["type"] == "error")[-1]["code"] == "epoch_unknown"


def test_problems_name_code_parameter_and_candidates(hub):
    cases = [
        ("/v1/quotes/SIM:ALPHB", 404, "unknown_symbol"),
        ("/v1/bars/SIM:ALPHA?interval=7m", 400, "bad_interval"),
        ("/v1/bars/SIM:ALPHA?interval=1m&from=2025-01-02&to=2025-01-01", 400, "bad_range"),
        ("/v1/bars/SIM:ALPHA?interval=1m&from=1736174100", 400, "bad_time"),
        ("/v1/trades/SIM:ALPHA?limit=0", 400, "bad_parameter"),
        ("/v1/nothing", 404, "unknown_route"),
        ("/v1/quotes/:::", 400, "bad_symbol"),
    ]
    for path, status, code in cases:
        answer = requests.get(hub.url + path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (path, answer.text)
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
    assert "SIM:ALPHA" in requests.get(hub.url + "/v1/quotes/SIM:ALPHB").text
    assert requests.post(hub.url + "/v1/status").status_code == 405
    assert requests.get(hub.url + "/v1/events?symbols=" + "A" * 70_000).status_code == 414


def test_symbols_are_percent_decoded_and_bare_names_work(hub):
    whole = hub.json("/v1/quotes/SIM%3AALPHA")
    assert whole["symbol"] == "SIM:ALPHA"
    assert hub.json("/v1/quotes/ALPHA")["symbol"] == "SIM:ALPHA"


def test_quotes_bars_and_instruments_of_a_running_simulator(hub):
    time.sleep(1.2)
    quote = hub.json("/v1/quotes/SIM:ALPHA")
    assert quote["simulated"] is True and quote["bid"] < quote["ask"] and quote["origin"] == "live"
    many = hub.json("/v1/quotes", symbols="SIM:ALPHA,SIM:BETA,SIM:NOPE")
    assert [q["symbol"] for q in many["data"]] == ["SIM:ALPHA", "SIM:BETA"]
    assert many["meta"]["not_found"] == ["SIM:NOPE"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        bars = hub.json("/v1/bars/SIM:ALPHA", interval="1m", limit=5000)["data"]
        if len(bars) >= 1440:
            break
        time.sleep(0.2)
    assert len(bars) >= 1440, "a day of seeded bars"
    times = [bar["time"] for bar in bars]
    assert times == sorted(set(times))
    assert bars[-1]["state"] == "forming"
    instruments = hub.json("/v1/instruments", query="alpha")["data"]
    assert [i["symbol"] for i in instruments] == ["SIM:ALPHA"]
    assert hub.json("/v1/instruments/SIM:BETA")["type"] == "simulated"


def test_metrics_are_prometheus_text(hub):
    text = hub.get("/metrics").text
    names = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            names.add(line.split()[2])
        elif line and not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            float(line.rsplit(" ", 1)[1])
            assert any(name.startswith(known) for known in names), line
    assert len(names) > 10


def test_a_stopping_hub_says_goodbye_with_a_cursor(hub):
    with hub.websocket() as ws:
        subscribe(ws, symbols=["*"], types=["trade"])
        collect(ws, lambda o: o["type"] == "live")
        hub.process.terminate()
        bye = collect(ws, lambda o: o["type"] == "bye")[-1]
        assert bye["code"] == "shutdown" and bye["close_code"] == 1001 and "." in bye["cursor"]
    assert hub.process.wait(20) == 0


def test_one_stalled_client_harms_nobody(hub):
    with hub.websocket() as stalled, hub.websocket() as healthy:
        subscribe(stalled, symbols=["*"], types=["*"])
        subscribe(healthy, symbols=["*"], types=["trade"])
        collect(healthy, lambda o: o["type"] == "live")
        seen = 0
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            seen += sum(1 for o, _ in split_message(healthy.recv(timeout=5)) if o["type"] == "trade")
        assert seen > 50
