"""The figures of the README: medians of several runs against a release build, on loopback.

    make bench                 everything (about ten minutes)
    HUB_BENCH_QUICK=1 make bench   one short run of each (two minutes), to see that all of it works
    python Benchmarks/run.py fanout quotes    only these

Fan-out is measured with an epoll client in C. It is looked for as shared/tools/wsload.c beside the checkout; without it
the fan-out figures are left out, and the output says so. Records and MessagePack are read event by event by wireload.c;
attachload.c is many clients that come from somewhere in the past, and checks that each is given just what is its own.
"""

import datetime
import http.client
import json
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests" / "System"))

from hubprocess import Hub, binary  # noqa: E402

QUICK = bool(os.environ.get("HUB_BENCH_QUICK"))
RUNS = 1 if QUICK else 3
SECONDS = 2 if QUICK else int(os.environ.get("HUB_BENCH_SECONDS", "10"))

FEED = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data, retention: {{ journal_size: 2GiB, min_free: 100MiB }} }}
providers:
  simulator: {{ plugin: simulator, settings: {{ seed: 1, rate: {rate}, kinds: [trade], history: 0 }} }}
pipelines:
  bench: {{ from: [simulator], instruments: [{symbols}], bars: [1m] }}
"""
SYMBOLS = ", ".join(f'"SIM:S{i:02}"' for i in range(16))


def report(name: str, value: str, target: str = "") -> None:
    print(f"{name:66} {value:>40}   {target}", flush=True)


def median(values):
    return statistics.median(values)


def load_client(folder: pathlib.Path):
    source = ROOT.parent / "shared" / "tools" / "wsload.c"
    if not source.exists():
        return None
    target = folder / "wsload"
    subprocess.run(["cc", "-O2", "-w", "-o", str(target), str(source)], check=True)
    own_client(folder, "wireload")
    return target


def own_client(folder: pathlib.Path, name: str) -> pathlib.Path:
    """A load client of this folder, compiled."""
    source = pathlib.Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-O2", "-o", str(folder / name), str(source)], check=True)
    return folder / name


def micro(*arguments: str) -> dict:
    program = pathlib.Path(binary()).parent / "hub-bench"
    out = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def abi(folder):
    rates = [micro("abi", "--seconds", str(min(SECONDS, 3)))["records_per_second"] for _ in range(RUNS)]
    report("records across the ABI, batch 256, host checks on", f"{median(rates) / 1e6:.0f} M/s", "target >= 150 M/s")


def sequencer(folder):
    runs = [micro("sequencer", "--seconds", str(SECONDS), "--folder", str(folder / f"seq{i}")) for i in range(RUNS)]
    rates = [run["records_per_second"] for run in runs]
    report(f"sequencer, fold and journal, one core, {SECONDS} s", f"{median(rates) / 1e6:.2f} M/s", "target >= 5 M/s")


def chunks(folder):
    """The day of SPY beside the checkout, as fan-out's client is looked for; without it, made trades."""
    tape = ROOT.parent / "shared" / "data" / "spy-trades-20131008.csv.gz"
    arguments = ["--file", str(tape)] if tape.exists() else []
    what = "SPY, a day" if tape.exists() else "made trades"
    runs = [micro("chunks", "--seconds", str(min(SECONDS, 3)), *arguments) for _ in range(RUNS)]
    first = runs[0]
    report(f"bytes a trade packed, replayed ({what})", f"{first['replayed']['bytes_per_trade']:.2f}", "target <= 4")
    report(f"bytes a trade packed, stamped live within 2 ms ({what})", f"{first['live']['bytes_per_trade']:.2f}")
    report(f"bytes a trade packed, a stream a venue ({what})", f"{first['by_venue']['bytes_per_trade']:.2f}")
    encoded = median([run["replayed"]["encoded_per_second"] for run in runs])
    decoded = median([run["replayed"]["decoded_per_second"] for run in runs])
    report("records packed, one core", f"{encoded / 1e6:.1f} M/s", "target >= 5 M/s")
    report("records unpacked, one core", f"{decoded / 1e6:.1f} M/s", "target >= 10 M/s")


def store(folder):
    for streams in (16, 500):
        runs = [
            micro("store", "--streams", str(streams), "--records", str(1_000_000 if QUICK else 4_000_000),
                  "--folder", str(folder / f"store{streams}-{run}"))
            for run in range(RUNS)
        ]
        packed, read = (
            median([run[key] for run in runs]) for key in ("compacted_per_cpu_second", "read_per_cpu_second"))
        report(f"compaction, {streams} streams, one core", f"{packed / 1e6:.1f} M/s", "target >= 5 M/s")
        report(f"read back out of the store, {streams} streams, one core", f"{read / 1e6:.1f} M/s", "target >= 10 M/s")


def encode(folder):
    runs = [micro("encode", "--seconds", str(min(SECONDS, 3))) for _ in range(RUNS)]
    json_ns, both_ns = (median([run[key] for run in runs]) for key in ("json_ns", "msgpack_ns"))
    report("one trade as JSON; as JSON and MessagePack", f"{json_ns:.0f} ns; {both_ns:.0f} ns")


VENDORS = (
    ("zerodha", "Kite full packets", "kiteconnect", 20),
    ("upstox", "Upstox full-mode updates", "upstox-python-sdk", 2),
    ("finnhub", "Finnhub trades", "json.loads", 3),
    ("twelvedata", "TwelveData prices", "twelvedata", 3),
)


def decode(folder):
    """Vendors' messages through their plugins, and into the journal; beside it what their own Python clients take of the same
    bytes, in processor time of one core each."""
    seconds = str(min(SECONDS, 3))
    ours = [micro("decode", "--seconds", seconds, "--folder", str(folder / f"journal{run}")) for run in range(RUNS)]
    theirs = official_clients(folder, seconds)
    for vendor, what, client, target in VENDORS:
        decoded, journaled = (
            median([run[vendor][way]["per_second"] for run in ours]) / 1e6 for way in ("decoded", "journaled"))
        report(f"{what} decoded, one core", f"{decoded:.1f} M/s", f"target >= {target} M/s")
        report(f"{what} from bytes to journaled events, one core", f"{journaled:.1f} M/s", f"target >= {target} M/s")
        if theirs:
            rate = median([run[vendor] for run in theirs])
            report(f"the same by {client} in Python", f"{rate / 1e3:.0f} k/s", f"{decoded * 1e6 / rate:.0f} times slower")


def official_clients(folder, seconds):
    python = ROOT / ".build-vendors" / "bin" / "python"
    if not python.exists():
        report("the vendors' own clients", "left out", "scripts/install-vendor-sdks installs them")
        return None
    program = pathlib.Path(binary()).parent / "hub-bench"
    subprocess.run([str(program), "decode", "--write", str(folder)], check=True)
    command = [str(python), str(pathlib.Path(__file__).with_name("vendorclients.py")), str(folder), seconds]
    return [json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(RUNS)]


def feed_hub(folder: pathlib.Path, name: str, rate) -> Hub:
    return Hub(folder / name, FEED.format(rate=rate, symbols=SYMBOLS)).start()


SUBSCRIBE = '{"op":"subscribe","id":1,"symbols":["SIM:*"],"types":["trade"]}'


def load_command(client, hub: Hub, encoding: str, connections: int, seconds: float, *more: str):
    return [str(client), "127.0.0.1", str(hub.port), f"/v1/stream?encoding={encoding}", "-n", str(connections),
            "-s", str(seconds), "-w", "3", "-m", SUBSCRIBE, *more]


def counting_command(client, hub: Hub, encoding: str, seconds: float):
    if encoding == "json":
        return load_command(client, hub, encoding, 1, seconds, "-k", '"type":"trade"', "-t", '"received":')
    return [str(client.with_name("wireload")), str(hub.port), f"/v1/stream?encoding={encoding}", encoding, str(seconds),
            "3", SUBSCRIBE]


def load(client, hub: Hub, connections: int, seconds: float, encoding: str = "json") -> dict:
    """One connection is read event by event, with latencies; the others only byte by byte: a client that parses all of
    them (a gigabyte a second) would be what is measured."""
    crowd = None
    if connections > 1:
        crowd = subprocess.Popen(
            load_command(client, hub, encoding, connections - 1, seconds), stdout=subprocess.PIPE, text=True)
    one = subprocess.run(
        counting_command(client, hub, encoding, seconds), capture_output=True, text=True, check=True,
        timeout=seconds + 60)
    result = json.loads(one.stdout)
    if crowd:
        others = json.loads(crowd.communicate(timeout=60)[0])
        # Everybody gets the same bytes: what the crowd got a connection, in the events of the one that was counted.
        share = others["mb_per_s"] / (connections - 1) / max(result["mb_per_s"], 1e-9)
        result["events_per_s"] *= 1 + share * (connections - 1)
        result["failed"] += others["failed"]
    return result


def fan_out_case(folder, client, rate: int, connections: int, encoding: str = "json"):
    results = []
    for run in range(RUNS):
        hub = feed_hub(folder, f"fan{rate}x{connections}-{encoding}-{run}", rate)
        try:
            results.append(load(client, hub, connections, SECONDS, encoding))
        finally:
            hub.stop()
    return {key: median([result[key] for result in results]) for key in ("events_per_s", "p50_us", "p99_us", "failed")}


def fanout(folder):
    client = load_client(folder)
    if client is None:
        report("fan-out", "left out", "no shared/tools/wsload.c beside the checkout")
        return
    for rate, connections, encoding, target in (
        (50_000, 100, "json", "target all delivered, p99 < 5 ms"),
        (50_000, 100, "binary", "target all delivered, p99 < 5 ms"),
        (50_000, 100, "msgpack", "target all delivered"),
        (1_500, 1_000, "json", "target all delivered, p99 < 20 ms"),
        (1_500, 1_000, "binary", "target all delivered, p99 < 20 ms"),
        (50_000, 1, "json", "target p50 <= 150 us, p99 <= 500 us"),
        (50_000, 1, "binary", "target p50 <= 150 us, p99 <= 500 us"),
    ):
        result = fan_out_case(folder, client, rate, connections, encoding)
        offered = rate * connections
        report(
            f"{rate:,} trades/s to {connections:,} clients ({encoding})",
            f"{result['events_per_s'] / offered * 100:.1f} %, p50 {result['p50_us']:.0f} us, p99 {result['p99_us']:.0f} us",
            target)


def ceiling(folder):
    client = load_client(folder)
    if client is None or QUICK:
        return
    for encoding in ("json", "binary"):
        best = 0
        for rate in (60_000, 80_000, 100_000, 125_000, 150_000, 200_000):
            result = fan_out_case(folder, client, rate, 100, encoding)
            if result["events_per_s"] < 0.99 * rate * 100 or result["p99_us"] > 50_000:
                break
            best = rate
        report(
            f"highest rate to 100 clients that holds (p99 < 50 ms, {encoding})",
            f"{best:,} trades/s = {best * 100 / 1e6:.1f} M/s")


def quotes(folder):
    values = []
    for run in range(RUNS):
        hub = feed_hub(folder, f"quotes{run}", 100)
        try:
            time.sleep(1)
            out = subprocess.run(
                ["wrk", "-t1", "-c64", f"-d{SECONDS}s", "--latency", hub.url + "/v1/quotes/SIM:S00"],
                capture_output=True, text=True, check=True).stdout
            assert "Non-2xx" not in out, out
            values.append(float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)))
        finally:
            hub.stop()
    report("/v1/quotes/{symbol}, wrk, 64 connections", f"{median(values):,.0f} requests/s")


def start(folder):
    times = []
    for run in range(max(RUNS, 3)):
        hub = Hub(folder / "start", FEED.format(rate=100, symbols=SYMBOLS))
        begun = time.monotonic()
        hub.start()
        times.append((time.monotonic() - begun) * 1000)
        hub.stop()
    report("start to ready, warm scan cache", f"{median(times[1:]):.0f} ms", "target <= 150 ms")


def memory(folder):
    hub = Hub(folder / "memory", FEED.format(rate=10, symbols='"SIM:ALPHA"')).start()
    try:
        time.sleep(5 if QUICK else 60)
        kib = anonymous_kib(hub)
    finally:
        hub.stop()
    report("RssAnon a minute after ready, simulator alone", f"{kib / 1024:.1f} MiB", "target <= 60 MiB")


TAPE = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data, retention: {{ journal_size: 4GiB, min_free: 100MiB }} }}
providers:
  tape: {{ plugin: replay, settings: {{ speed: max, files: [{files}] }} }}
pipelines:
  tape: {{ from: [tape], instruments: [{symbols}], bars: [1m] }}
"""


def write_trades(path: pathlib.Path, days: int, dice: random.Random) -> None:
    """Two trades in every minute of regular sessions of New York, 390 a day."""
    price = 15_000
    with open(path, "w") as file:
        file.write("ts_event_ns,price,size\n")
        date = datetime.datetime(2025, 1, 6, 14, 30, tzinfo=datetime.timezone.utc)
        for _ in range(days):
            start = int(date.timestamp())
            for minute in range(390):
                for second in (3, 41):
                    price += dice.randint(-7, 7)
                    time_ns = (start + 60 * minute + second) * 1_000_000_000
                    file.write(f"{time_ns},{price / 100:.2f},{dice.randint(1, 900)}\n")
            date += datetime.timedelta(days=3 if date.weekday() == 4 else 1)


def taped_hub(folder: pathlib.Path, name: str, instruments: int, days: int) -> Hub:
    dice = random.Random(11)
    (folder / name).mkdir()
    files = []
    for index in range(instruments):
        path = folder / name / f"{index}.csv"
        write_trades(path, days, dice)
        files.append(f'{{ path: "{path}", symbol: "NASDAQ:B{index:03}", kind: trade }}')
    symbols = ", ".join(f'"NASDAQ:B{index:03}"' for index in range(instruments))
    hub = Hub(folder / name, TAPE.format(files=", ".join(files), symbols=symbols)).start()
    # The last bar closes when the source has ended.
    deadline = time.monotonic() + 300
    while True:
        # Until its first trade an instrument is not known.
        answer = hub.get(
            f"/v1/bars/NASDAQ:B{instruments - 1:03}", interval="1m", limit=100_000, forming="false")
        rows = answer.json().get("data", [])
        if len(rows) == 390 * days:
            return hub
        assert time.monotonic() < deadline, f"{len(rows)} bars"
        time.sleep(0.2)


def answer_ms(hub: Hub, path: str) -> float:
    """Milliseconds from the request to the last byte, on a connection that is open; median of many."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port)
    times = []
    for _ in range(5 if QUICK else 25):
        begun = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        times.append((time.perf_counter() - begun) * 1000)
        assert response.status == 200, body[:300]
    connection.close()
    return median(times)


def lean_ms(hub: Hub, path: str) -> float:
    """The same with `wrk`, which reads the bytes and keeps none of them; median."""
    out = subprocess.run(
        ["wrk", "-t1", "-c1", f"-d{min(SECONDS, 3)}s", "--latency", hub.url + path],
        capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def transport_ms(count: int) -> float:
    """As many bytes out of another process's memory over loopback, read by Python's client as the hub's are: what of a figure
    is not the hub's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count + bytes(count)
            peer, _ = listener.accept()
            while peer.recv(4096):
                peer.sendall(answer)
            os._exit(0)
        try:
            peer = type("Peer", (), {"port": listener.getsockname()[1]})
            return answer_ms(peer, "/")
        finally:
            os.waitpid(child, 0)


def bars(folder):
    days = 20 if QUICK else 252
    hub = taped_hub(folder, "year", 1, days)
    try:
        for shape, target in (("json", "target <= 60 ms"), ("arrow", "target <= 10 ms"), ("csv", "")):
            path = f"/v1/bars/NASDAQ:B000?interval=1m&from=2025-01-01&limit=100000&format={shape}"
            took, lean = answer_ms(hub, path), lean_ms(hub, path)
            bytes_alone = transport_ms(len(hub.get(path).content))
            report(
                f"{390 * days:,} one-minute bars over HTTP, {shape}",
                f"{lean:.1f} ms; with Python {took:.1f} ms, its bytes alone {bytes_alone:.1f} ms", target)
    finally:
        hub.stop()
    instruments = 50 if QUICK else 500
    hub = taped_hub(folder, "day", instruments, 1)
    try:
        path = "/v1/bars?symbols=NASDAQ:*&interval=1m&from=2025-01-06&to=2025-01-07&limit=250000"
        rows = len(json.loads(hub.get(path).text)["data"])
        assert rows == 390 * instruments, rows
        for shape, target in (("json", "target <= 150 ms"), ("arrow", "")):
            took = answer_ms(hub, f"{path}&format={shape}")
            report(f"a day of 1m bars of {instruments} instruments, {rows:,} rows, {shape}", f"{took:.1f} ms", target)
    finally:
        hub.stop()


def attach_load(client, hub: Hub, encoding: str, subscriptions: list, stagger=0, live=0, limit=60):
    """Clients that read from somewhere in the past until they are live; times in seconds."""
    out = subprocess.run(
        [str(client), str(hub.port), encoding, str(len(subscriptions)), *(str(int(s * 1000)) for s in (stagger, live, limit))],
        input="".join(line + "\n" for line in subscriptions), capture_output=True, text=True, timeout=limit + 120)
    assert out.returncode == 0, out.stderr
    if out.stderr:
        print(out.stderr[:500], file=sys.stderr)
    return json.loads(out.stdout)


def attach(folder):
    """From `earliest` through a million trades that lie there until `live`, one client."""
    client = own_client(folder, "attachload")
    instruments, days = 8, 161
    hub = taped_hub(folder, "million", instruments, days)
    try:
        events = 2 * 390 * days * instruments
        line = '{"op":"subscribe","symbols":["NASDAQ:*"],"types":["trade"],"from":"earliest"}'
        for encoding in ("json", "binary"):
            times = []
            for _ in range(3 if QUICK else 9):
                result = attach_load(client, hub, encoding, [line])
                assert result["events"] == events and result["live"] == 1, result
                times.append(result["live_max_ms"])
            report(f"from earliest through {events:,} trades to live ({encoding})", f"{median(times):.0f} ms", "target <= 1,000 ms")
    finally:
        hub.stop()


CROWD_RATE = 200_000
CROWD = """
hub: {{ listen: "127.0.0.1:PORT", data: ./data, retention: {{ journal_size: 8GiB, min_free: 100MiB }} }}
providers:
  simulator: {{ plugin: simulator, settings: {{ seed: 1, rate: {rate}, kinds: [trade], history: 0 }} }}
pipelines:
  bench: {{ from: [simulator], instruments: [{symbols}], bars: [] }}
"""


def crowd(folder):
    """A thousand clients, each of one of 500 instruments, attach at random cursors while 200,000 trades a second flow."""
    client = own_client(folder, "attachload")
    dice = random.Random(5)
    symbols = [f"SIM:C{i:03}" for i in range(500)]
    hub = Hub(folder / "crowd", CROWD.format(rate=CROWD_RATE, symbols=", ".join(f'"{s}"' for s in symbols))).start()
    try:
        time.sleep(2 if QUICK else 5)
        head = hub.json("/v1/status")["hub"]["head"]
        lines = [
            json.dumps({"op": "subscribe", "symbols": [dice.choice(symbols)], "types": ["trade"],
                        "from": {"after": dice.randrange(head)}}, separators=(",", ":"))
            for _ in range(200 if QUICK else 1000)
        ]
        begun = time.monotonic()
        result = attach_load(client, hub, "binary", lines, stagger=1 if QUICK else 5, live=1 if QUICK else 3, limit=90)
        passed = time.monotonic() - begun
        flowed = (hub.json("/v1/status")["hub"]["head"] - head) / passed
    finally:
        hub.stop()
    # What the last client was not given is no trade: definitions, states of the source.
    assert result["others"] < result["read_back"] / 50, result
    report(
        f"{len(lines):,} clients attach at random cursors, {flowed:,.0f} trades/s flow",
        f"{result['complete']:,} complete, live p50 {result['live_p50_ms']:.0f} ms, max {result['live_max_ms']:.0f} ms",
        "target all complete")
    assert result["complete"] == len(lines), result


def anonymous_kib(hub: Hub) -> int:
    status = pathlib.Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


def stalled(folder):
    """Clients that never read beside 20,000 trades a second."""
    client = own_client(folder, "attachload")
    hub = feed_hub(folder, "stalled", 20_000)
    clients = 200 if QUICK else 1000
    try:
        before = anonymous_kib(hub)
        line = '{"op":"subscribe","symbols":["SIM:*"],"types":["trade"]}'
        crowd = subprocess.Popen(
            [str(client), str(hub.port), "json", str(clients), "0", "0", "120000", "stalled"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        crowd.stdin.write((line + "\n") * clients)
        crowd.stdin.flush()
        assert json.loads(crowd.stdout.readline())["failed"] == 0
        while not all(row["behind"] > 20_000 for row in hub.json("/v1/clients", limit=10_000)["data"]):
            time.sleep(0.5)
        each = (anonymous_kib(hub) - before) / clients
        crowd.communicate("\n", timeout=30)
    finally:
        hub.stop()
    report(f"{clients:,} stalled clients beside 20,000 trades/s", f"{each:.0f} KiB each", "target <= 256 KiB")


BENCHMARKS = {
    f.__name__: f for f in (
        abi, sequencer, chunks, store, encode, decode, fanout, ceiling, attach, crowd, stalled, quotes, bars, start,
        memory)
}


def main():
    names = sys.argv[1:] or list(BENCHMARKS)
    print(f"medians of {RUNS} runs of {SECONDS} s each; {os.cpu_count()} cores shared by hub and load client")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
            BENCHMARKS[name](pathlib.Path(folder))


if __name__ == "__main__":
    main()
