"""`/v1/clients` tells through which door each client came."""

import time

import requests

CONFIGURATION = """
hub: { listen: "127.0.0.1:PORT", data: ./data, heartbeat: 500ms }
providers:
  simulator: { plugin: simulator, settings: { seed: 3, rate: 50, kinds: [trade], history: 0 } }
pipelines:
  demo: { from: [simulator], instruments: ["SIM:A"], kinds: [trade], bars: [1s] }
"""


def test_each_client_is_listed_with_its_kind(start_hub):
    hub = start_hub(CONFIGURATION)
    query = "?symbols=SIM:*&types=trade"
    with (
        hub.websocket("/v1/stream" + query) as socket,
        requests.get(hub.url + "/v1/stream/sse" + query, stream=True, timeout=30) as events,
        requests.get(hub.url + "/v1/stream/ndjson" + query, stream=True, timeout=30) as lines,
    ):
        socket.recv()
        # An iterator that goes takes its connection with it.
        readers = [events.iter_lines(), lines.iter_lines()]
        assert all(next(reader) for reader in readers)
        deadline = time.monotonic() + 30
        while len(rows := hub.json("/v1/clients")["data"]) < 3:
            assert time.monotonic() < deadline
        assert sorted(row["kind"] for row in rows) == ["ndjson", "sse", "websocket"]
        counts = hub.json("/v1/status")["clients"]
        assert [counts[kind] for kind in ("websocket", "sse", "ndjson")] == [1, 1, 1]
