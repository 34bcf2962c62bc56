"""Lists as CSV, NDJSON and Arrow; packing, tags, timing: the manners of HTTP answers, as a client sees them."""

import csv
import datetime
import gzip
import io
import json
import socket
import time

import polars
import pyarrow
import pyarrow.ipc
import pytest
import requests

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, log: { slow_request: SLOW, format: json } }
providers:
  simulator: { plugin: simulator, settings: { seed: 5, rate: 500, kinds: [trade, quote, book], history: 2d } }
indicators:
  momentum: { plugin: ta, settings: { outputs: ["sma(3)"], intervals: [1s] } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:ALPHA", "SIM:BETA"], kinds: [trade, quote, book], bars: [1s, 1m, 1d], indicators: [momentum] }
"""


@pytest.fixture
def hub(start_hub):
    hub = start_hub(CONFIGURATION.replace("SLOW", "10s"))
    deadline = time.monotonic() + 20
    for symbol in ("SIM:ALPHA", "SIM:BETA"):
        while len(hub.json(f"/v1/trades/{symbol}", limit=50)["data"]) < 50:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    return hub


def arrow(response) -> pyarrow.Table:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    with pyarrow.ipc.open_stream(response.content) as reader:
        table = reader.read_all()
    table.validate(full=True)
    return table


def rows_of_csv(response):
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def rows_of_ndjson(response):
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def check_row(row, table_row, text_row, columns):
    """One row in three shapes: `row` of JSON, `table_row` of Arrow, `text_row` of CSV."""
    for name in columns:
        value = row.get(name)
        seen, text = table_row[name], text_row[name]
        if value is None:
            assert seen is None and text == "", (name, seen, text)
        elif isinstance(value, list) and all(isinstance(v, str) for v in value):
            assert seen == text == ";".join(value)
        elif isinstance(value, (list, dict)):
            assert json.loads(seen) == json.loads(text) == value
        elif isinstance(seen, datetime.datetime):
            assert round(seen.timestamp() * 1e6) == value == int(text)
        elif isinstance(seen, datetime.date):
            assert seen.isoformat() == value == text
        elif isinstance(value, bool):
            assert seen is value and text == ("true" if value else "false")
        elif isinstance(value, (int, float)):
            assert seen == value == float(text)
        else:
            assert seen == value == text, name


BAR_COLUMNS = ["symbol", "time", "date", "open", "high", "low", "close", "volume", "count", "vwap", "open_interest",
               "state", "revision", "simulated"]


@pytest.mark.parametrize("path, parameters", [
    ("/v1/bars/SIM:ALPHA", dict(interval="1m", **{"from": "-1d"}, limit=900, forming="false")),
    ("/v1/bars", dict(symbols="SIM:*", interval="1m", limit=300, forming="false")),
    ("/v1/bars/SIM:BETA", dict(interval="1d", limit=5, forming="false")),
])
def test_bars_are_the_same_in_every_shape(hub, path, parameters):
    # Bars go on being made: ask until nothing changed between the four answers.
    for _ in range(20):
        page = hub.get(path, **parameters)
        table = arrow(hub.get(path, format="arrow", **parameters))
        text = hub.get(path, format="csv", **parameters)
        lines = rows_of_ndjson(hub.get(path, format="ndjson", **parameters))
        again = hub.get(path, **parameters)
        if page.headers["ETag"] == again.headers["ETag"]:
            break
    rows = page.json()["data"]
    assert len(rows) >= 2 and rows == lines
    assert table.column_names == BAR_COLUMNS == text.text.split("\n")[0].split(",")
    assert table.schema.field("time").type == pyarrow.timestamp("us", tz="UTC")
    symbol = page.json()["meta"].get("symbol")
    for row, seen, line in zip(rows, table.to_pylist(), rows_of_csv(text), strict=True):
        check_row({"symbol": symbol} | row, seen, line, BAR_COLUMNS)
    frame = polars.read_ipc_stream(hub.get(path, format="arrow", **parameters).content)
    assert frame.columns == BAR_COLUMNS and frame.height >= len(rows)


@pytest.mark.parametrize("kind", ["trade", "quote", "book", "bar:1s", "value"])
def test_events_of_one_type_are_the_same_in_every_shape(hub, kind):
    deadline = time.monotonic() + 20
    while not hub.json("/v1/events", types=kind, limit=2)["data"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    head = hub.json("/v1/events", limit=1)["meta"]["seq"]
    parameters = dict(types=kind, after=0, before=head, limit=2000)
    rows = [row for row in hub.json("/v1/events", **parameters)["data"] if row["type"] != "gap"]
    table = arrow(hub.get("/v1/events", format="arrow", **parameters))
    lines = rows_of_csv(hub.get("/v1/events", format="csv", **parameters))
    columns = table.column_names
    assert columns[:8] == ["type", "seq", "symbol", "time", "received", "source", "simulated", "flags"]
    assert all(set(row) <= set(columns) for row in rows)
    for row, seen, line in zip(rows, table.to_pylist(), lines, strict=True):
        check_row(row, seen, line, columns)


def test_lines_of_events_have_the_same_bytes_as_rows_of_a_page(hub):
    head = hub.json("/v1/events", limit=1)["meta"]["seq"]
    from hubprocess import split_objects
    page = hub.get("/v1/events", after=0, before=head, limit=500)
    lines = hub.get("/v1/events", after=0, before=head, limit=500, format="ndjson")
    assert [text for _, text in split_objects(page.text)] == lines.text.splitlines()


def test_accept_chooses_the_shape_and_format_wins(hub):
    path = "/v1/trades/SIM:ALPHA"

    def kind(accept, **parameters):
        return requests.get(hub.url + path, headers={"Accept": accept}, params={"limit": 3} | parameters, timeout=10)

    assert kind("*/*").headers["Content-Type"] == "application/json"
    assert kind("text/html, */*;q=0.1").headers["Content-Type"] == "application/json"
    assert kind("text/csv").headers["Content-Type"].startswith("text/csv")
    assert kind("text/*").headers["Content-Type"].startswith("text/csv")
    assert kind("application/x-ndjson;q=0.9, text/csv;q=0.5").headers["Content-Type"] == "application/x-ndjson"
    assert kind("application/vnd.apache.arrow.stream").headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    assert kind("text/csv", format="json").headers["Content-Type"] == "application/json"
    refused = kind("image/png")
    assert refused.status_code == 406 and refused.json()["code"] == "not_acceptable"
    bad = kind("*/*", format="xlsx")
    assert bad.status_code == 400 and bad.json()["code"] == "bad_parameter"
    assert bad.json()["errors"][0]["parameter"] == "format"
    mixed = hub.get("/v1/events", format="csv")
    assert mixed.status_code == 400 and "types=trade" in mixed.json()["detail"]


def test_pages_of_lists_without_meta_are_walked_by_link(hub):
    head = hub.json("/v1/events", limit=1)["meta"]["seq"]
    url = f"{hub.url}/v1/events?types=trade&after=0&before={head}&limit=100&format=csv"
    expected = rows_of_csv(hub.get("/v1/events", types="trade", after=0, before=head, limit=50000, format="csv"))
    rows = []
    while url:
        response = requests.get(url, timeout=10)
        rows += rows_of_csv(response)
        assert response.headers["X-As-Of"].split(".")[0] == hub.json("/v1/status")["hub"]["epoch"]
        link = response.links.get("next")
        url = requests.compat.urljoin(hub.url, link["url"]) if link else None
    assert rows == expected and len(rows) > 40


def test_instruments_and_quotes_are_tables_too(hub):
    quotes = arrow(hub.get("/v1/quotes", symbols="SIM:*", format="arrow")).to_pylist()
    assert [row["symbol"] for row in quotes] == ["SIM:ALPHA", "SIM:BETA"] and quotes[0]["last"] > 0
    instruments = rows_of_csv(hub.get("/v1/instruments", format="csv"))
    assert [row["symbol"] for row in instruments] == ["SIM:ALPHA", "SIM:BETA"]
    assert "trade;quote;book" in instruments[0]["types"]


def test_times_of_tables_follow_ts(hub):
    def times(**parameters):
        return hub.get("/v1/bars/SIM:ALPHA", interval="1d", limit=2, forming="false", **parameters)

    us = [row["time"] for row in times().json()["data"]]
    for style, unit, scale in (("s", "s", 10**6), ("ms", "ms", 1000), ("us", "us", 1)):
        table = arrow(times(format="arrow", ts=style))
        assert table.schema.field("time").type == pyarrow.timestamp(unit, tz="UTC")
        assert table["time"].cast(pyarrow.int64()).to_pylist() == [t // scale for t in us]
    assert arrow(times(format="arrow", ts="iso")).schema.field("time").type == pyarrow.timestamp("ns", tz="UTC")
    assert [row["time"] for row in rows_of_csv(times(format="csv", ts="ns"))] == [str(t * 1000) for t in us]
    iso = rows_of_csv(times(format="csv", ts="iso"))[0]["time"]
    assert iso.endswith("Z") and '"' not in iso


def raw(hub, path, *headers) -> tuple[bytes, bytes]:
    """A response as it came over the wire: head and body."""
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as s:
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "Connection: close", *headers, "", ""]
        s.sendall("\r\n".join(lines).encode())
        got = b""
        while piece := s.recv(1 << 16):
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        whole = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            length = int(size, 16)
            whole += body[:length]
            body = body[length + 2:]
        body = whole
    return head, body


def test_large_answers_are_packed_when_the_client_can_read_that(hub):
    path = "/v1/bars/SIM:ALPHA?interval=1m&from=-1d&limit=1000&forming=false"
    head, packed = raw(hub, path, "Accept-Encoding: gzip")
    assert b"content-encoding: gzip" in head.lower() and packed[:2] == b"\x1f\x8b"
    head, plain = raw(hub, path)
    assert b"content-encoding" not in head.lower() and b"Accept-Encoding" in head
    assert json.loads(gzip.decompress(packed))["data"] == json.loads(plain)["data"]
    assert len(packed) < len(plain) / 3
    head, _ = raw(hub, path, "Accept-Encoding: gzip;q=0, identity")
    assert b"content-encoding" not in head.lower()
    # Not worth it.
    head, _ = raw(hub, "/healthz", "Accept-Encoding: gzip")
    assert b"content-encoding" not in head.lower()


def test_an_answer_that_did_not_change_is_304(hub):
    day = hub.json("/v1/bars/SIM:ALPHA", interval="1d", limit=2, forming="false")["data"][0]["time"]
    url = f"{hub.url}/v1/bars/SIM:ALPHA?interval=1m&from={day}&to={day + 3_600_000_000}"
    first = requests.get(url, timeout=10)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"') and first.headers["Cache-Control"] == "no-cache"
    # The head has moved on meanwhile, these bars have not.
    seq = first.json()["meta"]["seq"]
    deadline = time.monotonic() + 10
    while hub.json("/v1/bars/SIM:ALPHA", limit=1)["meta"]["seq"] == seq:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    again = requests.get(url, headers={"If-None-Match": tag}, timeout=10)
    assert again.status_code == 304 and not again.content and again.headers["ETag"] == tag
    assert requests.get(url, headers={"If-None-Match": f'"x", {tag}'}, timeout=10).status_code == 304
    assert requests.get(url, headers={"If-None-Match": '"x"'}, timeout=10).status_code == 200
    other = requests.get(url + "&format=csv", headers={"If-None-Match": tag}, timeout=10)
    assert other.status_code == 200 and other.headers["ETag"] != tag


def test_head_has_the_headers_and_no_body(hub):
    for path in ("/v1/bars/SIM:ALPHA?interval=1m&limit=5&forming=false", "/healthz", "/v1/export?types=trade"):
        got = requests.get(hub.url + path, headers={"Accept-Encoding": "identity"}, stream=True, timeout=10)
        head = requests.head(hub.url + path, headers={"Accept-Encoding": "identity"}, timeout=10)
        assert head.status_code == got.status_code == 200 and head.content == b""
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        got.close()


def test_answers_tell_where_their_time_went(hub):
    response = hub.get("/v1/bars/SIM:ALPHA", interval="1m", limit=100)
    parts = dict(part.strip().split(";dur=") for part in response.headers["Server-Timing"].split(","))
    assert set(parts) == {"store", "encode", "total"}
    assert 0 <= float(parts["store"]) <= float(parts["total"])


def test_a_slow_request_is_told_without_secrets(start_hub):
    hub = start_hub(CONFIGURATION.replace("SLOW", "0"), name="slow")
    response = hub.get("/v1/bars/SIM:ALPHA", interval="1m", limit=10)
    requests.get(hub.url + "/v1/quotes?symbols=SIM:ALPHA&api_key=verysecret", timeout=10)
    deadline = time.monotonic() + 10
    while "api_key" not in hub.tail(1000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    log = hub.tail(1000)
    line = next(line for line in log.splitlines() if response.headers["X-Request-Id"] in line)
    assert "slow request" in line and "/v1/bars/" in line and "interval=1m" in line and "200" in line
    assert "verysecret" not in log
