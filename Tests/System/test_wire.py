"""The doors to one stream: JSON, MessagePack, records, compressed or not, over WebSocket, server-sent events and lines.

What comes through them is the same, to the byte where it is text.
"""

import base64
import json
import os
import pathlib
import re
import socket
import struct
import time
import zlib

import msgpack
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

from hubprocess import ROOT, Hub, split_message

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, heartbeat: 1s }
providers:
  simulator: { plugin: simulator, settings: { seed: 5, rate: 300, kinds: [trade, quote, book], history: 1h } }
indicators:
  momentum: { plugin: ta, settings: { outputs: ["sma(3)", "macd(12,26,9)"], intervals: [1s] } }
pipelines:
  demo:
    from: [simulator]
    instruments: ["SIM:ALPHA", "SIM:BETA", "SIM:GAMMA"]
    kinds: [trade, quote, book]
    bars: [1s, 1m]
    indicators: [momentum]
"""
EVERYTHING = "symbols=*&types=*"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """One for all that do it no harm."""
    hub = Hub(tmp_path_factory.mktemp("wire") / "hub", CONFIGURATION)
    try:
        hub.start()
        wait_for(hub, 2000)
        yield hub
    finally:
        hub.stop()


def wait_for(hub, seq):
    deadline = time.monotonic() + 60
    while hub.json("/v1/status")["hub"]["head"] < seq:
        assert time.monotonic() < deadline, hub.tail()
        time.sleep(0.02)


def is_event(value) -> bool:
    return "seq" in value and "received" in value


def upto(hub, seq, **parameters):
    """The events of /v1/events up to a position, as (value, text)."""
    found = []
    for value, text in hub.events(after=0, limit=5000, **parameters):
        if value["seq"] > seq:
            break
        found.append((value, text))
    return found


def documented_reader():
    """The reader of records in docs/clients.md."""
    text = (ROOT / "docs" / "clients.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "import struct" in block]
    names = {}
    exec(code, names)
    return names["records"]


# ---- reading each of them ---------------------------------------------------------------------------------------------


def open_websocket(hub, parameters, deflate=False, **options):
    address = f"ws://127.0.0.1:{hub.port}/v1/stream?{parameters}"
    return connect(address, max_size=1 << 24, compression="deflate" if deflate else None, **options)


def websocket_texts(hub, parameters, seq, deflate=False, **options):
    with open_websocket(hub, parameters, deflate, **options) as ws:
        while True:
            for value, text in split_message(ws.recv(timeout=20)):
                if is_event(value) and value["seq"] > seq:
                    return
                yield value, text


def lines(hub, path, headers=None, session=requests):
    """Lines of an answer without an end, as they come."""
    with session.get(hub.url + path, stream=True, timeout=20, headers=headers) as answer:
        assert answer.status_code == 200, answer.text
        pending = b""
        for chunk in answer.iter_content(chunk_size=None):
            pending += chunk
            *whole, pending = pending.split(b"\n")
            for line in whole:
                yield line.decode()


def server_sent(hub, parameters, headers=None):
    """(event, id, data) of each server-sent event."""
    fields = {}
    for line in lines(hub, f"/v1/stream/sse?{parameters}", headers):
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "data" in fields:
                yield fields["event"], fields.get("id"), fields["data"]
            fields = {}


# ---- the same everywhere ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["us", "iso"])
def test_an_event_has_the_same_bytes_in_lists_and_through_every_door(hub, style):
    last = hub.json("/v1/status")["hub"]["head"]
    parameters = f"{EVERYTHING}&from=earliest&ts={style}"
    page = [text for _, text in upto(hub, last, symbols="*", types="*", ts=style)]
    assert len(page) == last

    def texts(objects):
        return [text for value, text in objects if is_event(value)]

    assert texts(websocket_texts(hub, parameters, last)) == page
    assert texts(websocket_texts(hub, parameters, last, deflate=True)) == page
    through_lines = []
    for line in lines(hub, f"/v1/stream/ndjson?{parameters}"):
        value = json.loads(line)
        if is_event(value):
            if value["seq"] > last:
                break
            through_lines.append(line)
    assert through_lines == page
    through_events = []
    epoch = hub.json("/v1/status")["hub"]["epoch"]
    for kind, cursor, data in server_sent(hub, parameters):
        value = json.loads(data)
        assert kind == value["type"]
        if is_event(value):
            assert cursor == f"{epoch}.{value['seq']}"
            if value["seq"] > last:
                break
            through_events.append(data)
        else:
            assert cursor == (value["cursor"] if kind == "live" else None)
    assert through_events == page


@pytest.mark.parametrize("deflate", [False, True])
def test_messagepack_holds_the_same_objects_with_the_same_keys_in_the_same_order(hub, deflate):
    last = hub.json("/v1/status")["hub"]["head"]
    page = [value for value, _ in upto(hub, last, symbols="*", types="*")]
    got = []
    with open_websocket(hub, f"{EVERYTHING}&from=earliest&encoding=msgpack&snapshot=true", deflate) as ws:
        while not got or got[-1]["seq"] < last:
            message = ws.recv(timeout=20)
            assert isinstance(message, bytes)
            for value in msgpack.unpackb(message):
                if value["type"] == "hello":
                    assert value["encoding"] == "msgpack"
                if value["type"] == "snapshot":
                    assert all(is_event(event) for event in value["data"])
                if is_event(value):
                    got.append(value)
    got = [value for value in got if value["seq"] <= last]
    assert [json.dumps(value) for value in got] == [json.dumps(value) for value in page]


@pytest.mark.parametrize("deflate", [False, True])
def test_records_say_the_same_and_are_defined_before_they_are_used(hub, deflate):
    last = hub.json("/v1/status")["hub"]["head"]
    page = {value["seq"]: value for value, _ in upto(hub, last, symbols="*", types="*", ts="ns")}
    records = documented_reader()
    streams, values, seqs = {}, {}, []
    with open_websocket(hub, f"{EVERYTHING}&from=earliest&encoding=binary", deflate) as ws:
        while not seqs or seqs[-1] < last:
            message = ws.recv(timeout=20)
            if isinstance(message, str):
                for value, _ in split_message(message):
                    assert not is_event(value)
                    assert value["type"] != "hello" or value["encoding"] == "binary"
                continue
            assert len(message) % 64 == 0
            for head, raw, event in records(message, streams):
                lines, kind, flags, stream, event_time, received, seq = head
                assert len(raw) == lines * 64
                if kind == 129:
                    if raw[32] == 1:
                        streams.setdefault(stream, event)
                    else:
                        values[struct.unpack_from("<I", raw, 36)[0]] = True
                    if seq == 0:
                        continue
                elif stream:
                    assert stream in streams
                    if kind == 6:
                        assert struct.unpack_from("<I", raw, 32)[0] in values
                seqs.append(seq)
                if seq > last:
                    continue
                same = page[seq]
                assert int(same["received"]) == received
                assert same["type"] == {
                    1: "trade", 2: "quote", 3: "tick", 4: "book", 5: "bar", 6: "value", 7: "greeks", 8: "signal",
                    9: "status", 10: "gap", 128: "control", 129: "define"}[kind]
                if kind == 1:
                    price, size, trade_id, _, side = struct.unpack_from("<ddQIB", raw, 32)
                    assert (same["price"], same["size"]) == (price, size)
                    assert same.get("trade_id") == (str(trade_id) if trade_id else None)
                    assert same.get("side") == {0: None, 1: "buy", 2: "sell"}[side]
                    assert (same["symbol"], same["source"]) == (streams[stream]["symbol"], streams[stream]["source"])
                    assert event["price"] == price and event["symbol"] == same["symbol"]
                if kind == 2:
                    bid, bid_size, ask, ask_size = struct.unpack_from("<dddd", raw, 32)
                    assert (same["bid"], same["ask"]) == (bid, ask)
                if kind == 5:
                    interval, state, built, revision, *prices = struct.unpack_from("<IBBHddddd", raw, 32)
                    assert [same[name] for name in ("open", "high", "low", "close", "volume")] == prices
    # Contiguous, as every other reader of everything has them: definitions that are told in passing have no seq.
    assert seqs[:last] == list(range(1, last + 1))


def test_a_reader_of_records_is_told_of_a_stream_when_it_first_gets_something_of_it(hub):
    records = documented_reader()
    streams, defined, used = {}, [], []
    with open_websocket(hub, "encoding=binary") as ws:
        ws.send('{"op":"subscribe","symbols":["SIM:ALPHA"],"types":["trade"]}')
        deadline = time.monotonic() + 20
        while set(used) != {"SIM:ALPHA", "SIM:BETA"} and time.monotonic() < deadline:
            message = ws.recv(timeout=20)
            if isinstance(message, str):
                continue
            for head, raw, event in records(message, streams):
                if head[1] == 129:
                    # It may be told again when the filter has changed.
                    if event["symbol"] not in defined:
                        defined.append(event["symbol"])
                    streams[head[3]] = event
                elif event["symbol"] not in used:
                    used.append(event["symbol"])
                    assert defined == used
                    if used == ["SIM:ALPHA"]:
                        ws.send('{"op":"subscribe","symbols":["SIM:BETA"],"types":["trade"]}')
    assert used == ["SIM:ALPHA", "SIM:BETA"] and defined == used


def test_clients_of_different_doors_share_what_is_sent_and_get_the_same_events(hub):
    first = hub.json("/v1/status")["hub"]["head"]
    target = first + 500
    start = f"symbols=SIM:*&types=trade,quote&from=after:{first}"
    doors = {
        "json": websocket_texts(hub, start, target),
        "again": websocket_texts(hub, start, target),
        "deflated": websocket_texts(hub, start, target, deflate=True),
        "narrow": websocket_texts(
            hub, start, target, extensions=[ClientPerMessageDeflateFactory(server_max_window_bits=9)]),
    }
    got = {name: [text for value, text in door if is_event(value)] for name, door in doors.items()}
    page = [text for _, text in upto(hub, target, symbols="SIM:*", types="trade,quote") if json.loads(text)["seq"] > first]
    for name, texts in got.items():
        assert texts == page, name


# ---- plain HTTP -------------------------------------------------------------------------------------------------------


def test_server_sent_events_that_are_cut_twenty_times_are_complete(hub):
    last_id, got = None, []
    # The first connections read what was, the last ones what happens.
    start = hub.json("/v1/status")["hub"]["head"] - 1200
    for turn in range(20):
        headers = {"Last-Event-ID": last_id} if last_id else None
        wanted = 10 + turn * 7
        # The address says `from` all the while: the header wins.
        for kind, cursor, data in server_sent(hub, f"symbols=SIM:*&types=trade,quote,bar:1s&from=after:{start}", headers):
            if cursor:
                last_id = cursor
            if kind in ("trade", "quote", "bar"):
                got.append(data)
                wanted -= 1
                if wanted == 0:
                    break
    last = json.loads(got[-1])["seq"]
    page = [t for v, t in upto(hub, last, symbols="SIM:*", types="trade,quote,bar:1s") if v["seq"] > start]
    assert got == page


def test_the_last_event_id_may_be_a_parameter_and_must_be_a_cursor(hub):
    status = hub.json("/v1/status")["hub"]
    cursor = f"{status['epoch']}.{status['head'] - 100}"
    for name in ("Last-Event-ID", "last_event_id"):
        for kind, _, data in server_sent(hub, f"symbols=*&types=*&{name}={cursor}&from=earliest"):
            if kind == "subscribed":
                assert json.loads(data)["cursor"] == cursor
                break
    answer = hub.get("/v1/stream/sse?symbols=*&last_event_id=nonsense")
    assert answer.status_code == 400 and answer.json()["code"] == "bad_cursor"
    answer = hub.get(f"/v1/stream/sse?symbols=*&last_event_id={status['epoch']}.999999999999")
    assert answer.status_code == 410 and answer.json()["code"] == "cursor_ahead"


@pytest.mark.parametrize("path,kind", [("/v1/stream/sse", "text/event-stream"), ("/v1/stream/ndjson", "application/x-ndjson")])
def test_what_is_wrong_with_a_request_is_told_before_the_stream_begins(hub, path, kind):
    cases = [
        ("", 400, "bad_parameter"), ("?types=trade", 400, "bad_parameter"), ("?symbols=*&from=yesterdayish", 400, "bad_time"),
        ("?symbols=SIM:NOPE", 400, "nothing_matched"), ("?symbols=*&what=ever", 400, "bad_parameter"),
    ]
    for query, status, code in cases:
        answer = hub.get(path + query)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (query, answer.text)
    foreign = requests.get(hub.url + path + "?symbols=*", headers={"Origin": "https://evil.example"}, timeout=10)
    assert foreign.status_code == 403 and foreign.json()["code"] == "foreign_origin"
    head = requests.head(hub.url + path + "?symbols=*", timeout=10)
    assert head.status_code == 200 and head.headers["Content-Type"] == kind and head.text == ""
    assert requests.post(hub.url + path + "?symbols=*", timeout=10).status_code == 405


def test_a_connection_that_was_used_for_other_requests_can_become_a_stream(hub):
    with requests.Session() as session:
        for _ in range(3):
            assert session.get(hub.url + "/healthz", timeout=10).status_code == 200
        first = next(iter(lines(hub, "/v1/stream/ndjson?symbols=SIM:*", session=session)))
        assert json.loads(first)["type"] == "hello"
    # Asked for behind another request that was not answered yet, on one connection.
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as s:
        s.sendall(
            b"GET /v1/events?symbols=*&limit=2000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"GET /v1/stream/sse?symbols=SIM:*&types=trade HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while b"event: trade" not in got:
            got += s.recv(1 << 16)
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.index(b'"meta":') < got.index(b"text/event-stream") < got.index(b"event: hello")


def test_an_old_client_gets_its_stream_without_chunks(hub):
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as s:
        s.sendall(b"GET /v1/stream/ndjson?symbols=SIM:*&types=trade HTTP/1.0\r\n\r\n")
        got = b""
        while b'"type":"trade"' not in got or not got.endswith(b"\n"):
            got += s.recv(1 << 16)
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert [json.loads(line)["type"] for line in body.splitlines()][:2] == ["hello", "subscribed"]


def test_a_stopping_hub_says_goodbye_over_plain_http_and_ends_the_answer(start_hub):
    hub = start_hub(CONFIGURATION)
    wait_for(hub, 2000)
    last = None
    for kind, _, data in server_sent(hub, "symbols=SIM:*&types=trade"):
        if kind == "live":
            hub.process.terminate()
        last = json.loads(data)
    assert last["type"] == "bye" and last["code"] == "shutdown" and last["retry"] is True and "." in last["cursor"]
    assert hub.process.wait(20) == 0


def test_streams_over_plain_http_count_among_the_connections(start_hub):
    hub = start_hub(CONFIGURATION.replace("heartbeat: 1s", "heartbeat: 1s, limits: { connections: 2 }"))
    with open_websocket(hub, "symbols=SIM:*") as ws, requests.get(
        hub.url + "/v1/stream/ndjson?symbols=SIM:*", stream=True, timeout=10
    ) as answer:
        ws.recv(timeout=10)
        assert answer.status_code == 200
        clients = hub.json("/v1/status")["clients"]
        assert (clients["websocket"], clients["sse"], clients["ndjson"]) == (1, 0, 1)
        refused = hub.get("/v1/stream/sse?symbols=SIM:*")
        assert refused.status_code == 503 and refused.json()["code"] == "overloaded"
        with pytest.raises(InvalidStatus):
            open_websocket(hub, "symbols=SIM:*").__enter__()


@pytest.mark.parametrize("path", ["sse?", "ndjson?", "?encoding=binary&", "?encoding=msgpack&"])
def test_a_client_that_stalls_gets_everything_in_the_end_and_harms_nobody(start_hub, path):
    hub = start_hub(CONFIGURATION.replace("rate: 300", "rate: 20000"))
    wait_for(hub, 2000)
    target = f"/v1/stream/{path}" if "?" != path[0] else f"/v1/stream{path}"
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = "" if path[0] != "?" else (
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n")
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(20)
        s.connect(("127.0.0.1", hub.port))
        s.sendall(f"GET {target}symbols=*&types=* HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n".encode())
        begun = s.recv(2048)
        seen = 0
        for value, _ in websocket_texts(hub, "symbols=SIM:*&types=trade", 1 << 60):
            seen += value["type"] == "trade"
            if seen > 15_000:
                break
        s.settimeout(5)
        got = bytearray(begun)
        # Reads at full speed now: all that was made meanwhile comes, and then `lag` with nothing behind.
        deadline = time.monotonic() + 60
        caught_up = re.compile(rb'"type":"lag"[^}]*"behind":0|\xa4type\xa3lag.{0,60}\xa6behind\x00', re.S)
        position = 0
        while not caught_up.search(got, max(0, position - 200)):
            position = len(got)
            assert time.monotonic() < deadline
            got += s.recv(1 << 20)
    if path == "ndjson?":
        body = b"".join(unchunk(got.partition(b"\r\n\r\n")[2]))
        seqs = [v["seq"] for v in map(json.loads, body.splitlines()[:-1]) if is_event(v)]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) and len(seqs) > 15_000


def unchunk(body):
    at = 0
    while at < len(body):
        end = body.find(b"\r\n", at)
        if end < 0:
            return
        length = int(body[at:end], 16)
        yield bytes(body[end + 2 : end + 2 + length])
        at = end + 4 + length


# ---- encodings and compression ----------------------------------------------------------------------------------------


def test_an_unknown_encoding_is_refused_before_the_upgrade(hub):
    with pytest.raises(InvalidStatus) as refusal:
        open_websocket(hub, "encoding=protobuf").__enter__()
    assert refusal.value.response.status_code == 400
    problem = json.loads(refusal.value.response.body)
    assert problem["code"] == "bad_parameter" and "msgpack" in problem["detail"]


class Raw:
    """A WebSocket by hand, to do what no library does."""

    def __init__(self, hub, extensions=None, path="/v1/stream"):
        self.socket = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{offer}"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.pending = b""
        while b"\r\n\r\n" not in self.pending:
            self.pending += self.socket.recv(4096)
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        self.extensions = fields.get("sec-websocket-extensions")

    def send(self, payload, first=0x81):
        length = len(payload)
        header = bytes([first, 0x80 | length]) if length < 126 else bytes([first, 0xFE]) + struct.pack(">H", length)
        self.socket.sendall(header + b"\0\0\0\0" + payload)

    def take(self, count):
        while len(self.pending) < count:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError
            self.pending += more
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def frame(self):
        first, length = self.take(2)
        if length == 126:
            (length,) = struct.unpack(">H", self.take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.take(8))
        return first, self.take(length)

    def message(self):
        """Whether it is a close frame, was compressed, and the payload."""
        first, payload = self.frame()
        if first & 0x40:
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
        return first & 15 == 8, bool(first & 0x40), payload

    def objects(self):
        return json.loads(self.message()[2])

    def objects_until_closed(self):
        got = []
        while True:
            is_close, _, payload = self.message()
            if is_close:
                return got, struct.unpack(">H", payload[:2])[0]
            got += json.loads(payload)


def deflated(data, bits=-15):
    packer = zlib.compressobj(6, zlib.DEFLATED, bits)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


BOTH = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    "offer,answer",
    [
        ("permessage-deflate", BOTH),
        ("permessage-deflate; client_max_window_bits", BOTH),
        ("permessage-deflate; server_max_window_bits=10; client_max_window_bits=12", BOTH + "; server_max_window_bits=10"),
        ('permessage-deflate; server_max_window_bits="12"', BOTH + "; server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", BOTH),
        ("x-webkit-frame, permessage-deflate; client_no_context_takeover", BOTH),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; surprise", None),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
        ("permessage-bzip2", None),
        (None, None),
    ],
)
def test_compression_is_agreed_on_as_the_rfc_has_it(hub, offer, answer):
    raw = Raw(hub, offer, "/v1/stream?symbols=SIM:*&types=trade")
    assert raw.extensions == answer
    compressed = []
    for _ in range(20):
        _, is_compressed, payload = raw.message()
        json.loads(payload)
        compressed.append(is_compressed)
    # Short ones are not worth it.
    assert any(compressed) == bool(answer)


def test_compressed_messages_of_clients_are_read_whole_and_in_pieces(hub):
    raw = Raw(hub, "permessage-deflate")
    ping = deflated(b'{"op":"ping","id":"packed"}')
    raw.send(ping, 0xC1)
    raw.send(ping[:5], 0x41)
    raw.send(ping[5:], 0x80)
    # With a last block, as some senders do, and the byte that then stands behind it.
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    raw.send(packer.compress(b'{"op":"ping","id":"packed"}') + packer.flush() + b"\0", 0xC1)
    raw.send(b'{"op":"ping","id":"plain"}')
    pongs = []
    while len(pongs) < 4:
        pongs += [o["id"] for o in raw.objects() if o["type"] == "pong"]
    assert pongs == ["packed", "packed", "packed", "plain"]


@pytest.mark.parametrize(
    "frames,code,word",
    [
        ([(0xC1, b"\xff" * 40)], 1007, "bad_message"),
        ([(0xC1, deflated(b" " * 10_000_000))], 1009, "message_too_large"),
        ([(0xC1, deflated(b"x" * 65_537))], 1009, "message_too_large"),
        ([(0x41, deflated(b"{}")), (0xC0, b"")], 1002, "bad_message"),
        ([(0xC9, b"")], 1002, "bad_message"),
        ([(0xA1, b"{}")], 1002, "bad_message"),
    ],
)
def test_what_is_not_compressed_as_agreed_ends_the_connection(hub, frames, code, word):
    raw = Raw(hub, "permessage-deflate")
    for first, payload in frames:
        raw.send(payload, first)
    got, closed = raw.objects_until_closed()
    assert (got[-1]["type"], got[-1]["code"], got[-1]["close_code"], closed) == ("bye", word, code, code)


def test_a_compressed_frame_that_was_not_agreed_on_ends_the_connection(hub):
    raw = Raw(hub)
    raw.send(deflated(b'{"op":"ping"}'), 0xC1)
    got, closed = raw.objects_until_closed()
    assert closed == 1002
