"""Bulk download: the same bytes each time, gone on with after cuts, in constant memory."""

import gzip
import json
import os
import pathlib
import random
import re
import socket
import time

import pyarrow.ipc
import pytest
import requests

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, retention: { journal_size: 2GiB, min_free: 10MiB } }
providers:
  simulator: { plugin: simulator, settings: { seed: 7, rate: RATE, kinds: [trade, quote], history: 0 } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:ALPHA", "SIM:BETA"], kinds: [trade, quote], bars: [1s] }
"""


def plain(**more):
    return {"Accept-Encoding": "identity"} | more


def wait_for(hub, head):
    deadline = time.monotonic() + 60
    while hub.json("/v1/status")["hub"]["head"] < head:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def hub(start_hub):
    hub = start_hub(CONFIGURATION.replace("RATE", "2000"))
    wait_for(hub, 20_000)
    return hub


@pytest.fixture
def seed():
    seed = int(os.environ.get("HUB_SEED", random.randrange(1 << 32)))
    print(f"HUB_SEED={seed}")
    return random.Random(seed)


def test_lines_of_an_export_are_the_events_byte_for_byte(hub):
    head = hub.json("/v1/status")["hub"]["head"]
    got = requests.get(hub.url + f"/v1/export?before={head}", headers=plain(), timeout=60)
    assert got.headers["Content-Type"] == "application/x-ndjson"
    assert re.fullmatch(r'attachment; filename="hub-export-\d+\.ndjson"', got.headers["Content-Disposition"])
    assert got.headers["Accept-Ranges"] == "bytes" and got.headers["ETag"].startswith('"')
    assert got.text.splitlines() == [text for _, text in hub.events(after=0, before=head, limit=50000)]
    some = requests.get(hub.url + f"/v1/export?before={head}&symbols=SIM:BETA&types=trade", headers=plain(), timeout=60)
    assert some.text.splitlines() == [
        text for _, text in hub.events(after=0, before=head, limit=50000, symbols="SIM:BETA", types="trade")]


def test_tables_have_one_type(hub):
    mixed = hub.get("/v1/export", format="csv")
    assert mixed.status_code == 400 and "types=trade" in mixed.json()["detail"]
    assert hub.get("/v1/export", format="json", types="trade").status_code == 400
    head = hub.json("/v1/status")["hub"]["head"]
    rows = [row for row, _ in hub.events(after=0, before=head, limit=50000, types="trade")]
    table = pyarrow.ipc.open_stream(hub.get("/v1/export", types="trade", before=head, format="arrow").content).read_all()
    table.validate(full=True)
    assert table["seq"].to_pylist() == [row["seq"] for row in rows]
    assert table["price"].to_pylist() == [row["price"] for row in rows]
    lines = hub.get("/v1/export", types="bar:1s", before=head, format="csv").text.splitlines()
    assert lines[0].startswith("type,seq,symbol,time,received,source,") and len(lines) > 5


def read_some(hub, url, headers, count):
    """The beginning of a body, then the connection is cut."""
    with requests.get(hub.url + url, headers=headers, stream=True, timeout=60) as response:
        assert response.status_code in (200, 206), response.text
        got = b""
        for piece in response.iter_content(4096):
            got += piece
            if len(got) >= count:
                break
        return response, got[:count]


@pytest.mark.parametrize("shape", ["ndjson", "csv", "arrow"])
def test_a_download_that_is_cut_goes_on_where_it_was(hub, seed, shape):
    url = f"/v1/export?types=trade&format={shape}"
    for _ in range(4):
        first, got = read_some(hub, url, plain(), seed.randrange(1, 400_000))
        tag, cursor = first.headers["ETag"], first.headers["X-As-Of"]
        # The whole, as of then.
        whole = requests.get(hub.url + url + f"&as_of={cursor}", headers=plain(), timeout=60).content
        assert whole.startswith(got)
        while len(got) < len(whole):
            more = {"Range": f"bytes={len(got)}-", "If-Range": tag}
            response, piece = read_some(hub, url, plain(**more), seed.randrange(1, 900_000))
            assert response.status_code == 206 and response.headers["ETag"] == tag
            assert response.headers["Content-Range"] == f"bytes {len(got)}-{len(whole) - 1}/{len(whole)}"
            assert int(response.headers["Content-Length"]) == len(whole) - len(got)
            got += piece
        assert got == whole
        # Any part of it, and none.
        start = seed.randrange(len(whole))
        end = seed.randrange(start, len(whole))
        part = requests.get(hub.url + url, headers=plain(**{"Range": f"bytes={start}-{end}", "If-Range": tag}), timeout=60)
        assert part.status_code == 206 and part.content == whole[start:end + 1]
        tail = requests.get(hub.url + url, headers=plain(**{"Range": "bytes=-77", "If-Range": tag}), timeout=60)
        assert tail.status_code == 206 and tail.content == whole[-77:]
        beyond = requests.get(
            hub.url + url, headers=plain(**{"Range": f"bytes={len(whole)}-", "If-Range": tag}), timeout=60)
        assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_download_goes_on_after_a_restart_of_the_hub(hub, seed):
    url = "/v1/export?types=trade,quote"
    first, got = read_some(hub, url, plain(), 300_000)
    tag = first.headers["ETag"]
    whole = requests.get(hub.url + url + f"&as_of={first.headers['X-As-Of']}", headers=plain(), timeout=60).content
    hub.kill()
    hub.start()
    rest = requests.get(hub.url + url, headers=plain(**{"Range": f"bytes={len(got)}-", "If-Range": tag}), timeout=60)
    assert rest.status_code == 206 and got + rest.content == whole


def test_a_tag_of_something_else_gives_the_whole(hub):
    url = "/v1/export?types=trade"
    first, _ = read_some(hub, url, plain(), 10)
    tag = first.headers["ETag"]
    for other, condition in ((url + "&format=csv", tag), (url + "&symbols=SIM:BETA", tag), (url, '"x"'),
                             (url, "Sat, 21 Nov 2026 10:00:00 GMT")):
        response, _ = read_some(hub, other, plain(**{"Range": "bytes=5-", "If-Range": condition}), 10)
        assert response.status_code == 200 and "Content-Range" not in response.headers
    # Without a condition: of what there is now.
    part = requests.get(hub.url + url, headers=plain(Range="bytes=0-99"), timeout=60)
    assert part.status_code == 206 and len(part.content) == 100
    several, _ = read_some(hub, url, plain(Range="bytes=0-9,20-29"), 10)
    assert several.status_code == 200
    fixed = hub.url + url + f"&as_of={first.headers['X-As-Of']}"
    tag = requests.get(fixed, headers=plain(), timeout=60).headers["ETag"]
    assert requests.get(fixed, headers=plain(**{"If-None-Match": tag}), timeout=60).status_code == 304


def test_an_export_is_packed_when_asked(hub):
    url = hub.url + "/v1/export?types=trade&before=15000"
    packed = requests.get(url, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=60)
    assert packed.headers["Content-Encoding"] == "gzip"
    body = packed.raw.read(decode_content=False)
    plain_one = requests.get(url, headers=plain(), timeout=60)
    assert gzip.decompress(body) == plain_one.content
    assert packed.headers["ETag"] != plain_one.headers["ETag"]
    # Ranges count the bytes of the text.
    rest = requests.get(url, headers={"Range": "bytes=1000-", "If-Range": packed.headers["ETag"]}, timeout=60)
    assert rest.status_code == 206 and "Content-Encoding" not in rest.headers
    assert rest.content == plain_one.content[1000:]


def memory(hub) -> int:
    """KiB of memory of its own; what the kernel keeps of files is not counted."""
    text = pathlib.Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", text).group(1))


@pytest.mark.parametrize("shape", ["ndjson", "arrow"])
def test_an_export_of_any_length_takes_no_more_memory(start_hub, shape):
    hub = start_hub(CONFIGURATION.replace("RATE", "100000"), name="fast")
    wait_for(hub, 600_000)
    # The same data with hardly anything coming in: what takes memory then is the export and not the rest of the hub.
    assert hub.stop() == 0
    hub.configuration.write_text(hub.configuration.read_text().replace("rate: 100000", "rate: 1"))
    hub.start()
    # Once, so that what stays allocated for good is there.
    requests.get(hub.url + f"/v1/export?types=trade&format={shape}&before=60000", headers=plain(), timeout=60)
    before = memory(hub)
    most, count = 0, 0
    with requests.get(hub.url + f"/v1/export?types=trade&format={shape}", headers=plain(), stream=True, timeout=120) as r:
        for piece in r.iter_content(1 << 20):
            count += len(piece)
            most = max(most, memory(hub))
    assert count > 30_000_000
    assert most < before + 24 * 1024, f"{before} KiB before, {most} KiB at most, {count} bytes"


def test_a_client_that_does_not_read_holds_nothing(start_hub):
    hub = start_hub(CONFIGURATION.replace("RATE", "100000"), name="stalled")
    wait_for(hub, 400_000)
    requests.get(hub.url + "/v1/export?types=trade&before=60000", headers=plain(), timeout=60)
    before = memory(hub)
    sockets = []
    for _ in range(12):
        s = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(b"GET /v1/export?types=trade HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")
        sockets.append(s)
    # Others are served meanwhile, and each stalled one has its slice at most.
    for _ in range(20):
        hub.json("/v1/trades/SIM:ALPHA", limit=1000)
    assert memory(hub) < before + 12 * 6 * 1024
    for s in sockets:
        s.close()


RETAINED = """
hub: { listen: "127.0.0.1:PORT", data: ./data, retention: { journal_size: 4MiB, min_free: 32MiB, books: 1s } }
providers:
  simulator: { plugin: simulator, settings: { seed: 7, rate: 4000, history: 0, kinds: [trade, quote, book] } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A", "SIM:B", "SIM:C"], kinds: [trade, quote, book], bars: [1s] }
"""


@pytest.mark.timeout(300)
def test_what_retention_took_is_told_first_and_the_rest_is_whole(start_hub):
    hub = start_hub(RETAINED, name="retained")
    deadline = time.monotonic() + 120
    while not hub.json("/v1/events", types="book", after=0, limit=1)["meta"]["holes"]:
        assert time.monotonic() < deadline, hub.tail()
        time.sleep(0.2)
    url = hub.url + "/v1/export?types=trade,book"
    while True:
        assert time.monotonic() < deadline, hub.tail()
        try:
            response = requests.get(url, headers=plain(), timeout=60)
        except requests.exceptions.ChunkedEncodingError:
            # Retention took more while it was under way: cut, not silent.
            continue
        rows = [json.loads(line) for line in response.text.splitlines()]
        holes = [row for row in rows if row["type"] == "hole"]
        break
    assert holes and rows[:len(holes)] == holes and holes[0]["types"] == ["book"]
    assert response.headers["X-Holes"].startswith(f"{holes[0]['after']}-{holes[0]['before']} retention")
    trades = [row["seq"] for row in rows if row["type"] == "trade"]
    head = int(response.headers["X-As-Of"].split(".")[1])
    only = requests.get(
        hub.url + f"/v1/export?types=trade&format=csv&before={head + 1}", headers=plain(), timeout=60)
    assert "X-Holes" not in only.headers
    assert [int(line.split(",")[1]) for line in only.text.splitlines()[1:]] == trades
    assert trades == sorted(trades) and trades[0] < holes[0]["before"]
    # Once more was taken, the tag of then stands for nothing that is there.
    tag = response.headers["ETag"]
    while True:
        again = requests.get(url, headers=plain(**{"Range": "bytes=10-", "If-Range": tag}), stream=True, timeout=60)
        status, now = again.status_code, again.headers["ETag"]
        again.close()
        if status == 200:
            break
        assert status == 206 and now == tag
        assert time.monotonic() < deadline + 60, hub.tail()
        time.sleep(0.5)
    assert now != tag
