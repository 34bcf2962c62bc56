"""What the vendors' official Python clients decode in a second of processor time, of the messages that hub-bench wrote.

    .build-vendors/bin/python Benchmarks/vendorclients.py FOLDER SECONDS

Each client does what it does with a message that came from its socket, up to the point where it calls the program that uses
it. Finnhub's client has no stream: its own example reads with websocket-client and json.loads.
"""

import itertools
import json
import pathlib
import struct
import sys
import threading
import time
import types


def messages(path: pathlib.Path) -> list:
    data = path.read_bytes()
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return found


def rate(tape: list, take, seconds: float) -> float:
    """Items a second of processor time; `take` returns how many were in a message."""
    items, begun = 0, time.process_time()
    for message in itertools.cycle(tape):
        items += take(message)
        passed = time.process_time() - begun
        if passed >= seconds:
            return items / passed


def zerodha(tape: list, seconds: float) -> float:
    from kiteconnect import KiteTicker

    ticker = KiteTicker("key", "token")
    return rate(tape, lambda message: len(ticker._parse_binary(message)), seconds)


def upstox(tape: list, seconds: float) -> float:
    from upstox_client.feeder import MarketDataStreamerV3

    streamer = MarketDataStreamerV3()
    seen = []
    streamer.on("message", lambda message: seen.append(len(message["feeds"])))

    def take(message: bytes) -> int:
        streamer.handle_message(None, message)
        return seen.pop()

    return rate(tape, take, seconds)


def finnhub(tape: list, seconds: float) -> float:
    texts = [message.decode() for message in tape]
    return rate(texts, lambda message: len(json.loads(message)["data"]), seconds)


def twelvedata(tape: list, seconds: float) -> float:
    """The client hands every event over a queue to a thread of its own; it is given no more than the queue holds."""
    from twelvedata.websocket import EventReceiver, TDWebSocket

    done = threading.Semaphore(0)
    context = types.SimpleNamespace(
        apikey="key", self_heal_time_s=1, defaults={"on_event": lambda event: done.release(), "log_level": "info"})
    receiver = EventReceiver(TDWebSocket(context))
    texts = [message.decode() for message in tape]

    def take(batch: list) -> int:
        for message in batch:
            receiver.on_message(None, message)
        for _ in batch:
            done.acquire()
        return len(batch)

    return rate([texts], take, seconds)


def main() -> None:
    folder, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    rates = {
        vendor.__name__: vendor(messages(folder / f"{vendor.__name__}.tape"), seconds)
        for vendor in (zerodha, upstox, finnhub, twelvedata)
    }
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
