"""openapi.json and asyncapi.json are true: answers and messages of a running hub are held against them."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

from contract import Contract
from hubprocess import ROOT

HUB = """
hub: { listen: "127.0.0.1:PORT", data: ./data }
providers:
  simulator: { plugin: simulator, settings: { seed: 5, rate: 200, kinds: [trade, quote, book], history: 1d } }
  tape: { plugin: replay, settings: { speed: max, files: [{ path: TAPE, symbol: "ARCA:SPY", kind: trade }] } }
  wave: { plugin: sine, settings: { period: 30, amplitude: 5, rate: 50 } }
indicators:
  momentum: { plugin: ta, settings: { outputs: ["rsi(14)", "macd(12,26,9)"], intervals: [1s] } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A", "SIM:B C"], kinds: [trade, quote, book], bars: [1s, 1m, 1d], indicators: [momentum] }
  tape: { from: [tape], instruments: ["ARCA:SPY"], bars: [1m, 1d] }
  waves: { from: [wave], instruments: ["SIM:SINE"], bars: [1s] }
"""


@pytest.fixture
def hub(start_hub, tmp_path):
    """A hub with everything in its journal: it was killed, and one of its sources does not resume."""
    build, plugins = tmp_path / "c", tmp_path / "hub" / "plugins"
    plugins.mkdir(parents=True)
    shutil.copytree(ROOT / "Examples" / "c-provider", build)
    include = ROOT / "Sources" / "PluginABI" / "include"
    subprocess.run(["make", "-s", "-C", str(build), f"HUB_INCLUDE={include}"], check=True)
    for library in build.glob("*.so"):
        library.rename(plugins / library.name)
    hub = start_hub(HUB.replace("TAPE", str(ROOT / "Examples" / "data" / "spy-trades.csv.gz")))
    wait_for(hub, "/v1/trades/SIM:SINE")
    hub.kill()
    hub.start()
    wait_for(hub, "/v1/events?types=value")
    wait_for(hub, "/v1/events?types=gap")
    return hub


def wait_for(hub, path: str):
    deadline = time.monotonic() + 60
    while not hub.json(path)["data"]:
        assert time.monotonic() < deadline, f"{path} stays empty"
        time.sleep(0.05)


def openapi(hub) -> Contract:
    return Contract(hub.json("/openapi.json"))


REQUESTS = [
    "/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/docs",
    "/v1/errors", "/v1/status", "/v1/status?ts=iso", "/v1/clients",
    "/v1/instruments", "/v1/instruments?query=b&limit=1", "/v1/instruments?type=nonsense", "/v1/instruments/SIM:A",
    "/v1/instruments/NOPE:A", "/v1/instruments/lookup?provider=simulator&id=1", "/v1/instruments/lookup",
    "/v1/quotes?symbols=SIM:*,ARCA:SPY,SIM:NOBODY", "/v1/quotes", "/v1/quotes/SIM:A?ts=ns", "/v1/quotes/SIM:NOBODY",
    "/v1/bars/SIM:A?interval=1m&limit=5", "/v1/bars/SIM:A?interval=1d", "/v1/bars/SIM:A?interval=1w",
    "/v1/bars/SIM:A?interval=7m", "/v1/bars?symbols=*&interval=1m&from=-1h&limit=5", "/v1/bars/SIM:A?fill=previous&limit=5",
    "/v1/bars/SIM:A?session=regular&limit=5",
    "/v1/trades/SIM:A?limit=5", "/v1/trades/ARCA:SPY?limit=5&ts=iso", "/v1/events?limit=500",
    "/v1/events?types=*&limit=500&after=0", "/v1/events?symbols=SIM:*&types=book,quote&limit=50", "/v1/events?types=nonsense",
    "/v1/events?from=now&to=-1h", "/v1/events?cursor=nonsense",
    "/v1/asof?symbol=SIM:A&times=now,-1m,2000-01-01", "/v1/asof", "/v1/movers?by=gainers", "/v1/movers?by=luck",
    "/v1/indicators", "/v1/quality/gaps", "/v1/quality/coverage", "/v1/stream",
    "/v1/export?symbols=ARCA:SPY&types=trade&format=csv", "/v1/export?format=nonsense",
    "/v1/backfills", "/v1/backfills/none", "/v1/profiles/SIM:NOBODY", "/v1/sentiment/SIM:NOBODY",
    "/v1/market/status", "/v1/market/status?venue=NSE", "/v1/market/status?venue=NOWHERE&ts=iso", "/v1/market/calendar",
    "/v1/market/calendar?venue=NSE,FX&from=2025-01-01&to=2025-02-01", "/v1/news?symbols=SIM:NOBODY&limit=0",
    "/udf/config", "/udf/time", "/udf/symbols?symbol=SIM:A", "/udf/symbols?symbol=SIM:NOBODY", "/udf/search?query=a",
    "/udf/history?symbol=SIM:A&resolution=1&countback=10&to=4000000000",
    "/udf/history?symbol=SIM:A&resolution=1&from=0&to=10", "/udf/history", "/udf/marks?symbol=SIM:A&resolution=1",
    "/udf/quotes?symbols=SIM:A,SIM:NOBODY",
]


def test_every_answer_is_as_the_document_says(hub):
    contract = openapi(hub)
    failures = []
    for request in REQUESTS:
        response = hub.get(request)
        try:
            assert response.status_code < 500, f"{request}: {response.status_code} {response.text[:300]}"
            contract.check_answer(request.split("?")[0], response)
        except AssertionError as error:
            failures.append(str(error))
    assert not failures, "\n".join(failures)


def test_every_route_is_in_the_document_and_every_route_of_the_document_exists(hub):
    contract = openapi(hub)
    described = {path for path, methods in contract.document["paths"].items() if "get" in methods}
    for path in described:
        if path == "/v1/backfills/{id}":
            assert hub.get("/v1/backfills/none").json()["code"] == "not_found"
            continue
        if path.startswith("/auth/"):
            # A simulator needs no login.
            assert hub.get(path.replace("{provider}", "none")).json()["code"] in ("not_found", "bad_parameter")
            continue
        response = hub.get(re.sub(r"\{\w+\}", "SIM:A", path), stream=True)
        response.close()
        assert response.status_code not in (404, 405), f"{path} is described and answers {response.status_code}"
    # What the hub counts requests by are its routes.
    for request in REQUESTS:
        hub.get(request)
    routes = set(re.findall(r'hub_http_requests_total{route="([^"]+)"', hub.get("/metrics").text)) - {"none"}
    unknown = {re.sub(r":(\w+)", r"{\1}", route) for route in routes} - set(contract.document["paths"])
    assert not {route for route in unknown if not route.startswith(("/docs/", "/page/"))}, unknown


def test_answers_have_no_fields_that_the_document_does_not_know(hub):
    contract = openapi(hub)
    for event in hub.json("/v1/events", types="*", after=0, limit=5000)["data"]:
        name = event["type"].capitalize() + "Event"
        contract.check(name, event)
        assert not contract.unknown_fields(name, event), event
    for path, name in [("/v1/quotes?symbols=*", "Quote"), ("/v1/instruments", "Instrument"), ("/v1/bars/SIM:A", "BarRow")]:
        for row in hub.json(path)["data"]:
            assert not contract.unknown_fields(name, row), row


def test_every_message_of_the_stream_is_as_asyncapi_says(hub):
    contract = Contract(hub.json("/asyncapi.json"))
    schemas = {
        (schema["properties"].get("type") or {}).get("const"): name
        for name, schema in contract.document["components"]["schemas"].items()
        if "properties" in schema and not name.startswith("Forming") and not name.endswith("Op")
    }
    seen = set()

    def check(message: str):
        for value in json.loads(message):
            kind = "forming" if value.get("state") == "forming" else value["type"]
            name = f"Forming{value['type'].capitalize()}" if kind == "forming" else schemas[kind]
            contract.check(name, value)
            assert not contract.unknown_fields(name, value), value
            if kind not in seen:
                contract.check("StreamObject", value)
            seen.add(kind)

    with hub.websocket() as ws:
        ws.send(json.dumps({
            "op": "subscribe", "id": 1, "symbols": ["*"], "types": ["*", "summary"], "from": {"last": 500}, "snapshot": True,
            "forming": True, "every_ms": 250, "on_slow": "catch_up"}))
        while "subscribed" not in seen:
            check(ws.recv(timeout=20))
        for operation in [
            {"op": "subscribe", "id": 2, "symbols": ["SIM:NOBODY"], "types": ["trade"]},
            {"op": "list", "id": "l"}, {"op": "ping", "id": "p"}, {"op": "nonsense", "id": 3},
            {"op": "unsubscribe", "id": 4, "symbols": ["SIM:A"]},
        ]:
            ws.send(json.dumps(operation))
        wanted = {"hello", "subscribed", "snapshot", "live", "heartbeat", "filter", "pong", "error", "unsubscribed",
                  "trade", "quote", "book", "bar", "value", "control", "gap", "forming", "summary"}
        deadline = time.monotonic() + 30
        while not wanted <= seen and time.monotonic() < deadline:
            check(ws.recv(timeout=20))
        assert wanted <= seen, wanted - seen
    with hub.websocket() as ws:
        ws.send('{"op":"subscribe","symbols":["*"],"types":["*"],"from":"earliest","to":{"seq":100}}')
        while "define" not in seen:
            check(ws.recv(timeout=20))
    with hub.websocket() as ws:
        ws.send('{"op":"subscribe","symbols":["SIM:*"],"types":["trade"],"from":"earliest","to":"now","speed":1}')
        ws.send('{"op":"pause"}')
        ws.send('{"op":"speed","speed":0}')
        ws.send('{"op":"resume"}')
        deadline = time.monotonic() + 30
        while not {"end", "replay"} <= seen:
            assert time.monotonic() < deadline, seen
            check(ws.recv(timeout=20))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_schemathesis_finds_no_answer_that_breaks_the_document(hub, tmp_path):
    """Made-up requests, valid and not, against every route that is asked with GET: no 5xx, and every answer as the document
    says. (Streams never end, and the tool knows no bodies of lines. Profiles, sentiment and news are 501 where no provider offers
    them, as here.)"""
    schemathesis = pathlib.Path(sys.executable).parent / "schemathesis"
    result = subprocess.run(
        [str(schemathesis), "run", hub.url + "/openapi.json", "--checks",
         "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
         "--max-examples", os.environ.get("HUB_SCHEMATHESIS_EXAMPLES", "40"), "--seed", os.environ.get("HUB_SEED", "1"),
         "--exclude-path-regex", "^/v1/(stream|imports|profiles|sentiment|news)", "--request-timeout", "30", "--suppress-health-check", "all",
         "--report", "ndjson", "--report-dir", str(tmp_path)],
        capture_output=True, text=True, timeout=850, cwd=tmp_path)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
