"""Recording of what comes from vendors, and playing it back: `record: true`, `hub record`, `hub replay`."""

import json
import os
import random
import stat
import subprocess

import pytest

from fakes import FakeVendor
from hubprocess import Hub, binary
from test_indian_vendors import UPSTOX, ZERODHA, streamed, until

SEED = os.environ.get("HUB_SEED", str(random.randrange(1 << 30)))

FINNHUB = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
providers:
  finnhub:
    plugin: finnhub
    settings: {{ api_key: {token}, rest_url: "{fake.url}/api/v1", websocket_url: "{fake.websocket_url}" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  us: {{ from: [finnhub], instruments: ["NASDAQ:AAPL", "NASDAQ:MSFT"], kinds: [trade, tick], bars: [1m] }}
"""

TWELVEDATA = """
hub: {{ listen: 127.0.0.1:PORT, data: ./data }}
providers:
  twelvedata:
    plugin: twelvedata
    settings: {{ api_key: {token}, rest_url: "{fake.url}", websocket_url: "{fake.websocket_url}/v1/quotes/price" }}
    backoff: {{ min: 50ms, max: 500ms }}
pipelines:
  us: {{ from: [twelvedata], instruments: ["NASDAQ:AAPL", "CRYPTO:BTCUSD"], kinds: [tick, quote], bars: [1m] }}
"""

VENDORS = {
    "zerodha": (ZERODHA, "NSE:INFY", "faketoken", ["fakekey", "fakesecret", "faketoken"]),
    "upstox": (UPSTOX, "NSE_EQ|INE009A01021", "faketoken", ["faketoken"]),
    "finnhub": (FINNHUB, "AAPL", "fakekey", ["fakekey"]),
    "twelvedata": (TWELVEDATA, "AAPL", "fakekey", ["fakekey"]),
}
KINDS = "trade,tick,quote,book,greeks,status"


def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr + done.stdout[-1000:]
    return done


def records(text: str) -> list[dict]:
    """Lines of events, without what is the journal's: its numbers and its own marks."""
    found = []
    for line in text.splitlines():
        event = json.loads(line)
        if event.get("type") in KINDS.split(","):
            found.append({key: value for key, value in event.items() if key not in ("seq", "flags", "suspect", "late")})
    return found


def same(played: list[dict], journal: list[dict]) -> None:
    """In the journal receive times never go back: one may be that of the record before. They stand for a time that the vendor
    did not give, too."""
    assert len(played) == len(journal), SEED
    for one, other in zip(played, journal):
        assert 0 <= other["received"] - one["received"] < 1_000_000, (one, other, SEED)
        if one["time"] == one["received"]:
            one, other = one | {"time": 0}, other | {"time": other["time"] - other["received"]}
        assert one | {"received": 0} == other | {"received": 0}, SEED


def marked(vendor: str, configuration: str, record: str) -> str:
    return configuration.replace(f"    plugin: {vendor}\n", f"    plugin: {vendor}\n    record: {record}\n")


@pytest.fixture
def recorded(tmp_path, request):
    """A hub that was recorded while a vendor streamed, was cut in the middle of a frame and went on, and has ended."""
    vendor = request.param
    configuration, instrument, token, secrets = VENDORS[vendor]
    with FakeVendor(vendor, "--seed", SEED) as fake:
        hub = Hub(tmp_path, marked(vendor, configuration, "true").format(fake=fake, token=token)).start()
        try:
            fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
            for number in range(30):
                fake.publish({"instrument": instrument, "last": 100 + number / 20, "quantity": 1 + number})
            seen = "types=trade,tick&limit=1000"
            until(lambda: hub.json(f"/v1/events?{seen}")["data"], lambda found: len(found) >= 30)
            first = fake.state()["connections"][0]["number"]
            fake.cut("mid-frame")
            fake.wait(
                lambda state: streamed(state) == 2 and state["connections"][-1]["number"] != first, "a new connection")
            before = len(hub.json(f"/v1/events?{seen}")["data"])
            for number in range(20):
                fake.publish({"instrument": instrument, "last": 200 + number / 20, "quantity": 1 + number})
            until(lambda: hub.json(f"/v1/events?{seen}")["data"], lambda found: len(found) >= before + 20)
            metrics = hub.get("/metrics").text
        finally:
            assert hub.stop() == 0
    data = next(path for path in tmp_path.rglob("captures")).parent
    return vendor, data, secrets, metrics


@pytest.mark.parametrize("recorded", list(VENDORS), indirect=True)
def test_a_recording_played_back_gives_what_the_journal_holds(recorded, tmp_path):
    vendor, data, secrets, metrics = recorded
    journal = records(run("journal", "dump", str(data)).stdout)
    assert len(journal) >= 50
    copy = tmp_path / "copy.hubcap"
    said = run("record", vendor, "--data", str(data), "--output", str(copy)).stdout
    assert str(copy) in said and f"inputs of {vendor}" in said
    played = run("replay", str(copy))
    same(records(played.stdout), journal)
    assert "note:" not in played.stderr, played.stderr
    # Again, and from the hub's own folder.
    assert run("replay", str(copy)).stdout == played.stdout
    assert run("replay", str(data / "captures" / vendor)).stdout == played.stdout
    # Nobody else may read it, and nothing in it is secret.
    files = list((data / "captures" / vendor).iterdir()) + [copy]
    assert len(files) >= 3
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], file
    assert f'hub_provider_recording{{provider="{vendor}"}} 1' in metrics
    assert f'hub_provider_recording_lost_total{{provider="{vendor}"}} 0' in metrics
    # Cut off, it plays as far as it goes, and says where it ends.
    short = tmp_path / "short.hubcap"
    short.write_bytes(copy.read_bytes()[:-7])
    done = run("replay", str(short), code=1)
    assert "ends within a frame" in done.stderr
    assert played.stdout.startswith(done.stdout)


@pytest.mark.parametrize("recorded", ["finnhub"], indirect=True)
def test_a_piece_of_a_recording_and_what_cannot_be_played(recorded, tmp_path):
    vendor, data, _, _ = recorded
    whole = records(run("replay", str(data / "captures" / vendor)).stdout)
    middle = whole[len(whole) // 2]["received"]
    piece = tmp_path / "piece.hubcap"
    run("record", vendor, "--data", str(data), "--from", str(middle), "--output", str(piece))
    assert records(run("replay", str(piece)).stdout) == [event for event in whole if event["received"] >= middle]
    again = run("record", vendor, "--data", str(data), "--output", str(piece), code=1)
    assert "is there already" in again.stderr
    nothing = run("record", vendor, "--data", str(data), "--from", "2100-01-01", "--output", str(tmp_path / "none"), code=1)
    assert "nothing was recorded in that time" in nothing.stderr and "record: true" in nothing.stderr
    unknown = run("record", "nobody", "--data", str(data), "--output", str(tmp_path / "none"), code=1)
    assert "holds no recording" in unknown.stderr
    garbage = tmp_path / "garbage.hubcap"
    garbage.write_bytes(b"no capture at all")
    assert "is no capture" in run("replay", str(garbage), code=1).stderr
    for command in ("record", "replay"):
        assert f"hub {command}" in run(command, "--help").stdout


def test_a_hub_that_was_killed_leaves_a_recording_and_the_next_one_goes_on_beside_it(tmp_path):
    configuration, instrument, token, _ = VENDORS["upstox"]
    captures = tmp_path / "data" / "captures" / "upstox"
    with FakeVendor("upstox", "--seed", SEED) as fake:
        hub = Hub(tmp_path, marked("upstox", configuration, "{{ keep: 1h, max_size: 100MiB }}").format(fake=fake, token=token))
        for turn in range(2):
            hub.start()
            fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
            for number in range(20):
                fake.publish({"instrument": instrument, "last": 100 + turn + number / 20, "quantity": 1 + number})
            # Beside the running hub.
            until(
                lambda: [event for event in records(run("replay", str(captures)).stdout) if event["type"] == "tick"],
                lambda ticks: ticks and ticks[-1]["last"] == 100 + turn + 19 / 20,
            )
            hub.kill()
            fake.wait(lambda state: not state["connections"], "the end of all connections")
    same(records(run("replay", str(captures)).stdout), records(run("journal", "dump", str(tmp_path / "data")).stdout))


def test_a_full_disk_stops_the_recording_and_not_the_feed(tmp_path):
    configuration, instrument, token, _ = VENDORS["finnhub"]
    with FakeVendor("finnhub", "--seed", SEED) as fake:
        hub = Hub(tmp_path, marked("finnhub", configuration, "true").format(fake=fake, token=token))
        # A file stands where the folder of the recording should be.
        captures = tmp_path / "data" / "captures"
        captures.mkdir(parents=True)
        (captures / "finnhub").write_text("in the way")
        hub.start()
        try:
            fake.wait(lambda state: streamed(state) == 2, "two subscriptions")
            fake.publish({"instrument": instrument, "last": 100, "quantity": 1})
            until(lambda: hub.json("/v1/events?types=trade&limit=10")["data"], bool)
            until(lambda: hub.json("/v1/status"), lambda status: "not recorded" in json.dumps(status))
            assert 'hub_provider_recording{provider="finnhub"} 0' in hub.get("/metrics").text
            (captures / "finnhub").unlink()
            until(
                lambda: (
                    fake.publish({"instrument": instrument, "last": 101, "quantity": 1}),
                    hub.get("/metrics").text,
                )[1],
                lambda text: 'hub_provider_recording{provider="finnhub"} 1' in text,
            )
        finally:
            assert hub.stop() == 0
